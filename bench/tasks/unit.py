"""One split and subset of a task: what a cell is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bench.errors import BenchError
from bench.models.keys import Role
from bench.models.prompts import Instruction, PromptTask
from bench.tasks.card import MAIN_METRICS, MTEB_TYPES, TaskCard, TaskType
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.layouts import DEFAULT_SUBSET, TaskData
from bench.tasks.mteb_bridge import mteb_instruction
from bench.tasks.mteb_data import MtebData
from bench.tasks.places import Place
from bench.tasks.sources import Loaded, Sources

# Texts of more characters than this are read again rather than kept while others are worked on.
_LARGE = 64 << 20


@dataclass(frozen=True)
class UnitInfo:
    """What is known of a unit once its data has been read.

    Attributes:
        type: retrieval, sts or mteb: how the data is scored.
        fingerprint: Identity of the data by content.
        n: Queries, pairs or rows scored.
        documents: Documents, for retrieval.
        mteb_type: MTEB's type, of what mteb scores.
        notes: What a reader of the scores should know about the data.
        place: Where the data was found.
    """

    type: TaskType
    fingerprint: str
    n: int
    documents: int | None
    mteb_type: str | None
    notes: list[str]
    place: Place


@dataclass(frozen=True)
class TaskUnit:
    """One split and subset of a task.

    Attributes:
        sources: Where its data may lie.
        split: Its split.
        subset: Its subset, DEFAULT_SUBSET where the task has none.
    """

    sources: Sources
    split: str
    subset: str

    @property
    def card(self) -> TaskCard:
        """The card it comes from."""
        return self.sources.card

    @property
    def task(self) -> str:
        """The task's name."""
        return self.card.name

    @property
    def label(self) -> str:
        """The task with its subset, for people."""
        return self.task if self.subset == DEFAULT_SUBSET else f"{self.task} {self.subset}"

    @property
    def folds(self) -> int | None:
        """How many folds the task's queries are divided into; None where they are not."""
        return self.card.table.split.folds if self.card.table and self.card.table.split else None

    @property
    def fold_of(self) -> str | None:
        """The split whose queries this one is a fold of; None where it is no fold."""
        return self.card.table.split.fold_of(self.split) if self.card.table and self.card.table.split else None

    def other(self, split: str) -> TaskUnit:
        """Another split of the same task and subset."""
        return TaskUnit(self.sources, split, self.subset)

    @property
    def prompt_task(self) -> PromptTask:
        """The task as prompts see it."""
        names = dict.fromkeys(name for name in (self.card.name.removeprefix("mteb:"), self.card.mteb) if name)
        return PromptTask(tuple(names), self.info.mteb_type or MTEB_TYPES[self.card.type], self._instruction)

    def _instruction(self, role: Role) -> Instruction | None:
        stated = self.card.instruction
        if stated is not None:
            return Instruction(stated if isinstance(stated, str) else getattr(stated, role, ""), "card")
        if self.card.mteb is None:
            return None
        text = mteb_instruction(self.card.mteb, role)
        return None if text is None else Instruction(text, "mteb")

    @property
    def max_loss(self) -> str | None:
        """The margin of its card, such as `0.01` or `2%`; None where it has none."""
        return None if self.card.max_loss is None else str(self.card.max_loss)

    @property
    def main_metric(self) -> str:
        """The metric that ranks models on it."""
        return self.card.main_metric or MAIN_METRICS[self.card.type]

    @cached_property
    def _loaded(self) -> Loaded:
        return self.sources.load(self.split, self.subset)

    @cached_property
    def info(self) -> UnitInfo:
        """What is known of the data, which is read for it.

        Raises:
            NotAvailableError: No place has the data.
            BenchError: The files are missing or broken.
        """
        data = self._loaded.data
        if isinstance(data, RetrievalData):
            kind: TaskType = "retrieval"
        else:
            kind = "sts" if isinstance(data, PairData) else "mteb"
        documents = len(data.documents) if isinstance(data, RetrievalData) else None
        mteb_type = data.definition.mteb_type if isinstance(data, MtebData) else None
        return UnitInfo(kind, data.fingerprint(), data.n, documents, mteb_type, data.notes, self._loaded.place)

    @property
    def fingerprint(self) -> str:
        """The data's fingerprint."""
        return self.info.fingerprint

    @property
    def data(self) -> TaskData:
        """The data, read where it is not in memory.

        Raises:
            NotAvailableError: No place has it.
            BenchError: The files are missing or broken, or have changed since they were first read.
        """
        again = "info" in self.__dict__ and "_loaded" not in self.__dict__
        data = self._loaded.data
        if again and data.fingerprint() != self.info.fingerprint:
            raise BenchError("the data changed while bench was running", where=f"task `{self.label}`", hint="run again")
        return data

    def release(self) -> None:
        """Let go of data that takes much memory; it is read again when asked for."""
        if "_loaded" in self.__dict__ and self._loaded.data.characters > _LARGE:
            _ = self.info
            del self.__dict__["_loaded"]
