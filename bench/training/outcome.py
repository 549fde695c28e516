"""What training tells while it goes on, and what it gives at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.training.coverage import Coverage

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Listener(Protocol):
    """What wants to know how training goes on."""

    def preparing(self, model: str) -> None:
        """A model's base and data are being read."""

    def counted(self, model: str, coverage: Sequence[Coverage]) -> None:
        """The batches of a training were counted, by data set."""

    def starting(self, model: str, steps: int) -> None:
        """A training begins."""

    def resuming(self, model: str, step: int, steps: int) -> None:
        """An interrupted training goes on."""

    def training(self, model: str, step: int, steps: int, loss: float) -> None:
        """A step was done."""

    def judged(self, model: str, step: int, metric: str, score: float) -> None:
        """The model was scored."""

    def made(self, model: str, folder: Path) -> None:
        """A model was made and stored."""

    def waiting(self, model: str) -> None:
        """Another process is training this model."""


@dataclass
class Trained:
    """What a training gave.

    Attributes:
        model: The model.
        steps: Steps of the whole training.
        coverage: What its batches held, by data set.
        log: A row a step or evaluation, as the trainer keeps them.
        seconds: Wall time of this process's part.
        resumed_from: The step that it went on from; 0 from the start.
        first_score: The base's score, where checkpoints are judged.
        best_score: The best checkpoint's.
        best_step: Its step.
        device: Where it was trained.
    """

    model: SentenceTransformer
    steps: int
    coverage: list[Coverage] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    resumed_from: int = 0
    first_score: float | None = None
    best_score: float | None = None
    best_step: int | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Estimate:
    """What a training would take.

    Attributes:
        steps: Steps of the whole training.
        seconds_per_step: Median of a few timed steps, checkpoints and evaluations left out.
        coverage: What its batches would hold, by data set.
    """

    steps: int
    seconds_per_step: float
    coverage: list[Coverage]

    @property
    def seconds(self) -> float:
        """The whole training."""
        return self.steps * self.seconds_per_step
