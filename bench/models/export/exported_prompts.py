"""The prompts of an entry as the configuration of an exported folder states them."""

from __future__ import annotations

from typing import Literal

from bench.models.keys import NAMES_OF_ROLES, TASK_TYPES, Role, names_a_task, split_key
from bench.models.profile import ModelProfile
from bench.models.prompts import ANY_TASK, PLACEHOLDER, PromptTask, resolve_prompt
from bench.models.registry import ModelEntry

_ASKED: tuple[Literal["query", "document"], ...] = ("query", "document")


def exported_prompts(entry: ModelEntry, profile: ModelProfile) -> tuple[dict[str, str], str | None]:
    """The prompts by name and the name of the default one, for config_sentence_transformers.json.

    sentence-transformers' encode_query, encode_document and encode then put the same before texts as bench does
    outside of any task, and mteb the same as bench on each task. A prompt that holds an instruction cannot be stated:
    its place is empty.

    Args:
        entry: The model's entry.
        profile: What is known of the model.
    """

    def prompt(task: PromptTask, role: Role) -> str:
        found = resolve_prompt(entry, profile.prompts, profile.default_prompt, task, role)
        return "" if found.instruction is not None else found.prompt

    found: dict[str, str] = {role: prompt(ANY_TASK, role) for role in _ASKED}
    own = [*entry.prompts, *profile.prompts]
    roles = {name for names in NAMES_OF_ROLES.values() for name in names}
    for base in dict.fromkeys(split_key(key)[0] for key in own if key not in roles):
        task = PromptTask((), base) if base in TASK_TYPES else PromptTask((base,))
        if base in own and not _takes_instruction(entry, base):
            found[base] = prompt(task, "text")
        for role in _ASKED:
            stated = any(f"{base}-{name}" in own for name in NAMES_OF_ROLES[role])
            if stated or (base in found and found[base] != prompt(task, role)):
                found[f"{base}-{role}"] = prompt(task, role)
    text = prompt(ANY_TASK, "text")
    if not text:
        return found, None
    # encode alone reaches a prompt by the name of the default one.
    default = profile.default_prompt if found.get(profile.default_prompt or "") == text else "text"
    return {**found, str(default): text}, default


def _takes_instruction(entry: ModelEntry, key: str) -> bool:
    return PLACEHOLDER in entry.prompts.get(key, "")


def left_open(entry: ModelEntry, profile: ModelProfile) -> list[str]:
    """The tasks whose prompts an exported folder may state otherwise.

    Its own prompts for single tasks go before those that the entry gives types of tasks; in bench the entry's go first.
    """
    if not any(split_key(key)[0] in TASK_TYPES for key in entry.prompts):
        return []
    return [key for key in profile.prompts if names_a_task(key) and key not in entry.prompts]
