"""The split and subset that is labelled: what a run scores, or with it the queries that nobody has judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import UsageError
from bench.paths import is_folder
from bench.tasks.beir import is_beir, unjudged_queries
from bench.tasks.data import RetrievalData
from bench.tasks.layouts import DEFAULT_SUBSET
from bench.tasks.sources import Loaded
from bench.tasks.unit import TaskUnit


@dataclass(frozen=True)
class UnjudgedUnit(TaskUnit):
    """A unit whose data also has the queries of its folder that no split judges; there need be no judgement."""

    @cached_property
    def _loaded(self) -> Loaded:
        return self.sources.load(self.split, self.subset, unjudged_queries(_folder(self), self.split))


def with_unjudged(unit: TaskUnit) -> UnjudgedUnit | None:
    """The unit with its unjudged queries; None where its layout has none.

    Raises:
        NotHereError: The data is not there.
    """
    card = unit.card
    if card.type != "retrieval" or card.table is not None or card.hub is not None:
        return None
    path = _folder(unit)
    return UnjudgedUnit(unit.sources, unit.split, unit.subset) if is_folder(path) and is_beir(path) else None


def _folder(unit: TaskUnit) -> Path:
    path = unit.sources.own_path()
    return path if unit.subset == DEFAULT_SUBSET else path / unit.subset


def labelled_data(unit: TaskUnit) -> RetrievalData:
    """A unit's data.

    Raises:
        UsageError: It is not of retrieval, or only for mteb to score.
        BenchError: It cannot be read.
    """
    data = unit.data
    if not isinstance(data, RetrievalData):
        raise UsageError(
            f"`{unit.task}` is no retrieval task that bench scores", hint="labels are of query and document"
        )
    return data
