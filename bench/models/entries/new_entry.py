"""The text of a new entry of models.yaml: each line that matters with a comment that says why it is there."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.config import dump_yaml
from bench.markdown import printable
from bench.models.entries.folder_facts import FolderFacts
from bench.models.entries.needs import ModelNeeds
from bench.models.keys import ROLES, TASK_TYPES, Role, roles_of_type
from bench.models.prompts import ANY_TASK, PLACEHOLDER, PromptTask, never_used, resolve_prompt
from bench.models.registry import ModelEntry

_WIDTH = 110


@dataclass(frozen=True)
class Wanted:
    """What an entry is written for.

    Attributes:
        name: What tables call the model.
        sources: Its sources, as they will stand in the file.
        facts: What its local files show; None where there are none yet.
        needs: What mteb says of it; None where mteb does not know it.
        version: The version of mteb; None where it is not installed.
        truncate_dims: The dimensions that the user asks for.
        default_dims: The dimensions of the file's `defaults`.
        namesakes: Models of mteb that are called like it.
    """

    name: str
    sources: Sequence[str]
    facts: FolderFacts | None
    needs: ModelNeeds | None
    version: str | None
    truncate_dims: Sequence[int] = ()
    default_dims: Sequence[int] = ()
    namesakes: Sequence[str] = ()


def entry_lines(wanted: Wanted) -> list[str]:
    """The lines of an entry, from its `- name:` on without indentation; comments stand above what they explain."""
    keys = [f"name: {quoted(wanted.name)}", *_keys(wanted)]
    about = [line for text in _about(wanted) for line in _comment(text)]
    return [*about, f"- {keys[0]}", *(f"  {line}" for line in keys[1:])]


def quoted(value: str) -> str:
    """A text as YAML writes it on one line: plain where that is the same text, else in double quotes."""
    plain = dump_yaml(value, width=float("inf")).removesuffix("\n").removesuffix("\n...")
    if plain == value:
        return value
    return dump_yaml(value, width=float("inf"), default_style='"').removesuffix("\n")


def _comment(text: str) -> list[str]:
    """Lines of a comment; texts of others must not end it."""
    words = printable(text)
    return textwrap.wrap(
        words,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _about(wanted: Wanted) -> Iterator[str]:
    """What is known of the model as a whole."""
    facts, needs = wanted.facts, wanted.needs
    if needs is not None:
        size = f", {needs.parameters:,} parameters" if needs.parameters else ""
        yield f"{needs.model}: {needs.licence or 'licence unknown'}{size} (mteb {wanted.version})"
    elif facts is not None and facts.licence:
        yield f"licence: {facts.licence} (README.md)"
    if facts is not None:
        if facts.hub_id and facts.hub_id not in {source.removeprefix("hub:") for source in wanted.sources}:
            yield f"a snapshot of {facts.hub_id} in the Hub's cache"
        yield from facts.origins
    if needs is None and wanted.version is None:
        yield "mteb is not installed: what it says of this model is not in here"
    for name in wanted.namesakes:
        yield f"mteb knows {name}; if this is that model, name it as a second source: what it needs is then in here"


def _keys(wanted: Wanted) -> Iterator[str]:
    facts, needs = wanted.facts, wanted.needs
    if facts is not None and facts.kind != "pretrained":
        trained = "trained with MatryoshkaLoss" if facts.kind == "mrl" else "a fine-tuned model"
        yield from _comment(f"README.md: {trained}")
        yield f"kind: {facts.kind}"
    several = ", ".join(_flow(source) for source in wanted.sources)
    yield f"source: {quoted(wanted.sources[0])}" if len(wanted.sources) == 1 else f"source: [{several}]"
    yield from _revision(facts, needs)
    yield from _prompts(facts, needs)
    if needs is not None and needs.task:
        yield from _comment(f"mteb ({needs.loader}): the model's own argument `task`")
        yield from _mapping("task", needs.task)
    yield from _settings(facts, needs)
    yield from _code(facts, needs)
    yield from _truncate_dims(wanted)
    yield from _rest(facts, needs)


def _flow(text: str) -> str:
    return dump_yaml(text, width=float("inf"), default_style='"').removesuffix("\n")


def _revision(facts: FolderFacts | None, needs: ModelNeeds | None) -> Iterator[str]:
    commit = facts.commit if facts is not None else None
    if needs is None or needs.revision is None:
        return
    if commit not in {None, needs.revision}:
        yield from _comment(f"mteb measures the commit {needs.revision}; the Hub's cache has {commit}")
    elif facts is None or commit is not None:
        yield from _comment("the commit that mteb measures")
        yield f"revision: {quoted(needs.revision)}"


def _prompts(facts: FolderFacts | None, needs: ModelNeeds | None) -> Iterator[str]:
    stated = dict(facts.stated.prompts) if facts is not None else {}
    default = facts.stated.default_prompt if facts is not None else None
    if needs is not None and needs.prompts:
        templates = any(PLACEHOLDER in prompt for prompt in needs.prompts.values())
        if templates:
            documents = "documents get it too" if needs.instruct_documents else "documents get none"
            what = f"a template; {PLACEHOLDER} is the instruction of the task's card, else mteb's; {documents}"
        else:
            what = "prompts"
        yield from _comment(f"mteb ({needs.loader}): {what}")
        yield from _mapping("prompts", {**needs.prompts, **_in_place_of(stated, needs)})
        if needs.instruct_documents:
            yield "instruct_documents: true"
        return
    used = {key: prompt for key, prompt in stated.items() if prompt}
    unused = never_used(stated, default, [])
    listed = ", ".join(f"{key} {_flow(prompt)}" for key, prompt in used.items() if key not in unused)
    if listed:
        yield from _comment(f"config_sentence_transformers.json states prompts, which are used: {listed}")
    if unused:
        listed = ", ".join(f"{key} {_flow(stated[key])}" for key in unused)
        yield from _comment(f"config_sentence_transformers.json states prompts for no role or type of task: {listed}")
        yield from _comment("set `prompts` to those that fit, for instance: prompts: {query: ...}")


def _in_place_of(stated: Mapping[str, str], needs: ModelNeeds) -> dict[str, str]:
    """Empty prompts where the folder states one and mteb's class, which replaces the folder's, puts none."""
    entry = ModelEntry.model_construct(name="", prompts=needs.prompts, instruct_documents=needs.instruct_documents)
    inputs: list[tuple[PromptTask, Role, str]] = [(ANY_TASK, role, role) for role in ROLES]
    for kind in TASK_TYPES:
        roles = roles_of_type(kind)
        inputs += [(PromptTask(type=kind), role, kind if role == "text" else f"{kind}-{role}") for role in roles]
    empty: dict[str, str] = {}
    for task, role, key in inputs:
        with_empty = entry.model_copy(update={"prompts": {**needs.prompts, **empty}})
        own = resolve_prompt(with_empty, stated, None, task, role)
        if own.prompt and own.origin == "model":
            empty[key] = ""
    return empty


def _settings(facts: FolderFacts | None, needs: ModelNeeds | None) -> Iterator[str]:
    """Settings that mteb makes and the folder does not state itself."""
    similarity = facts.stated.similarity if facts is not None else None
    options = facts.options if facts is not None else {}
    if needs is None:
        if similarity == "dot":
            yield from _comment("config_sentence_transformers.json states similarity dot")
        return
    if needs.similarity is not None and needs.similarity != (similarity or "cosine"):
        yield from _comment("mteb: how its vectors are compared")
        yield f"similarity: {needs.similarity}"
    if needs.pooling is not None and (facts is None or facts.stated.modules is None):
        yield from _comment(f"mteb ({needs.loader}): its pooling of a plain transformers folder")
        yield f"pooling: {needs.pooling}"
    if needs.layer_norm:
        yield from _comment(f"mteb ({needs.loader}): layer_norm over the full width, before any cut")
        yield "layer_norm: true"
    if needs.padding_side is not None and options.get("padding_side") != needs.padding_side:
        yield from _comment("mteb: tokenizer option")
        yield f"padding_side: {needs.padding_side}"
    if needs.add_eos_token:
        yield from _comment("mteb: tokenizer option; the end token's vector is the text's")
        yield "add_eos_token: true"
    limit = facts.max_seq_length if facts is not None else None
    if needs.max_seq_length is not None and needs.max_seq_length != limit:
        yield from _comment("mteb cuts texts to so many tokens" + (f"; the folder states {limit}" if limit else ""))
        yield f"max_seq_length: {needs.max_seq_length}"


def _code(facts: FolderFacts | None, needs: ModelNeeds | None) -> Iterator[str]:
    own = facts.own_code if facts is not None else None
    if needs is not None and needs.trust_remote_code and own is not False:
        yield from _comment("mteb runs the Python code that this model brings: read it before you run it")
        yield "trust_remote_code: true"
    elif own:
        yield from _comment("its files name Python code of their own: read it, then set `trust_remote_code: true`")


def _truncate_dims(wanted: Wanted) -> Iterator[str]:
    if wanted.truncate_dims:
        yield f"truncate_dims: {list(wanted.truncate_dims)}"
        return
    dims, why = _proposed_dims(wanted)
    if dims:
        yield from _comment(why)
        yield f"truncate_dims: {dims}"


def _proposed_dims(wanted: Wanted) -> tuple[list[int], str]:
    """Dimensions to evaluate, and why these; none where those of `defaults` will do."""
    facts, needs = wanted.facts, wanted.needs
    width = facts.width if facts is not None and facts.width else needs.width if needs is not None else None
    if needs is not None and needs.truncate_dims:
        dims = [dim for dim in needs.truncate_dims if width is None or dim <= width]
        return dims, "its dimensions by mteb" if len(dims) == 1 else "Matryoshka dimensions by mteb"
    if facts is not None and facts.truncate_dims:
        top = width or facts.truncate_dims[0]
        return [top, *(dim for dim in facts.truncate_dims if dim < top)], "Matryoshka dimensions by its own files"
    widest = max(wanted.default_dims, default=None)
    if width is None or widest in {None, width}:
        return [], ""
    own = facts.stated.truncate_dim if facts is not None else None
    parts = {width * dim // widest for dim in wanted.default_dims if width * dim % widest == 0}
    why = f"the full width and the fractions of it that `defaults` takes of {widest}"
    return sorted({width, *parts, *([own] if own is not None and own < width else [])}, reverse=True), why


def _rest(facts: FolderFacts | None, needs: ModelNeeds | None) -> Iterator[str]:
    """What no key expresses."""
    if facts is not None and facts.stated.truncate_dim is not None:
        yield from _comment(f"config_sentence_transformers.json states truncate_dim {facts.stated.truncate_dim}")
    if needs is None:
        return
    if needs.dtype not in {None, "float32"}:
        yield from _comment(f"mteb runs it in {needs.dtype}; without `dtype` bench runs it in float32")
    for phrase in needs.left_open(facts.options if facts is not None else None):
        yield from _comment(f"no key for this: {phrase}")


def _mapping(key: str, values: Mapping[str, str]) -> Iterator[str]:
    yield f"{key}:"
    for name, value in values.items():
        yield f"  {quoted(name)}: {_flow(value)}"
