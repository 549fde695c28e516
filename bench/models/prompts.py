"""Which prompt and which `task` argument an input is encoded with, on which task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench.models.keys import NAMES_OF_ROLES, Role, candidates, names_a_task, split_key
from bench.models.profile import ModelProfile, TextContext
from bench.models.registry import ModelEntry

PLACEHOLDER = "{instruction}"
# mteb's `abstask_prompt`: the instruction of a task that states none, by type.
DEFAULT_INSTRUCTIONS = {
    "BitextMining": "Retrieve parallel sentences.",
    "Classification": "Classify user passages.",
    "Clustering": "Identify categories in user passages.",
    "InstructionReranking": "Retrieve text based on user query.",
    "InstructionRetrieval": "Retrieve text based on user query.",
    "MultilabelClassification": "Classify user passages.",
    "PairClassification": "Retrieve text that are semantically similar to the given text.",
    "Regression": "Predict the value of the user passage.",
    "Reranking": "Retrieve text based on user query.",
    "Retrieval": "Retrieve text based on user query.",
    "STS": "Retrieve semantically similar text.",
    "Summarization": "Given a news summary, retrieve other semantically similar summaries.",
}


@dataclass(frozen=True)
class Instruction:
    """What a model is asked to do with the inputs of a role.

    Attributes:
        text: The instruction; empty for none.
        origin: Where it comes from: `card`, `mteb`, or `default` (mteb's own for the type of task).
    """

    text: str
    origin: Literal["card", "mteb", "default"]


def instruction_of(prompt: str | Mapping[str, str] | None, role: Role) -> str | None:
    """The instruction for a role in the `prompt` of a task's metadata in mteb; None where it states none.

    As mteb's `get_instruction` looks it up: a mapping holds one for queries, one for documents, or both.
    """
    if isinstance(prompt, Mapping):
        return str(prompt.get(role, "")) if role != "text" else None
    return None if prompt is None else str(prompt)


@dataclass(frozen=True)
class PromptTask:
    """A task as prompts see it.

    Attributes:
        names: Its names, the task card's before mteb's.
        type: MTEB's type of it; empty where there is no task.
        stated: Looks up the instruction that its card or mteb states for a role; None where neither does.
    """

    names: tuple[str, ...] = ()
    type: str = ""
    stated: Callable[[Role], Instruction | None] = field(default=lambda _: None, compare=False)

    def instruction(self, role: Role) -> Instruction:
        """What its inputs of a role are prefixed with by models that take instructions.

        Raises:
            BenchError: mteb states it and cannot be asked.
        """
        return self.stated(role) or Instruction(DEFAULT_INSTRUCTIONS.get(self.type, ""), "default")


# A model's use outside of any task.
ANY_TASK = PromptTask()


@dataclass(frozen=True)
class Resolved:
    """What is put before inputs of a role on a task.

    Attributes:
        prompt: The text, without placeholders.
        origin: Whose it is, that of the `entry` or of the `model`'s folder; None where there is none.
        instruction: The instruction in it, where it holds one.
    """

    prompt: str
    origin: Literal["entry", "model"] | None = None
    instruction: Instruction | None = None


def text_context(entry: ModelEntry, profile: ModelProfile, task: PromptTask, role: Role) -> TextContext:
    """All that decides a text's vector besides the text, the weights and the settings of its model.

    Args:
        entry: The model's entry.
        profile: What is known of the model.
        task: The task.
        role: The role of the text.

    Raises:
        BenchError: An instruction is needed that mteb states, and mteb cannot be asked.
    """
    argument = task_argument(entry, task, role)
    if argument is None and profile.role_matters and role != "text":
        argument = role
    prompt = resolve_prompt(entry, profile.prompts, profile.default_prompt, task, role).prompt
    return TextContext(prompt=prompt, task=argument, batching=profile.batching)


def task_argument(entry: ModelEntry, task: PromptTask, role: Role) -> str | None:
    """The `task` argument that an entry names for a role on a task; None where it names none."""
    return _find(entry.task, task, role)


def resolve_prompt(
    entry: ModelEntry, stated: Mapping[str, str], default: str | None, task: PromptTask, role: Role
) -> Resolved:
    """The prompt for a role on a task: the entry's, else the one that the model's folder states, else its default.

    A prompt that holds `{instruction}` is that of queries and symmetric inputs; documents get it by a key of their own
    or with `instruct_documents`, as in mteb's wrapper of models that take instructions.

    Args:
        entry: The model's entry.
        stated: The prompts that its folder states.
        default: The name of the folder's default prompt, where it has one.
        task: The task.
        role: The role.

    Raises:
        BenchError: An instruction is needed that mteb states, and mteb cannot be asked.
    """
    own = {**entry.prompts}
    if role == "document" and not entry.instruct_documents:
        own = {key: value for key, value in own.items() if PLACEHOLDER not in value or _is_of_documents(key)}
    found = _find(own, task, role)
    if found is None and (role == "text" or (role == "document" and entry.instruct_documents)):
        of_queries = _find(entry.prompts, task, "query")
        found = of_queries if of_queries and PLACEHOLDER in of_queries else None
    if found is not None:
        return _filled(found, task, role)
    found = _find(stated, task, role)
    if found is None and default is not None and default in stated:
        found = stated[default]
    return Resolved("") if found is None else Resolved(found, "model")


def _filled(prompt: str, task: PromptTask, role: Role) -> Resolved:
    if PLACEHOLDER not in prompt:
        return Resolved(prompt, "entry")
    instruction = task.instruction(role)
    # A template without its instruction asks for nothing: mteb leaves it out too.
    text = prompt.replace(PLACEHOLDER, instruction.text) if instruction.text else ""
    return Resolved(text, "entry", instruction)


def _is_of_documents(key: str) -> bool:
    base, suffix = split_key(key)
    return (suffix or base) in NAMES_OF_ROLES["document"]


def _find(values: Mapping[str, str], task: PromptTask, role: Role) -> str | None:
    """The value of the most specific key; of several names of one thing the first that is not empty.

    Libraries write an empty `document` beside the `passage` that a model's author stated.
    """
    for keys in candidates(task.names, task.type, role):
        present = [values[key] for key in keys if key in values]
        if present:
            return next(filter(None, present), "")
    return None


def never_used(stated: Mapping[str, str], default: str | None, tasks: list[PromptTask]) -> list[str]:
    """The prompts of a folder that no role, type of task or given task asks for; empty ones do not count."""
    names = {name for task in tasks for name in task.names}
    return [
        key
        for key, prompt in stated.items()
        if prompt and key != default and names_a_task(key) and split_key(key)[0] not in names and key not in names
    ]
