"""What a plan says about the texts that a model gets: prompts, padding, pooling, and whether they changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError, did_you_mean
from bench.models.entries.needs import known_tasks, missing_needs, mteb_version
from bench.models.folders.outside_notes import outside_notes
from bench.models.keys import ROLES, Role, names_a_task, roles_of_type, split_key
from bench.models.profile import ModelProfile
from bench.models.prompts import DEFAULT_INSTRUCTIONS, PLACEHOLDER, never_used, task_argument
from bench.plan import PlannedModel
from bench.results.schema import ModelRecord
from bench.tasks.unit import TaskUnit

_ROLES_OF: dict[str, tuple[Role, ...]] = {"retrieval": ("query", "document"), "sts": ("text",)}
_MOST_SHOWN = 8
_BATCHING = {
    "equal-lengths": "its vectors depend on padding: texts are encoded only beside texts of as many tokens",
    "single": "its vectors depend on the other texts of a batch: texts are encoded one at a time",
}


def roles_of(unit: TaskUnit) -> tuple[Role, ...]:
    """The roles that a unit's texts have; those that mteb scores may have any."""
    return _ROLES_OF.get(unit.info.type, ROLES)


def batching_note(model: str, batching: str) -> str:
    """A sentence on a model whose vectors would depend on its batches."""
    return f"{model}: {_BATCHING[batching]}"


@dataclass(frozen=True)
class Inputs:
    """What texts of a unit are encoded with now, to compare with records.

    Attributes:
        roles: Prompt and `task` argument of the entry, by role; None for a baseline.
        reads_role: Whether the model's files show that queries and documents are encoded in different ways.
        profile: What is known of the model; None before it was first loaded.
    """

    roles: Mapping[Role, tuple[str, str | None]] | None
    reads_role: bool = False
    profile: ModelProfile | None = None

    @classmethod
    def of(cls, model: PlannedModel, unit: TaskUnit) -> Inputs:
        """Those of a model on a task unit.

        Raises:
            BenchError: An instruction is needed that mteb states, and mteb cannot be asked.
        """
        if model.stated is None or model.space is None:
            return cls(None)
        task = unit.prompt_task
        roles = {
            role: (model.resolved(task, role).prompt, task_argument(model.entry, task, role)) for role in roles_of(unit)
        }
        return cls(roles, model.stated.reads_role, model.space.profile())

    def match(self, record: ModelRecord) -> bool:
        """Whether a record's texts were encoded with the same.

        Records from before version 3 do not say: they match where nothing is put before a text and no role matters.
        """
        if self.roles is None:
            return True
        if record.inputs is None:
            bare = all(not prompt and argument is None for prompt, argument in self.roles.values())
            return bare and not self.reads_role and (self.profile is None or _plain(self.profile))
        for role, (prompt, argument) in self.roles.items():
            known = record.inputs.get(role)
            if known is None or known.prompt != prompt or argument not in {None, known.task}:
                return False
        return self.profile is None or record.model.padding == self.profile.padding


def _plain(profile: ModelProfile) -> bool:
    return profile.batching == "any" and not profile.role_matters


def notes_on_model(model: PlannedModel, profile: ModelProfile | None) -> list[str]:
    """What a reader of the plan should know about a model, whatever the task."""
    name, stated = model.entry.name, model.stated
    notes: list[str] = []
    if stated is None:
        return notes
    if stated.assumed is not None and model.pooling_assumed:
        notes.append(
            f"{name}: its folder does not state its pooling: {stated.assumed.mode} pooling is assumed, since "
            f"{stated.assumed.reason}; set `pooling` to settle it"
        )
    if stated.truncate_dim is not None and stated.truncate_dim != model.width:
        notes.append(
            f"{name}: its configuration cuts vectors to {stated.truncate_dim} dimensions (`truncate_dim`); bench keeps "
            f"all {model.width} and evaluates {', '.join(str(dim) for dim in _dims(model))}"
        )
    if model.entry.similarity is not None and stated.similarity not in {None, model.entry.similarity}:
        notes.append(
            f"{name}: compared by {model.entry.similarity}, though its configuration states {stated.similarity}"
        )
    if profile is not None and profile.batching != "any":
        notes.append(batching_note(name, profile.batching))
    return notes + (outside_notes(model.entry, model.located.path) if model.located is not None else [])


def _dims(model: PlannedModel) -> list[int]:
    return sorted({view.truncate_dim for view in model.views}, reverse=True)


def notes_on_inputs(model: PlannedModel, units: Sequence[TaskUnit]) -> list[str]:
    """What a reader of the plan should know about a model's prompts on some task units.

    Raises:
        BenchError: An instruction is needed that mteb states, and mteb cannot be asked.
    """
    if model.stated is None:
        return []
    tasks = [unit.prompt_task for unit in units]
    unused = never_used(model.stated.prompts, model.stated.default_prompt, tasks)
    notes = []
    if unused:
        shown = ", ".join(f"`{key}`" for key in unused[:_MOST_SHOWN]) + (", ..." if len(unused) > _MOST_SHOWN else "")
        notes.append(
            f"{model.entry.name}: its folder states prompts that no role and no task here uses: {shown}; "
            "name them in `prompts` (`query: ...`, `document: ...`) if they are meant"
        )
    return [*notes, *_misnamed(model, units), *_defaults(model, units)]


def _misnamed(model: PlannedModel, units: Sequence[TaskUnit]) -> list[str]:
    """Keys of the entry that are nearly the name of a task of this run."""
    names = [name for unit in units for name in unit.prompt_task.names]
    notes = []
    for setting in ("prompts", "task"):
        for key in getattr(model.entry, setting):
            base = split_key(key)[0]
            if not names_a_task(key) or base in names or key in names:
                continue
            if (close := did_you_mean(base, names)) and not _is_task_of_mteb(base):
                notes.append(f"{model.entry.name}: the key `{key}` of `{setting}` names no task of this run; {close}")
    return notes


def _is_task_of_mteb(name: str) -> bool:
    try:
        return mteb_version() is not None and name in known_tasks()
    except BenchError:
        return False


def notes_on_needs(model: PlannedModel, units: Sequence[TaskUnit]) -> list[str]:
    """What mteb says that a public model needs on some task units and does not get.

    Raises:
        BenchError: A file of the model's folder is broken.
    """
    if model.located is None:
        return []
    tasks = [unit.prompt_task for unit in units]
    missing = missing_needs(model.entry, model.located.path, [(task, roles_of_type(task.type)) for task in tasks])
    return [f"{model.entry.name}: {missing}"] if missing else []


def _defaults(model: PlannedModel, units: Sequence[TaskUnit]) -> list[str]:
    """Tasks without an instruction of their own, for a model that takes one."""
    if not any(PLACEHOLDER in prompt for prompt in model.entry.prompts.values()):
        return []
    found: dict[str, list[str]] = {}
    for unit in units:
        asked = [model.resolved(unit.prompt_task, role).instruction for role in roles_of(unit)]
        if any(instruction is not None and instruction.origin == "default" for instruction in asked):
            found.setdefault(unit.prompt_task.type, []).append(unit.label)
    return [
        f"{model.entry.name}: no instruction in the card of {', '.join(dict.fromkeys(labels))}: mteb's for {kind} is "
        f"used, {json.dumps(DEFAULT_INSTRUCTIONS.get(kind, ''))}"
        for kind, labels in found.items()
    ]
