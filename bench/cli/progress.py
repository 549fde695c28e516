"""What the displays of long work have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeRemainingColumn

from bench.cli.output import cover_streams


class ProgressDisplay:
    """Bars on the terminal while a block of code runs; each has a field `rate`.

    Args:
        to: Where they are shown.
        count: The column between bar and rate: how much is done.
    """

    def __init__(self, to: Console, count: ProgressColumn) -> None:
        self._console = to
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            count,
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=to,
            transient=True,
            refresh_per_second=4,
            # Where nothing moves, a bar is only an empty line at its end.
            disable=not to.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        # It puts streams of its own in place, which draw around the bars.
        cover_streams()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
