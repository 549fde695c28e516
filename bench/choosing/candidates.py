"""The candidates of an answer: every current view of a task with each index that it is searched by, and cascades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.choosing.cascades import cascade_quantities
from bench.choosing.constraints import Quantity
from bench.choosing.content import left_out_hint
from bench.choosing.known import Known
from bench.choosing.quantities import Place, cost_quantities, recall, score_quantities
from bench.errors import UsageError, did_you_mean
from bench.index_layout import Kind
from bench.results.index import Cell, Cost, Current, RerankCell, ResultIndex, UnitKey
from bench.results.schema import ModelInfo, TaskInfo
from bench.views import View, sort_key

Key = tuple[str, View | None, int | None]  # model, view, documents of the shortlist that is ranked again


@dataclass(frozen=True)
class Candidate:
    """A view of a model with an index; or a cascade, whose shortlist from there is ranked again at full width.

    Attributes:
        model: The model's name.
        view: The view; None of a baseline.
        index: The index; None of a baseline, and where nothing is searched.
        score: The main score, by exact search whatever the index.
        quantities: What is known of what may be limited.
        recall: HNSW's recall; None of another index.
        noisy: Whether its cost figures were taken on a busy machine, or processes that measured them disagree.
        shortlist: Documents that are ranked again at full width in float32; None where none are.
    """

    model: str
    view: View | None
    index: Kind | None
    score: float
    quantities: Mapping[Quantity, Known]
    recall: Known | None = None
    noisy: bool = False
    shortlist: int | None = None

    @property
    def key(self) -> Key:
        """What has one score, whatever the index."""
        return self.model, self.view, self.shortlist

    @property
    def rank(self) -> tuple[object, ...]:
        """The order of candidates: best score first, exact search before HNSW and cascades, the smallest, by name."""
        return (
            -self.score,
            self.index == "hnsw",
            self.shortlist or 0,
            self.quantities["storage_bytes"].low if "storage_bytes" in self.quantities else 0.0,
            self.model,
            sort_key(self.view) if self.view else (0, 0),
        )


@dataclass(frozen=True)
class Contest:
    """All candidates of one task unit.

    Attributes:
        unit: Task, split and subset.
        task: The task unit.
        environment: Of the cost figures; None where none was measured.
        picked: Whether that environment was picked and not named.
        others: Further environments that its costs were measured in.
        candidates: Best first.
        cells: Where their scores stand, by their keys.
        drawn: Models with random weights, which have no score.
    """

    unit: UnitKey
    task: TaskInfo
    environment: str | None
    picked: bool
    others: Sequence[str]
    candidates: Sequence[Candidate]
    cells: Mapping[Key, Cell | RerankCell]
    drawn: Sequence[str]


def find_unit(index: ResultIndex, task: str, split: str | None, subset: str | None) -> UnitKey:
    """The task unit that is meant.

    Args:
        index: The results.
        task: The task's name.
        split: Its split; may be left out where there is one.
        subset: Likewise.

    Raises:
        UsageError: There are no scores of it, or there are several units.
    """
    units = [unit for unit, current in index.ranked.items() if current.cells]
    for option, place, wanted in (("--task", 0, task), ("--split", 1, split), ("--subset", 2, subset)):
        known = sorted({unit[place] for unit in units})
        if wanted is not None and wanted not in known:
            there = ", ".join(known) or "none"
            hint = left_out_hint(index, task) or did_you_mean(wanted, known)
            hint = hint or (f"there are: {there}" if place or units else "make some: bench run")
            raise UsageError(f"{option}: no current scores of `{wanted}`", hint=hint)
        units = [unit for unit in units if wanted is None or unit[place] == wanted]
    if len(units) > 1:
        place, option = (1, "--split") if len({unit[1] for unit in units}) > 1 else (2, "--subset")
        there = ", ".join(sorted({unit[place] for unit in units}))
        raise UsageError(f"`{task}` has results of several {option[2:]}s: {there}", hint=f"name one with {option}")
    return units[0]


def make_contest(
    index: ResultIndex,
    unit: UnitKey,
    corpus_size: int | None = None,
    environment: str | None = None,
    models: Sequence[str] = (),
    *,
    allow_rerank: bool = False,
) -> Contest:
    """The candidates of a task unit.

    Args:
        index: The results.
        unit: The task unit, one that find_unit gave.
        corpus_size: Documents to search; None for the task's own.
        environment: The one whose costs count, by its fingerprint or how it begins; else the one in which most models
            that have a score were measured, the newest of equals.
        models: Only these; all by default.
        allow_rerank: Whether shortlists that are ranked again are candidates.

    Raises:
        UsageError: There are no costs of that environment, or no scores of a model.
    """
    current = index.ranked[unit]
    newest, costs = current.task, current.costs
    cells: dict[Key, Cell | RerankCell] = {
        (name, view, None): cell for name, views in current.cells.items() for view, cell in views.items()
    }
    if allow_rerank:
        cells |= _reranked(current)
    scores = {key: cell.scores.metrics[newest.main_metric] for key, cell in cells.items()}
    chosen = _environment(costs, environment, {name for name, *_ in scores})
    measured = costs.get(chosen or "", {})
    best = max(score.value for (*_, shortlist), score in scores.items() if shortlist is None)
    _check_models(models, {name for name, *_ in scores}, index, newest.name)
    candidates = []
    for (name, view, shortlist), score in scores.items():
        if models and name not in models:
            continue
        info = cells[name, view, shortlist].record.model
        full = scores.get((name, View(info.width), None)) if info.width else None
        shares = score.value, full.value if full else None, best
        if shortlist is None or view is None:
            candidates += _candidates(newest, info, view, shares, measured.get(name), corpus_size)
        else:
            place = Place(newest, info, view, "flat", corpus_size, measured.get(name))
            candidates.append(_cascade(place, shortlist, shares))
    return Contest(
        unit,
        newest,
        chosen,
        environment is None,
        sorted(set(costs) - {chosen}),
        sorted(candidates, key=lambda candidate: candidate.rank),
        cells,
        sorted(name for name, cost in measured.items() if cost.record.model.drawn),
    )


def _reranked(current: Current) -> dict[Key, RerankCell]:
    """The current shortlists of a task unit."""
    return {
        (name, shortlist.view, shortlist.length): cell
        for name, cells in current.reranked.items()
        for shortlist, cell in cells.items()
    }


def _candidates(
    task: TaskInfo,
    model: ModelInfo,
    view: View | None,
    shares: tuple[float, float | None, float],
    cost: Cost | None,
    corpus_size: int | None,
) -> list[Candidate]:
    """A view with each index; HNSW where its recall is known, since its score is not."""
    kinds: tuple[Kind | None, ...] = (None,) if view is None or task.type != "retrieval" else ("flat", "hnsw")
    found = []
    for kind in kinds:
        place = Place(task, model, view, kind, corpus_size, cost)
        share_found = recall(place) if kind == "hnsw" else None
        if kind == "hnsw" and share_found is None:
            continue
        quantities = score_quantities(place, *shares) | cost_quantities(place)
        noisy = cost.noisy_at(view) if cost else False
        found.append(Candidate(model.name, view, kind, shares[0], quantities, share_found, noisy))
    return found


def _cascade(place: Place, shortlist: int, shares: tuple[float, float | None, float]) -> Candidate:
    """A shortlist from exact search that is ranked again: of another index neither score nor latency is known."""
    quantities = score_quantities(place, *shares) | cascade_quantities(place, shortlist)
    noisy = place.cost.noisy_at(place.view, shortlist) if place.cost else False
    return Candidate(place.model.name, place.view, place.index, shares[0], quantities, noisy=noisy, shortlist=shortlist)


def _environment(costs: Mapping[str, Mapping[str, Cost]], wanted: str | None, scored: set[str]) -> str | None:
    if wanted is not None:
        found = [name for name in sorted(costs) if name.startswith(wanted)] if wanted else []
        if len(found) != 1:
            there = ", ".join(sorted(costs)) or "none"
            what = "several environments begin with" if found else "no costs of this task in environment"
            hint = (not found and did_you_mean(wanted, costs)) or f"there are: {there}"
            raise UsageError(f"--environment: {what} `{wanted}`", hint=hint)
        return found[0]

    def worth(name: str) -> tuple[int, str, str]:
        return len(scored & set(costs[name])), max(cost.record.created for cost in costs[name].values()), name

    return max(costs, key=worth, default=None)


def _check_models(models: Sequence[str], known: set[str], index: ResultIndex, task: str) -> None:
    for name in models:
        if name not in known:
            hint = left_out_hint(index, task, name) or did_you_mean(name, known)
            hint = hint or f"there are: {', '.join(sorted(known))}"
            raise UsageError(f"--model: no current scores of `{name}` on this task", hint=hint)
