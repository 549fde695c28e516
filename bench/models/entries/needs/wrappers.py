"""What mteb's classes of models put before texts, and the `task` argument that they pass."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.models.keys import Role

_PLACE_OF_TEXT = "{text}"
_PROMPTED = (
    "SentenceTransformerEncoderWrapper SentenceTransformerMultimodalEncoderWrapper sentence_transformers_loader "
    "voyage_4_nano_loader BekkoEncoderWrapper"
).split()
_INSTRUCTED = "InstructSentenceTransformerModel ultrabert_embed_loader instruct_loader _NVEmbedWrapper".split()


@dataclass(frozen=True)
class MtebTask:
    """A task as mteb's classes see it: they read these three of its metadata."""

    name: str
    type: str
    prompt: str | Mapping[str, str] | None


@dataclass(frozen=True)
class Given:
    """What a class of mteb gives with a text: the prompt before it, and the `task` argument where it passes one."""

    prompt: str
    task: str | None = None


@dataclass
class Wrapper:
    """A class of mteb with the arguments of one model.

    Attributes:
        give: What it gives with texts of a role on a task.
        names: The tasks and types of tasks that its arguments name, some with a role.
        settings: What else it decides, by the names of ModelNeeds.
        compares: Whether it compares vectors as mteb's metadata say; otherwise as the model's folder says.
        notes: What it does that no key of an entry expresses, in words.
    """

    give: Callable[[MtebTask, Role], Given]
    names: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    compares: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Loading:
    """How mteb loads a model.

    Attributes:
        model: Its name in mteb.
        loader: The class or function that loads it.
        name: The loader's name.
        arguments: The loader's arguments; a reader removes those that it understands.
    """

    model: str
    loader: Callable[..., Any]
    name: str
    arguments: dict[str, Any]

    def take(self, name: str, default: Any = None) -> Any:
        """An argument, removed from the others."""
        return self.arguments.pop(name, default)


def read_wrapper(loading: Loading) -> Wrapper | None:
    """The wrapper of a model; None where its class is not one whose prompts can be read."""
    if loading.name in _INSTRUCTED or (loading.name in _PROMPTED and "instruction_template" in loading.arguments):
        return _instructed(loading)
    if loading.name in _PROMPTED:
        return _prompted(loading)
    special = _SPECIAL.get(loading.name)
    return special(loading) if special else None


def _prompt_type(role: Role) -> Any:
    prompt_type = importlib.import_module("mteb.types").PromptType
    return prompt_type(role) if role != "text" else None


def _looked_up(prompts: Mapping[str, str], task: MtebTask, role: Role) -> str | None:
    """The value that mteb's look-up finds among prompts by role, type or task."""
    key = importlib.import_module("mteb.models.abs_encoder").get_prompt_name(prompts, task, _prompt_type(role))
    return None if key is None else prompts[key]


def _prompted(loading: Loading) -> Wrapper:
    """SentenceTransformerEncoderWrapper: `model_prompts` by role, type or task; without them the folder's own."""
    prompts = loading.take("model_prompts") or {}

    def give(task: MtebTask, role: Role) -> Given:
        found = _looked_up(prompts, task, role)
        if found is None and role == "document":
            # Sentence-transformers' own names of the role, where mteb finds no prompt.
            found = next((prompts[name] for name in ("passage", "corpus") if name in prompts), None)
        return Given(found or "")

    return Wrapper(give, list(prompts))


def _instructed(loading: Loading) -> Wrapper:
    """InstructSentenceTransformerModel: a template that the task's instruction is put into."""
    model: Any = importlib.import_module("mteb.models.instruct_wrapper").InstructSentenceTransformerModel
    # Its own look-up, without loading a model.
    wrapper = model.__new__(model)
    wrapper.instruction_template = loading.take("instruction_template")
    wrapper.prompts_dict = loading.take("prompts_dict")
    documents = loading.take("apply_instruction_to_passages", True)
    if (priority := loading.take("prompt_priority")) is not None:
        source = importlib.import_module("mteb.models.abs_encoder").PromptSource
        wrapper.prompt_priority = [source.from_str(each) for each in priority]

    def give(task: MtebTask, role: Role) -> Given:
        if role == "document" and not documents:
            return Given("")
        return Given(wrapper.get_task_instruction(task, _prompt_type(role)))

    notes = []
    if wrapper.instruction_template is None:
        notes.append(
            "mteb puts the bare instruction before queries, without a template: prefer the prompts that the model's "
            "documentation names, where it does"
        )
    return Wrapper(give, list(wrapper.prompts_dict or ()), compares=True, notes=notes)


