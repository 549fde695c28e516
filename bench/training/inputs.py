"""What each column of training data is encoded with: what scoring puts before such texts, and their role."""

from __future__ import annotations

from bench.models.folders.stated import Stated
from bench.models.keys import Role
from bench.models.profile import ModelProfile, TextContext
from bench.models.prompts import PromptTask, resolve_prompt, task_argument, text_context
from bench.models.recipe import Shape
from bench.models.registry import ModelEntry
from bench.training.data import TrainingSet

_ROLES: dict[str, Role] = {
    "query": "query",
    "positive": "document",
    "negative": "document",
    "sentence1": "text",
    "sentence2": "text",
}
# MTEB's type of the task that data in files is trained for.
_TYPES: dict[Shape, str] = {
    "pairs": "Retrieval",
    "triplets": "Retrieval",
    "scored-pairs": "STS",
    "labelled-pairs": "PairClassification",
}


def column_roles(part: TrainingSet) -> dict[str, Role]:
    """The role of each column that holds texts."""
    return {column: _ROLES[column] for column in part.columns if column in _ROLES}


def prompt_task(part: TrainingSet) -> PromptTask:
    """The task that a data set is trained for, as prompts see it: its own, or for files one of their shape."""
    return part.unit.prompt_task if part.unit is not None else PromptTask(type=_TYPES[part.shape])


def column_prompts(entry: ModelEntry, stated: Stated, part: TrainingSet) -> dict[str, str]:
    """The prompts that a data set is trained with, by column; columns without one are left out.

    Args:
        entry: The entry of the model that is trained.
        stated: What the folder states that training starts from.
        part: The data set.

    Raises:
        BenchError: An instruction is needed that mteb states, and mteb cannot be asked.
    """
    task = prompt_task(part)
    found = {
        column: resolve_prompt(entry, stated.prompts, stated.default_prompt, task, role).prompt
        for column, role in column_roles(part).items()
    }
    return {column: prompt for column, prompt in found.items() if prompt}


def column_arguments(entry: ModelEntry, part: TrainingSet) -> dict[str, str]:
    """The `task` arguments that an entry names for the columns of a data set."""
    task = prompt_task(part)
    found = {column: task_argument(entry, task, role) for column, role in column_roles(part).items()}
    return {column: argument for column, argument in found.items() if argument is not None}


def column_contexts(entry: ModelEntry, profile: ModelProfile, part: TrainingSet) -> dict[str, TextContext]:
    """What scoring encodes texts of each column with.

    Args:
        entry: The entry of the model that is trained.
        profile: What is known of the model that training starts from.
        part: The data set.
    """
    task = prompt_task(part)
    return {column: text_context(entry, profile, task, role) for column, role in column_roles(part).items()}
