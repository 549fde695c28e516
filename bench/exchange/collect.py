"""Our current results in the order that MTEB files them: a model, an experiment, a task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.exchange.values import NAUC, mteb_values
from bench.files import digest_json, safe_name
from bench.results.index import Cell, ResultIndex, UnitKey
from bench.results.schema import ModelInfo, TaskInfo, ViewScores

# The owner in the name of a model that no Hub repository names.
OWNER = "bench"

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class ExportModel:
    """A model under its MTEB name.

    Attributes:
        info: The model.
        name: Its Hub repository, else `bench/` and our name of it with odd characters replaced.
        revision: Its Hub commit, else its fingerprint.
    """

    info: ModelInfo
    name: str
    revision: str


@dataclass
class Export:
    """What becomes one file: the scores of one model, cut in one way, on one task.

    Attributes:
        model: The model.
        experiment: What sets the vectors apart from the model's whole ones, by mteb's keys; empty for those.
        task: MTEB's name of the task, else the task's own with odd characters replaced.
        scores: The values of each unit of the task, by MTEB's names.
        created: When the newest of them was made, ISO 8601.
        expected: Whether some are the expectation over ties, since their record is from before MTEB's order was kept.
    """

    model: ExportModel
    experiment: dict[str, int | str]
    task: str
    scores: list[tuple[TaskInfo, Mapping[str, float]]] = field(default_factory=list)
    created: str = ""
    expected: bool = False

    @property
    def mteb_task(self) -> str | None:
        """The MTEB task that it says it is."""
        return self.scores[0][0].mteb

    @property
    def without_nauc(self) -> bool:
        """Whether a unit of rankings has no nAUC, of which MTEB's files have some hundred."""
        return any(
            task.type == "retrieval" and not any(name.startswith(NAUC) for name in values)
            for task, values in self.scores
        )

    @property
    def dataset_revision(self) -> str:
        """As files name it."""
        return dataset_revision([task for task, _ in self.scores])


def dataset_revision(tasks: Sequence[TaskInfo]) -> str:
    """What files call the data of a task's units: its Hub commit where all have the same, else a fingerprint of it."""
    revisions = {task.revision for task in tasks}
    if len(revisions) == 1 and (revision := revisions.pop()) is not None:
        return revision
    if len(tasks) == 1:
        return tasks[0].fingerprint
    return digest_json(sorted([task.split, task.subset, task.fingerprint] for task in tasks))


def collect(index: ResultIndex, models: Collection[str] = (), tasks: Collection[str] = ()) -> list[Export]:
    """The current results as MTEB would file them.

    Args:
        index: The results.
        models: Only these, all by default.
        tasks: Only these, by our name; all by default.
    """
    known = _export_models(index)
    exports: dict[tuple[str, str, tuple[tuple[str, int | str], ...]], Export] = {}
    for name, unit, cell in _current_cells(index):
        if (models and name not in models) or (tasks and unit[0] not in tasks):
            continue
        record, scores = cell.record, cell.scores
        experiment = _experiment(record.model, scores)
        key = (name, unit[0], tuple(experiment.items()))
        if key not in exports:
            exports[key] = Export(known[name], experiment, safe_name(record.task.mteb or record.task.name))
        exports[key].scores.append((record.task, mteb_values(record, scores)))
        exports[key].expected |= not record.knows_mteb_order
        exports[key].created = max(exports[key].created, record.created)
    for export in exports.values():
        export.scores.sort(key=lambda item: (item[0].split, item[0].subset))
    return list(exports.values())


def _current_cells(index: ResultIndex) -> Iterator[tuple[str, UnitKey, Cell]]:
    for unit, current in index.current.items():
        yield from ((name, unit, cell) for name, cells in current.cells.items() for cell in cells.values())


def _experiment(model: ModelInfo, scores: ViewScores) -> dict[str, int | str]:
    """What mteb.get_model(embed_dim=...) and its CompressionWrapper would note down for the same vectors."""
    experiment: dict[str, int | str] = {}
    if scores.truncate_dim != model.width and scores.truncate_dim is not None:
        experiment["embed_dim"] = scores.truncate_dim
    if scores.precision not in {None, "float32"}:
        experiment["output_dtypes"] = str(scores.precision)
    return experiment


def _export_models(index: ResultIndex) -> dict[str, ExportModel]:
    """The current model of each name. Two that share a Hub commit (other prompts, say) both go by our names."""
    infos: dict[str, ModelInfo] = {}
    for name, _, cell in _current_cells(index):
        if name not in infos or _hub_name(infos[name]) is None:
            infos[name] = cell.record.model
    shared = Counter((_hub_name(info), info.revision) for info in infos.values())
    found = {}
    for name, info in infos.items():
        hub = _hub_name(info)
        if hub is not None and info.revision is not None and shared[hub, info.revision] == 1:
            found[name] = ExportModel(info, hub, info.revision)
        else:
            found[name] = ExportModel(info, f"{OWNER}/{safe_name(name)}", info.fingerprint)
    return found


def _hub_name(info: ModelInfo) -> str | None:
    """The Hub repository that the files came from; only those have a revision."""
    name = info.source.removeprefix("hub:")
    known = info.revision is not None and safe_name(info.revision) == info.revision
    return name if known and _HUB_NAME.fullmatch(name) else None
