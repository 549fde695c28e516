"""What a run prints: the plan, progress, tables, files and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import ProgressColumn, Task, TaskID
from rich.table import Table as RichTable
from rich.text import Text

from bench.cli.console import console, errors, escape, escape_lines
from bench.cli.guard import debugging, traceback_of
from bench.cli.output import say_text
from bench.cli.progress import ProgressDisplay
from bench.cost.schedule import Step
from bench.inputs import batching_note
from bench.leftovers import Leftover
from bench.paths import path_exists
from bench.plan import Failure, Job, Plan, Verdict
from bench.tasks.card import StudyName
from bench.vectors.pipeline import Progress as EncodeProgress


class _Count(ProgressColumn):
    """How much of how much; nothing where the end is not known."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        return Text(f"{task.completed:,.0f}/{task.total:,.0f} {task.fields['what']}")


class RunDisplay(ProgressDisplay):
    """Progress of a run on the terminal.

    Args:
        to: Where it is shown.
    """

    def __init__(self, to: Console = console) -> None:
        super().__init__(to, _Count())
        self._tasks: dict[tuple[str, str, str], TaskID] = {}
        self._files: list[Path] = []
        self._measuring: tuple[str, str, str] | None = None
        self._reading: TaskID | None = None

    def reading(self, task: str | None) -> None:
        """A task's data is being read, which may mean a download; None when all has been read."""
        if self._reading is not None:
            self._progress.remove_task(self._reading)
            self._reading = None
        if task is not None:
            self._reading = self._progress.add_task(f"reading {escape(task)}", total=None, what="", rate="")

    def loading(self, model: str) -> None:
        """A model is being loaded."""
        self._console.print(f"loading {escape(model)}")

    def batching(self, model: str, how: str) -> None:
        """A model is encoded in a way in which its vectors do not depend on the batch."""
        self._console.print(f"note: {escape(batching_note(model, how))}", highlight=False)

    def encoding(self, model: str, task: str, progress: EncodeProgress) -> None:
        """Encoding moved on."""
        bar = self._bar("encode", model, task, progress.total - progress.reused, "texts")
        elapsed = self._progress.tasks[self._progress.task_ids.index(bar)].elapsed or 0
        rate = f"{progress.encoded / elapsed:,.0f} texts/s" if elapsed > 0 and progress.encoded else ""
        self._progress.update(bar, completed=progress.encoded, rate=rate)
        if progress.reused + progress.encoded == progress.total:
            tokens = f", {progress.tokens / elapsed:,.0f} tokens/s" if elapsed > 0 else ""
            self._console.print(
                f"encoded {escape(model)} on {escape(task)}: {progress.encoded:,} texts "
                f"({progress.reused:,} were in the store), {rate}{tokens}"
            )
            self._progress.remove_task(self._tasks.pop(("encode", model, task)))

    def waiting(self, model: str) -> None:
        """Another process is encoding with this model."""
        self._console.print(f"waiting: another process is encoding with {escape(model)}")

    def scoring(self, model: str, task: str, done: int, total: int, what: str) -> None:
        """A view or another part was scored."""
        bar = self._bar("score", model, task, total, f"{what}s")
        self._progress.update(bar, completed=done)
        if done == total:
            self._console.print(f"scored {escape(model)} on {escape(task)}: {total} {what}{'s' if total > 1 else ''}")
            self._progress.remove_task(self._tasks.pop(("score", model, task)))

    def measuring(self, task: str, step: Step) -> None:
        """A cost probe starts: nothing moves on the screen meanwhile, since drawing would disturb it."""
        self._progress.stop()
        now = (task, step.subject, step.probe)
        if now != self._measuring:
            self._measuring = now
            what = f"measuring {step.probe} of {escape(step.subject)} on {escape(task)}"
            self._console.print(f"{what}: process {step.number} of {step.total}, about {_time(step.left)} left")

    def damaged(self, model: str, files: Sequence[str]) -> None:
        """Files of stored vectors were damaged."""
        count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
        self._console.print(
            f"[yellow]{count} of stored vectors of {escape(model)} damaged; encoding their texts again[/]: "
            f"{escape(', '.join(files))}",
            soft_wrap=True,
        )

    def audited(self, task: str, path: Path) -> None:
        """The record of an audit was written."""
        self._console.print(f"audited {escape(task)}")
        self._files.append(path)

    def wrote(self, path: Path) -> None:
        """A record was written."""
        self._files.append(path)

    def failed(self, failure: Failure) -> None:
        """A job failed."""
        self._console.print(f"[red]failed[/]: {escape(failure.model)} on {escape(failure.task)}")
        if debugging() and failure.error.__cause__ is not None:
            say_text(traceback_of(failure.error.__cause__), err=True)

    def print_files(self) -> None:
        """Where everything went."""
        if self._files:
            self._console.print("written:")
            for path in self._files:
                more = " (+ .parquet)" if path_exists(path.with_suffix(".parquet")) else ""
                self._console.print(f"  {escape(str(path))}{more}", soft_wrap=True)

    def _bar(self, what: str, model: str, task: str, total: int, unit: str) -> TaskID:
        key = (what, model, task)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(
                f"{what} {escape(model)} on {escape(task)}", total=total, what=unit, rate=""
            )
        return self._tasks[key]


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"


