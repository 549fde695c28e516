"""What a study has to do for a plan to know what is done and for a run to do the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from bench.errors import BenchError
from bench.models.profile import ModelProfile
from bench.plan import Job, PlannedModel
from bench.quality.evaluate import Scores
from bench.quality.score import Encode
from bench.results.index import ResultIndex, ResultKey
from bench.results.schema import ModelRecord
from bench.results.store import ResultStore
from bench.tasks.unit import TaskUnit

# What a study scores at once, and what it finds out of it.
Part = TypeVar("Part")
Found = TypeVar("Found", bound=Scores)


class Study(Protocol[Part, Found]):
    """Something that is found out about a model on a task unit from its stored vectors."""

    @property
    def part(self) -> str:
        """What one of its parts is called."""

    def parts(self, model: PlannedModel, unit: TaskUnit) -> list[Part]:
        """What is to be scored of a model on a unit; nothing where the study says nothing of it."""

    def results(self, index: ResultIndex) -> Mapping[ResultKey, Mapping[Part, ModelRecord]]:
        """The newest record of every part that has results."""

    def score(
        self, job: Job, parts: Sequence[Part], encode: Encode, profile: ModelProfile
    ) -> Iterator[tuple[Part, Found | BenchError]]:
        """Score some parts.

        Args:
            job: The model and the unit.
            parts: The parts.
            encode: Gives the vectors of texts, from the store.
            profile: The model's profile.

        Yields:
            Each part with its scores, or why it has none.

        Raises:
            BenchError: None can be scored.
        """

    def write(self, store: ResultStore, job: Job, profile: ModelProfile, scored: Sequence[tuple[Part, Found]]) -> Path:
        """Write the record of parts scored together."""