def _template_of_its_module(loading: Loading) -> Wrapper:
    """Qwen3-Embedding: a loader that passes its module's template, for queries only."""
    template = loading.loader.__globals__["instruction_template"]
    loading.arguments.update(instruction_template=template, apply_instruction_to_passages=False)
    return _instructed(loading)


def _kalm(loading: Loading) -> Wrapper:
    """KaLM v1: no instruction where two texts are compared."""
    wrapper = _instructed(loading)
    instructed = wrapper.give

    def give(task: MtebTask, role: Role) -> Given:
        return Given("") if task.type in {"STS", "PairClassification", "Summarization"} else instructed(task, role)

    wrapper.give = give
    return wrapper


def _bmretriever(loading: Loading) -> Wrapper:
    wrapper = _instructed(loading)
    wrapper.settings["pooling"] = "lasttoken"
    # The loader's names of the arguments of tokenizer and model.
    loading.arguments["tokenizer_kwargs"] = loading.take("tokenizer_args", {})
    loading.arguments["model_kwargs"] = loading.take("model_args", {})
    return wrapper


def _geevec(loading: Loading) -> Wrapper:
    wrapper = _instructed(loading)
    wrapper.notes.append("mteb passes an argument `domain` of the model's own, by task")
    return wrapper


def _jasper(loading: Loading) -> Wrapper:
    loading.arguments["apply_instruction_to_passages"] = False
    loading.arguments.setdefault("max_seq_length", 2048)
    return _instructed(loading)


def _nomic(loading: Loading) -> Wrapper:
    """Nomic: the documents' prompt where there is none for a task, and a layer_norm in version 1.5."""
    prompts = loading.take("model_prompts") or {}

    def give(task: MtebTask, role: Role) -> Given:
        return Given(_looked_up(prompts, task, role) or prompts.get("document", ""))

    return Wrapper(give, list(prompts), {"layer_norm": loading.model == "nomic-ai/nomic-embed-text-v1.5"})


def _uae(loading: Loading) -> Wrapper:
    """UAE: prompts that say where the text goes."""
    prompts = loading.take("model_prompts") or {}
    before = {key: text.removesuffix(_PLACE_OF_TEXT) for key, text in prompts.items() if text.endswith(_PLACE_OF_TEXT)}
    around = sorted(set(prompts) - set(before))
    loading.arguments["model_prompts"] = before
    wrapper = _prompted(loading)
    wrapper.notes = [f"the prompt of {key} goes around the text: {prompts[key]}" for key in around]
    return wrapper


def _jina_v3(loading: Loading) -> Wrapper:
    """jina-embeddings-v3: `model_prompts` are names of its adapters, some of which have a prompt."""
    tasks = loading.take("model_prompts") or {}
    prompts: Mapping[str, str] = getattr(loading.loader, "jina_task_to_prompt", {})

    def give(task: MtebTask, role: Role) -> Given:
        found = _looked_up(tasks, task, role)
        return Given(prompts.get(found or "", ""), found)

    return Wrapper(give, list(tasks))


def _jina_v5(loading: Loading) -> Wrapper:
    """jina-embeddings-v5-text: an adapter by task, a prompt by role."""
    tasks = loading.take("model_prompts") or {}

    def give(task: MtebTask, role: Role) -> Given:
        return Given("Query: " if role == "query" else "Document: ", _looked_up(tasks, task, role) or "retrieval")

    return Wrapper(give, list(tasks))


def _ops(loading: Loading) -> Wrapper:
    wrapper = _prompted(loading)
    wrapper.settings |= {"trust_remote_code": True, "truncate_dims": (1536,)}
    return wrapper


_SPECIAL: dict[str, Callable[[Loading], Wrapper]] = {
    "q3e_instruct_loader": _template_of_its_module,
    "KALMWrapper": _kalm,
    "BMRetrieverWrapper": _bmretriever,
    "GeeVecLiteModel": _geevec,
    "JasperModel": _jasper,
    "NomicWrapper": _nomic,
    "UAEWrapper": _uae,
    "JinaWrapper": _jina_v3,
    "JinaV5TextWrapper": _jina_v5,
    "OPSWrapper": _ops,
    "Model2VecModel": _prompted,
}