def print_removed(leftovers: Sequence[Leftover], to: Console = console) -> None:
    """What was removed of earlier runs that were killed."""
    if leftovers:
        size = sum(item.bytes for item in leftovers) / 1e6
        count = f"{len(leftovers)} temporary file{'s' if len(leftovers) > 1 else ''}"
        to.print(f"removed {count} of runs that were killed: {size:,.1f} MB")


def print_plan(plan: Plan, to: Console = console) -> None:
    """The plan: a line a model and task, with what is to be done and why."""
    if plan.jobs:
        table = RichTable(title="plan", title_justify="left", box=None, pad_edge=False, header_style="bold")
        studies = list(dict.fromkeys(name for job in plan.jobs for name in job.studies))
        for heading in ("model", "task", "split", "cells", "to do", "stale", "done", *studies, "cost", "why"):
            table.add_column(heading, justify="right" if heading in {"cells", "to do", "stale", "done"} else "left")
        for job in plan.jobs:
            table.add_row(*_plan_row(job, studies))
        to.print(table)
    for note in plan.notes:
        to.print(f"note: {escape(note)}")
    if plan.jobs and plan.up_to_date:
        to.print("[green]up to date[/]: nothing to encode, score or measure")


def _plan_row(job: Job, studies: Sequence[StudyName]) -> list[str]:
    counts = Counter(status for status, _ in job.cells.values())
    reasons = dict.fromkeys(why for status, why in job.cells.values() if status != "done")
    others: list[tuple[str, Verdict | None]] = [*((name, job.study(name)) for name in studies), ("cost", job.cost)]
    for what, verdict in others:
        if verdict is not None and verdict[0] != "done":
            reasons[verdict[1] if verdict[1] in reasons else f"{what}: {verdict[1]}"] = None
    return [
        escape(job.model.entry.name),
        escape(job.unit.label),
        escape(job.unit.split),
        str(len(job.cells)),
        str(counts["to do"]),
        str(counts["stale"]),
        str(counts["done"]),
        *("-" if verdict is None else verdict[0] for _, verdict in others),
        escape(", ".join(reasons)),
    ]


def print_failures(failures: Sequence[Failure]) -> None:
    """What failed, and what to do about it."""
    if not failures:
        return
    table = RichTable(title="failed", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "task", "why"):
        table.add_column(heading, overflow="fold")
    for failure in failures:
        table.add_row(escape(failure.model), escape(failure.task), escape_lines(str(failure.error)))
    errors.print(table)
