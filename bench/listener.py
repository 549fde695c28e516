"""What a run tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.cost.schedule import Step
from bench.plan import Failure
from bench.vectors.pipeline import Progress


class Listener(Protocol):
    """What wants to know how a run goes on (the terminal, or nothing at all)."""

    def loading(self, model: str) -> None:
        """A model is being loaded."""

    def batching(self, model: str, how: str) -> None:
        """A model's vectors depend on their batch, so that its texts are encoded as `how` says (see Batching)."""

    def encoding(self, model: str, task: str, progress: Progress) -> None:
        """Encoding moved on."""

    def waiting(self, model: str) -> None:
        """Another process is encoding with this model."""

    def scoring(self, model: str, task: str, done: int, total: int, what: str) -> None:
        """One of so many things (`view`, `control`) was scored."""

    def measuring(self, task: str, step: Step) -> None:
        """A cost probe starts."""

    def damaged(self, model: str, files: Sequence[str]) -> None:
        """Files of stored vectors were damaged and removed; what was in them is made again."""

    def audited(self, task: str, path: Path) -> None:
        """The record of an audit was written."""

    def wrote(self, path: Path) -> None:
        """A record of quality or cost was written."""

    def failed(self, failure: Failure) -> None:
        """A job failed."""
