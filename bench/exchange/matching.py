"""Which of our models and tasks a published one is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.errors import BenchError, UsageError
from bench.exchange.published import PublishedTask
from bench.hub import NotDownloadedError
from bench.tasks.catalog import BrokenTask, Task
from bench.tasks.data import NotHereError
from bench.tasks.places import NotAvailableError
from bench.tasks.unit import TaskUnit

_ABSENT = (NotHereError, NotAvailableError, NotDownloadedError)


def matching_models(published: str, sources: Mapping[str, Sequence[str]]) -> list[str]:
    """The models of a registry that a published one can be.

    Args:
        published: MTEB's name, owner/name.
        sources: The sources of each entry, by the entry's name.

    Returns:
        The entries with this Hub source; without one, those whose name, or a source's last part, is the last part
        of the published name. Case does not count.
    """
    wanted = published.casefold()
    exact = [
        name
        for name, found in sources.items()
        if wanted in {source.removeprefix("hub:").casefold() for source in found if not source.startswith("package:")}
    ]
    last = wanted.rsplit("/", 1)[-1]
    return exact or [
        name for name, found in sources.items() if last in {_last_part(name), *(_last_part(source) for source in found)}
    ]


def _last_part(text: str) -> str:
    return text.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1].casefold()


def matching_task(published: str, names: Mapping[str, str | None]) -> str | None:
    """Our task that a published one is, None where there is none.

    Args:
        published: MTEB's name of the task.
        names: The MTEB name that each of our tasks declares, None where it declares none, by our name.

    Raises:
        UsageError: Several of ours are this task.
    """
    found = [name for name, declared in names.items() if declared == published]
    if not found:
        found = [name for name, mteb in names.items() if mteb is None and name.casefold() == published.casefold()]
    if len(found) > 1:
        raise UsageError(
            f"several tasks are MTEB's {published}: {', '.join(found)}", hint="name one of them with --tasks"
        )
    return found[0] if found else None


def published_of(published: Sequence[PublishedTask], ours: Sequence[Task | BrokenTask]) -> list[PublishedTask]:
    """The published tasks that ours are.

    Raises:
        UsageError: Of one of ours nothing is published.
    """
    names = _declared_names(ours)
    found = {task.name: matching_task(task.name, names) for task in published}
    for name in names:
        if name not in found.values():
            raise UsageError(
                f"no result is published of the task `{name}`",
                hint=f"published: {', '.join(found)}; a task card names its MTEB task with `mteb: NAME`",
            )
    return [task for task in published if found[task.name]]


@dataclass(frozen=True)
class ReadyTask:
    """The units of a task whose data is here and of which a score is published."""

    name: str
    ready: list[TaskUnit]

    def units(self, *, download: bool = True) -> list[TaskUnit]:  # noqa: ARG002 - the shape of Task.units
        """The units."""
        return self.ready


@dataclass
class Matches:
    """Our counterparts of published tasks.

    Attributes:
        tasks: What can be run or fails in a run, by MTEB's name of the task.
        absent: Why a published split and subset cannot be run, by (task, split, subset) with MTEB's names.
    """

    tasks: dict[str, ReadyTask | BrokenTask] = field(default_factory=dict)
    absent: dict[tuple[str, str, str], str] = field(default_factory=dict)


def match_tasks(published: Iterable[PublishedTask], ours: Sequence[Task | BrokenTask], *, required: bool) -> Matches:
    """Find our counterparts of published tasks and read their data.

    Retrieval data is looked for in every published split, not only in those that the card scores.

    Args:
        published: The published tasks.
        ours: The tasks there are.
        required: Whether the data of a task that is found must be here.

    Raises:
        BenchError: The data of a required task is not here.
        UsageError: Several of our tasks are the same published one.
    """
    matches = Matches()
    names = _declared_names(ours)
    by_name = {task.name: task for task in ours}
    for task in published:
        name = matching_task(task.name, names)
        wanted = {(scores.split, scores.subset) for scores in task.scores}
        if name is None:
            matches.absent.update({(task.name, *key): "no task here is this one" for key in wanted})
            continue
        found = by_name[name]
        if isinstance(found, BrokenTask):
            matches.tasks[task.name] = found
            continue
        ready, reasons = _ready_units(found, task.splits, wanted, required=required)
        if ready:
            matches.tasks[task.name] = ReadyTask(name, ready)
        matches.absent.update({(task.name, *key): reason for key, reason in reasons.items()})
    return matches


def _declared_names(ours: Sequence[Task | BrokenTask]) -> dict[str, str | None]:
    """The MTEB name in each task's card, by the task's name."""
    return {task.name: task.card.mteb if isinstance(task, Task) else None for task in ours}


def _ready_units(
    task: Task, splits: list[str], wanted: set[tuple[str, str]], *, required: bool
) -> tuple[list[TaskUnit], dict[tuple[str, str], str]]:
    """The wanted units whose data is here, whole or broken, and why each of the others is not."""
    own = task.card.splits
    if task.card.type == "retrieval":
        task = replace(task, card=task.card.model_copy(update={"splits": list(dict.fromkeys([*own, *splits]))}))
    reasons = dict.fromkeys(wanted, "its data is not here")
    try:
        units = task.units()
    except _ABSENT as error:
        if required:
            raise
        return [], dict.fromkeys(wanted, _reason(error))
    ready = []
    for unit in units:
        key = (unit.split, unit.subset)
        if key not in wanted:
            continue
        try:
            _ = unit.info
        except _ABSENT as error:
            if required and unit.split in own:
                raise
            reasons[key] = _reason(error)
            continue
        except BenchError:
            # A run reports it among its failures.
            pass
        unit.release()
        ready.append(unit)
        del reasons[key]
    return ready, reasons


def _reason(error: BenchError) -> str:
    """Why data is not here, in the same words for all subsets of a task."""
    where = f" ({error.where})" if error.where else ""
    return f"its data is not here{where}{f': {error.hint}' if error.hint else ''}"
