"""The plan of a run: what was asked for, which cells there are, which are done, which have to be done and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from bench.cost.measure import PROBES
from bench.errors import BenchError, UsageError
from bench.models.folders.stated import Stated
from bench.models.keys import Role
from bench.models.prompts import PromptTask, Resolved, resolve_prompt
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.tasks.card import StudyName
from bench.tasks.unit import TaskUnit
from bench.vectors.store import VectorSpace
from bench.views import SHORTLISTS, ControlledView, Shortlist, View

Status = Literal["to do", "stale", "done"]
# A status and its reason.
Verdict: TypeAlias = tuple[Status, str]
# What a study scores at once.
Part: TypeAlias = ControlledView | View | Shortlist


class UnitSource(Protocol):
    """A task, as a plan needs it."""

    @property
    def name(self) -> str:
        """Its name."""

    def units(self, *, download: bool) -> list[TaskUnit]:
        """The splits and subsets to score; raises a BenchError where they cannot be had."""


@dataclass(frozen=True)
class Options:
    """What the user asked of a run.

    Attributes:
        results: The results folder.
        force: Do again what is done.
        quality: Whether to score.
        cost: Whether to measure cost.
        studies: Whether to make a study; those not named as the tasks' cards say.
        probes: Which probes of cost.
        corpus_size: Documents of a synthetic corpus to search instead of the task's.
        shortlists: Documents of the shortlists that are ranked again, rising.
        truncate_dims: Instead of every entry's own.
        precisions: Instead of every entry's own.
        download: Whether the Hub may be asked for models.
        mteb_order: Whether scores without MTEB's order of ties are made again (ViewScores.mteb).
    """

    results: Path
    force: bool = False
    quality: bool = True
    cost: bool = True
    studies: Mapping[StudyName, bool] = field(default_factory=dict)
    probes: tuple[str, ...] = PROBES
    corpus_size: int | None = None
    shortlists: tuple[int, ...] = SHORTLISTS
    truncate_dims: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    download: bool = True
    mteb_order: bool = False


@dataclass(frozen=True)
class Failure:
    """Something that could not be done."""

    model: str
    task: str
    error: BenchError


@dataclass(frozen=True)
class PlannedModel:
    """A model that is ready to run.

    Attributes:
        entry: Its entry, without settings from `defaults` that do not fit it.
        fingerprint: Its identity.
        located: Its files; None for a baseline.
        space: Its stored vectors; None for a baseline.
        width: Dimensions of its vectors; None for a baseline.
        views: The views asked for; empty for a baseline.
        shortlists: Documents of the shortlists asked for, rising.
        stated: What its folder states; None for a baseline.
    """

    entry: ModelEntry
    fingerprint: str
    located: Located | None = None
    space: VectorSpace | None = None
    width: int | None = None
    views: tuple[View, ...] = ()
    shortlists: tuple[int, ...] = ()
    stated: Stated | None = None

    @property
    def pooling_assumed(self) -> bool:
        """Whether neither its files nor its entry say how vectors of tokens become one of a text."""
        return self.stated is not None and self.stated.assumed is not None and self.entry.pooling is None

    def resolved(self, task: PromptTask, role: Role) -> Resolved:
        """What is put before texts of a role on a task."""
        if self.stated is None:
            return Resolved("")
        return resolve_prompt(self.entry, self.stated.prompts, self.stated.default_prompt, task, role)

    @property
    def setup(self) -> dict[str, Any]:
        """What cost depends on besides the model and the environment."""
        return {} if self.located is None else {"device": self.entry.device, "batch_size": self.entry.batch_size}


@dataclass(frozen=True)
class Job:
    """One model on one task unit.

    Attributes:
        model: The model.
        unit: The task unit.
        cells: Status and reason of every view (None stands for a baseline's only one).
        cost: Status and reason of the cost figures; None when cost is not asked for.
        studies: Status and reason of every part of each study that is asked for and can be made.
    """

    model: PlannedModel
    unit: TaskUnit
    cells: dict[View | None, Verdict]
    cost: Verdict | None
    studies: dict[StudyName, dict[Part, Verdict]] = field(default_factory=dict)

    @property
    def todo(self) -> list[View | None]:
        """Views to score."""
        return [view for view, (status, _) in self.cells.items() if status != "done"]

    def study(self, name: StudyName) -> Verdict | None:
        """Status and reason of a whole study: those of its first part that is not done; None where it is not made."""
        verdicts = list(self.studies.get(name, {}).values())
        return next((verdict for verdict in verdicts if verdict[0] != "done"), verdicts[0] if verdicts else None)

    @property
    def studies_todo(self) -> dict[StudyName, list[Part]]:
        """Parts to score of each study that is not done."""
        todo = {
            name: [part for part, (status, _) in parts.items() if status != "done"]
            for name, parts in self.studies.items()
        }
        return {name: parts for name, parts in todo.items() if parts}

    @property
    def cost_todo(self) -> bool:
        """Whether cost is to be measured."""
        return self.cost is not None and self.cost[0] != "done"


@dataclass
class Plan:
    """All jobs, and what cannot even be planned."""

    jobs: list[Job] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def only_wrong_usage(self) -> bool:
        """Whether nothing can be done because of what was asked for."""
        return not self.jobs and all(isinstance(failure.error, UsageError) for failure in self.failures)

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is left to do."""
        return not any(job.todo or job.studies_todo or job.cost_todo for job in self.jobs)
