"""The two models that labels are to decide between, as results name them, and what they find in stored vectors."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.comparing.operands import Side
from bench.comparing.sides import measured
from bench.errors import BenchError, UsageError
from bench.examples.search import check_bm25, find_model
from bench.labelling.places import Places, dense_places, word_places
from bench.models.registry import ModelEntry
from bench.results.index import UnitKey, unit_title
from bench.results.schema import CostRecord, QualityRecord
from bench.tasks.data import RetrievalData
from bench.views import View


@dataclass(frozen=True)
class Ranker:
    """One of the two models, on the task unit that is labelled.

    Attributes:
        name: The model.
        view: Its view; None for a baseline.
        record: Its newest record on the unit, which says what its texts are encoded with.
        command: The command that encodes its texts.
    """

    name: str
    view: View | None
    record: QualityRecord | CostRecord
    command: str

    @property
    def title(self) -> str:
        """The model and its view, as commands take them."""
        return self.name if self.view is None else f"{self.name}@{self.view.truncate_dim}/{self.view.precision}"

    def places(self, data: RetrievalData, entries: Sequence[ModelEntry], root: Path, k: int) -> Places:
        """What it ranks among the first k.

        Args:
            data: The task.
            entries: The registry's entries, for their prompts.
            root: The folder of all vector spaces.
            k: Ranks that count.

        Raises:
            BenchError: Vectors are missing, with the command that makes them.
        """
        identity = self.record.model.fingerprint
        if self.view is None:
            if not check_bm25(identity, entries):
                raise self._missing("the BM25 here is another version than the one that was scored")
            return word_places(data, k)
        model = find_model(identity, entries, root)
        if model is None:
            raise self._missing(f"the cache has no vectors of this model's content ({identity[:8]})")
        try:
            queries = model.vectors(data.queries, "query", self.record.inputs)
            documents = model.vectors(data.documents, "document", self.record.inputs)
        except BenchError as error:
            raise self._missing(error.one_line) from error
        return dense_places(data, queries, documents, self.view, model.profile.similarity, k)

    def _missing(self, reason: str) -> BenchError:
        return BenchError(
            reason, where=f"model `{self.name}`", hint=f"`{self.command}` makes them; so does --encode here"
        )


def make_ranker(side: Side, unit: UnitKey, task: str) -> Ranker:
    """The model that a side of a comparison names, on a task unit.

    Args:
        side: The side.
        unit: The unit.
        task: How commands name the task.

    Raises:
        UsageError: It names no model, or a view that the model cannot have.
        BenchError: The model has no results there.
    """
    if side.model is None:
        raise UsageError(f"`{side.text}` names no model", hint="write SOURCE#MODEL, or name a model")
    found = measured(side.index, side.model).get(unit)
    command = f"bench run --no-cost --model {shlex.quote(side.model)} --tasks {shlex.quote(task)}"
    if found is None:
        raise BenchError(
            f"no results of `{side.model}` on {unit_title(unit)}, so it is not known what its texts are encoded with",
            hint=f"`{command}` makes them; with --encode none are needed",
        )
    width = found.record.model.width
    if side.view is not None and (width is None or side.view.truncate_dim > width):
        raise UsageError(
            f"`{side.text}`: the model has {f'{width} dimensions' if width else 'no vectors'}",
            hint=f"name it {side.model} or with fewer dimensions" if width else f"name it {side.model}",
        )
    return Ranker(side.model, side.view or found.full, found.record, f"{command} --force")
