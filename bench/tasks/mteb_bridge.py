"""What the installed mteb knows of its tasks and benchmarks."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bench.errors import BenchError, UsageError, did_you_mean
from bench.metrics import RETRIEVAL_METRICS
from bench.models.keys import Role
from bench.models.prompts import instruction_of
from bench.mteb_import import contained, import_mteb
from bench.tasks.card import TaskType

# What a task class must not redefine for bench's own scoring to be the same thing.
_RETRIEVAL_METHODS = ("evaluate", "_evaluate_subset", "task_specific_scores")
_STS_METHODS = ("evaluate", "_evaluate_subset", "_calculate_scores", "_normalize")


@dataclass(frozen=True)
class Selection:
    """One task of mteb, with what a benchmark restricts it to.

    Attributes:
        name: The task's name.
        splits: Splits to score; None means all that the task evaluates.
        subsets: Subsets to score; None means all.
    """

    name: str
    splits: tuple[str, ...] | None = None
    subsets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class MtebDefinition:
    """What mteb says of one task.

    Attributes:
        name: Its name.
        kind: retrieval or sts where bench's own scoring computes the same; mteb where mteb's evaluator must.
        mteb_type: MTEB's type, e.g. Classification.
        main_metric: The metric that ranks models on it.
        splits: Splits to score.
        subsets: Subsets (languages, pairs) to score; `default` where it has none.
        dataset: Id of its data set on the Hugging Face Hub.
        revision: Commit of that data set.
        ignore_identical_ids: Whether a document with the query's own id is left out of its ranking.
        description: One paragraph for people.
        languages: BCP 47 codes.
        licence: Licence of the data, where it is known.
        notes: What a reader of the scores should know: superseded, not public.
        plain: Whether mteb reads its rows as they are in the files.
        merged: Whether its subsets may be rows of one table, with a column that says which.
        columns: The columns of the two sentences, for sts.
    """

    name: str
    kind: TaskType
    mteb_type: str
    main_metric: str
    splits: tuple[str, ...]
    subsets: tuple[str, ...]
    dataset: str
    revision: str | None
    ignore_identical_ids: bool
    description: str
    languages: tuple[str, ...]
    licence: str | None
    notes: tuple[str, ...] = ()
    plain: bool = False
    merged: bool = False
    columns: tuple[str, str] = ("sentence1", "sentence2")


def expand(name: str) -> list[Selection]:
    """The tasks that a name of mteb stands for: those of a benchmark, the parts of an aggregate task, or itself.

    Args:
        name: A task's or benchmark's name, e.g. `Banking77Classification` or `MTEB(eng, v2)`.

    Raises:
        UsageError: mteb knows no such name.
        BenchError: mteb is not installed.
    """
    mteb = import_mteb()
    with contained():
        benchmarks = {alias: found for found in mteb.get_benchmarks() for alias in (found.name, *found.aliases)}
        if name in benchmarks:
            return _unique(part for task in benchmarks[name].tasks for part in _parts(task, restricted=True))
        return _unique(_parts(_task(mteb, name, benchmarks), restricted=False))


def definition(name: str, splits: Iterable[str] | None = None, subsets: Iterable[str] | None = None) -> MtebDefinition:
    """What mteb says of a task, restricted to some splits and subsets.

    Args:
        name: The task's name.
        splits: Splits to score, all that the task evaluates by default.
        subsets: Subsets to score, all by default.

    Raises:
        UsageError: No such task, split or subset; or an aggregate, which expand() takes apart.
        BenchError: It is not a task of texts alone, or mteb is not installed.
    """
    mteb = import_mteb()
    with contained():
        task = _task(mteb, name)
        metadata = task.metadata
        if task.is_aggregate:
            raise UsageError(f"`{name}` is an aggregate of several tasks", hint="name it as `mteb:` task, or its parts")
        other = sorted(set(metadata.modalities) - {"text"})
        if other:
            raise BenchError(f"the mteb task `{name}` holds {' and '.join(other)}; only tasks of texts can be run")
        return MtebDefinition(
            name=metadata.name,
            kind=_kind(task),
            mteb_type=metadata.type,
            main_metric=metadata.main_score,
            splits=_choose(name, "split", splits, task.eval_splits),
            subsets=_choose(name, "subset", subsets, task.hf_subsets),
            dataset=metadata.dataset["path"],
            revision=metadata.dataset.get("revision"),
            ignore_identical_ids=bool(getattr(task, "ignore_identical_ids", False)),
            description=" ".join((metadata.description or "").split()),
            languages=tuple(sorted(metadata.bcp47_codes)),
            licence=metadata.license,
            notes=_notes(metadata),
            plain=_plain(task),
            merged=bool(task.fast_loading),
            columns=tuple(getattr(task, "column_names", ("sentence1", "sentence2"))),
        )


def mteb_instruction(name: str, role: Role) -> str | None:
    """The instruction that mteb's metadata state for a role of a task's inputs; None where they state none.

    Args:
        name: The task's name.
        role: The role.

    Raises:
        UsageError: mteb knows no such task.
        BenchError: mteb is not installed.
    """
    try:
        mteb = import_mteb()
    except BenchError as error:
        raise BenchError(
            f"the instruction of the task `{name}` is mteb's, and {error.message}",
            hint=f"{error.hint}, or set `instruction` in the task's card",
        ) from error
    with contained():
        prompt = _task(mteb, name).metadata.prompt
    return instruction_of(prompt, role)


def _task(mteb: ModuleType, name: str, benchmarks: Iterable[str] = ()) -> Any:
    try:
        return mteb.get_task(name)
    except KeyError:
        known = [cls.metadata.name for cls in importlib.import_module("mteb.get_tasks").TASK_LIST]
        raise UsageError(
            f"mteb {mteb.__version__} has no task or benchmark `{name}`",
            hint=did_you_mean(name, [*known, *benchmarks]) or "names: https://embeddings-benchmark.github.io/mteb",
        ) from None


def _parts(task: Any, *, restricted: bool) -> Iterator[Selection]:
    if task.is_aggregate:
        for part in task.metadata.tasks:
            yield from _parts(part, restricted=True)
    elif restricted:
        yield Selection(task.metadata.name, tuple(task.eval_splits), tuple(task.hf_subsets))
    else:
        yield Selection(task.metadata.name)


def _unique(selections: Iterable[Selection]) -> list[Selection]:
    """Selections of one task made one, since a benchmark may name a task once a language."""
    found: dict[str, Selection] = {}
    for new in selections:
        old = found.get(new.name, new)
        found[new.name] = Selection(new.name, _union(old.splits, new.splits), _union(old.subsets, new.subsets))
    return list(found.values())


def _union(old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if old is None or new is None else tuple(dict.fromkeys((*old, *new)))


def _choose(name: str, what: str, wanted: Iterable[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    known = tuple(known)
    chosen = known if wanted is None else tuple(wanted)
    for value in chosen:
        if value not in known:
            raise UsageError(
                f"the mteb task `{name}` has no {what} `{value}`",
                hint=did_you_mean(value, known) or f"it has {', '.join(known[:12])}{', ...' * (len(known) > 12)}",
            )
    return chosen


def _kind(task: Any) -> TaskType:
    """Whether bench's own scoring computes the same as the task's evaluator."""
    abstasks = importlib.import_module("mteb.abstasks")
    metadata = task.metadata
    if metadata.type == "Retrieval" and isinstance(task, abstasks.AbsTaskRetrieval):
        plain = _inherits(task, abstasks.AbsTaskRetrieval, _RETRIEVAL_METHODS) and not task.skip_first_result
        return "retrieval" if plain and metadata.main_score in RETRIEVAL_METRICS else "mteb"
    if isinstance(task, abstasks.AbsTaskSTS):
        plain = _inherits(task, abstasks.AbsTaskSTS, _STS_METHODS) and metadata.main_score == "cosine_spearman"
        named = all(isinstance(column, str) for column in task.column_names)
        symmetric = task.input1_prompt_type is None and task.input2_prompt_type is None
        return "sts" if plain and named and symmetric else "mteb"
    return "mteb"


def _plain(task: Any) -> bool:
    """Whether the task reads its data as every task of its type does, and changes nothing in it."""
    methods = [getattr(type(task), name) for name in ("load_data", "dataset_transform")]
    return all(method.__module__.startswith("mteb.abstasks") for method in methods)


def _inherits(task: Any, base: Any, methods: tuple[str, ...]) -> bool:
    return all(getattr(type(task), method, None) is getattr(base, method, None) for method in methods)


def _notes(metadata: Any) -> tuple[str, ...]:
    notes = []
    if metadata.superseded_by:
        notes.append(f"mteb has a newer version of this task: {metadata.superseded_by}")
    if not metadata.is_public:
        notes.append("its data is not public")
    if metadata.is_beta:
        notes.append("mteb calls it beta: its data may change")
    return tuple(notes)
