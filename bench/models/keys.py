"""The keys of `prompts` and `task`: roles, MTEB's types of tasks, names of tasks, and these with a role."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

# query and document of retrieval; text: an input of a symmetric task, such as STS or classification.
Role = Literal["query", "document", "text"]
ROLES: tuple[Role, ...] = ("query", "document", "text")

# The names of each role in a model's configuration, the first one before the others.
NAMES_OF_ROLES: dict[Role, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
    "text": ("text",),
}
_NAMES = tuple(name for names in NAMES_OF_ROLES.values() for name in names)
# What people write for a role, and no likely name of a task.
_MEANT = {"queries": "query", "q": "query", "docs": "document", "doc": "document", "d": "document"}
_SUFFIXES = tuple(f"-{name}" for role, names in NAMES_OF_ROLES.items() if role != "text" for name in names)

# MTEB's types of tasks whose inputs are texts.
TASK_TYPES = (
    "BitextMining Classification Clustering InstructionReranking InstructionRetrieval MultilabelClassification "
    "PairClassification Regression Reranking Retrieval STS Summarization ZeroShotClassification"
).split()

_ASYMMETRIC = {"Retrieval", "Reranking", "InstructionRetrieval", "InstructionReranking"}


def roles_of_type(task_type: str) -> tuple[Role, ...]:
    """The roles of the inputs of tasks of one of MTEB's types."""
    return ("query", "document") if task_type in _ASYMMETRIC else ("text",)


def split_key(key: str) -> tuple[str, str | None]:
    """A key without the role at its end, and that role's name; None where it has none."""
    for suffix in _SUFFIXES:
        if key.endswith(suffix) and len(key) > len(suffix):
            return key.removesuffix(suffix), suffix[1:]
    return key, None


def names_a_task(key: str) -> bool:
    """Whether a key is neither a role nor a type of tasks, with or without a role."""
    base, suffix = split_key(key)
    return base not in TASK_TYPES and (suffix is not None or base not in _NAMES)


def check_key(key: str) -> None:
    """Refuse a key that is nearly a role or a type of tasks; any other may be the name of a task.

    Raises:
        ValueError: It is empty, or another way to write one that is known.
    """
    base, suffix = split_key(key)
    if not base.strip():
        raise ValueError("a key must not be empty")
    if base in TASK_TYPES or (base in _NAMES and suffix is None):
        return
    if base in _MEANT:
        raise ValueError(f"unknown key `{key}`: did you mean `{_MEANT[base]}`?")
    for known in (*_NAMES, *TASK_TYPES):
        if base == known or base.casefold() in {known.casefold(), f"{known.casefold()}s"} or _nearly(base, known):
            raise ValueError(f"unknown key `{key}`: did you mean `{known}`?")


def _nearly(word: str, role: str) -> bool:
    """Whether a word is one edit of an inner letter away from a role's name of some length."""
    if role not in _NAMES or len(role) < 5 or abs(len(word) - len(role)) > 1:
        return False
    return difflib.SequenceMatcher(None, word.casefold(), role).ratio() >= 1 - 1.5 / len(role)


def check_one_key_a_role(values: Mapping[str, str]) -> None:
    """Refuse two names of one role, of which only one could count.

    Raises:
        ValueError: There are two.
    """
    for base in {split_key(key)[0] for key in values}:
        for names in NAMES_OF_ROLES.values():
            keys = [f"{base}-{name}" for name in names] if base not in _NAMES else list(names)
            found = [key for key in keys if key in values]
            if len(found) > 1:
                raise ValueError(f"`{found[0]}` and `{found[1]}` name one role: leave one of them out")


def candidates(names: Iterable[str], task_type: str, role: Role) -> Iterator[tuple[str, ...]]:
    """The keys to look for, the most specific first; those of one tuple are names of the same thing.

    The order is that of mteb's `get_prompt_name`: task with role, task, type with role, type, role.

    Args:
        names: The task's names.
        task_type: MTEB's type of it.
        role: The role of the input.
    """
    with_role = NAMES_OF_ROLES[role] if role != "text" else ()
    for name in (*names, task_type):
        if name:
            yield tuple(f"{name}-{suffix}" for suffix in with_role)
            yield (name,)
    yield NAMES_OF_ROLES[role]
