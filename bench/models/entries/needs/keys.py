"""What a class of mteb gives with texts, as the keys `prompts`, `instruct_documents` and `task` of an entry."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.models.entries.needs.wrappers import Given, MtebTask, Wrapper
from bench.models.keys import ROLES, TASK_TYPES, Role, roles_of_type, split_key
from bench.models.prompts import PLACEHOLDER, Instruction, PromptTask, instruction_of, resolve_prompt, task_argument
from bench.models.registry import ModelEntry

TaskRoles = tuple[MtebTask, tuple[Role, ...]]

# Of the tasks that a class does not name, so many may have keys of their own.
_FEW = 10


@dataclass
class Keys:
    """Keys of an entry.

    Attributes:
        prompts: `prompts`.
        task: `task`.
        instruct_documents: `instruct_documents`.
        others: The tasks of mteb for which these keys give something else than mteb's class.
    """

    prompts: dict[str, str] = field(default_factory=dict)
    task: dict[str, str] = field(default_factory=dict)
    instruct_documents: bool = False
    others: list[str] = field(default_factory=list)

    def entry(self) -> ModelEntry:
        """An entry with these keys."""
        return ModelEntry.model_construct(
            name="", prompts=self.prompts, task=self.task, instruct_documents=self.instruct_documents
        )


def as_keys(wrapper: Wrapper) -> Keys:
    """The fewest keys that give what a wrapper gives: by role, by type where that differs, then by task.

    Tasks that the wrapper's arguments name get keys of their own, and so do a few others. Where more differ, they are
    listed.
    """
    keys = Keys()
    of_role = {role: wrapper.give(MtebTask("", "", PLACEHOLDER), role) for role in ROLES}
    # Most retrieval tasks have an instruction for queries alone.
    alone = wrapper.give(MtebTask("", "", {"query": PLACEHOLDER}), "document")
    if alone.prompt:
        of_role["document"] = alone
    keys.instruct_documents = PLACEHOLDER in of_role["document"].prompt
    for role in ROLES:
        _set(keys, role, PromptTask(stated=_instruction(PLACEHOLDER)), role, of_role[role])
    for kind in TASK_TYPES:
        _fit(keys, wrapper, MtebTask("", kind, PLACEHOLDER), roles_of_type(kind))
    named = {split_key(key)[0] for key in wrapper.names}
    for task, roles in mteb_tasks():
        if task.name in named:
            _fit(keys, wrapper, task, roles)
    others = _differing(keys, wrapper, mteb_tasks())
    if len(others) <= _FEW:
        for task, roles in others:
            _fit(keys, wrapper, task, roles)
    keys.others = [task.name for task, _ in _differing(keys, wrapper, others)]
    return keys


def _differing(keys: Keys, wrapper: Wrapper, tasks: Sequence[TaskRoles]) -> list[TaskRoles]:
    """The tasks on which an entry with the keys gives something else than a wrapper."""
    entry = keys.entry()
    return [
        (task, roles)
        for task, roles in tasks
        if any(_given(entry, _as_prompts_see(task), role) != wrapper.give(task, role) for role in roles)
    ]


def _given(entry: ModelEntry, task: PromptTask, role: Role) -> Given:
    """What bench gives with texts of a role on a task."""
    return Given(resolve_prompt(entry, {}, None, task, role).prompt, task_argument(entry, task, role))


@functools.lru_cache(maxsize=1)
def mteb_tasks() -> tuple[TaskRoles, ...]:
    """The tasks of texts of the installed mteb that can be run, each with the roles of its inputs."""
    return tuple(_tasks())


def _tasks() -> Iterator[TaskRoles]:
    retrieval = importlib.import_module("mteb.abstasks").AbsTaskRetrieval
    for cls in importlib.import_module("mteb.get_tasks").TASK_LIST:
        metadata = cls.metadata
        if metadata.modalities != ["text"] or hasattr(metadata, "tasks"):
            continue
        roles = roles_of_type(metadata.type)
        if issubclass(cls, retrieval):
            roles = ("query", "document")
        elif any(kinds := [getattr(cls, f"input{number}_prompt_type", None) for number in (1, 2)]):
            roles = tuple("text" if kind is None else kind.value for kind in kinds)
        # With a prompt by role but without roles, mteb takes the mapping itself for the instruction.
        if not (isinstance(metadata.prompt, dict) and "text" in roles):
            yield MtebTask(metadata.name, metadata.type, metadata.prompt), tuple(dict.fromkeys(roles))


def _instruction(prompt: str | Mapping[str, str] | None) -> Callable[[Role], Instruction | None]:
    def stated(role: Role) -> Instruction | None:
        text = instruction_of(prompt, role)
        return None if text is None else Instruction(text, "mteb")

    return stated


def _as_prompts_see(task: MtebTask) -> PromptTask:
    return PromptTask((task.name,) if task.name else (), task.type, _instruction(task.prompt))


def _fit(keys: Keys, wrapper: Wrapper, task: MtebTask, roles: tuple[Role, ...]) -> None:
    """Add the keys of a task or type of tasks for which a wrapper gives something else than the keys so far."""
    seen = _as_prompts_see(task)
    base = task.name or task.type
    wanted = {role: wrapper.give(task, role) for role in roles}
    if len({*wanted.values()}) == 1:
        # One key for both roles.
        _set(keys, base, seen, roles[0], wanted[roles[0]])
    for role in roles:
        _set(keys, base if role == "text" else f"{base}-{role}", seen, role, wanted[role])


def _set(keys: Keys, key: str, task: PromptTask, role: Role, wanted: Given) -> None:
    have = _given(keys.entry(), task, role)
    if have.prompt != wanted.prompt:
        keys.prompts[key] = wanted.prompt
    if wanted.task is not None and have.task != wanted.task:
        keys.task[key] = wanted.task
