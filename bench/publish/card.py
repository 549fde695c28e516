"""The model card, README.md: what the model is, how it was made, how to use it, what it scored."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

from bench.config import dump_yaml
from bench.markdown import escape
from bench.models.export.exported_prompts import left_open
from bench.models.export.portable import without_folders
from bench.models.fingerprint import changed_settings
from bench.models.folders.outside import Outside
from bench.models.keys import NAMES_OF_ROLES, ROLES
from bench.models.profile import ModelProfile
from bench.models.prompts import ANY_TASK, PLACEHOLDER, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.neutral import neutral, neutral_json
from bench.paths import has_file
from bench.publish.scores import eval_results, score_tables
from bench.publish.usage import usage
from bench.results.index import ResultIndex
from bench.training.card import how_it_was_made
from bench.training.record import MadeRecord

CARD_NAME = "README.md"
_TAGS = ["sentence-transformers", "sentence-similarity", "feature-extraction"]
_HUB = "hub:"


@dataclass(frozen=True)
class Subject:
    """What a card is about.

    Attributes:
        entry: The model's entry.
        located: Its files.
        fingerprint: Its fingerprint.
        profile: What is known of the loaded model.
        record: How it was made; None for a model that was found.
        results: Its own results.
        outside: What lay outside of its files; now it is in its folder.
    """

    entry: ModelEntry
    located: Located
    fingerprint: str
    profile: ModelProfile
    record: MadeRecord | None
    results: ResultIndex
    outside: Outside = field(default_factory=Outside)


def render_card(subject: Subject, folder: str) -> str:
    """A model card: metadata in YAML, then Markdown.

    Args:
        subject: The model.
        folder: The name of the folder that it is in.
    """
    parts = [
        f"---\n{_metadata(subject)}\n---",
        f"# {escape(subject.entry.name)}",
        _origin(subject),
        _facts(subject),
        "## Use",
        usage(subject.entry, subject.profile, folder, _fewer_dims(subject)),
        "## Results",
        _results(subject),
    ]
    return neutral("\n\n".join(part.strip() for part in parts), lines=True) + "\n"


def _metadata(subject: Subject) -> str:
    from huggingface_hub import ModelCardData

    results = eval_results(subject.results)
    # The library asks for a name only where there are results, and writes it among the metadata otherwise.
    index: dict[str, Any] = {"model_name": subject.entry.name, "eval_results": results} if results else {}
    data = ModelCardData(
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=[*_TAGS, *(["matryoshka"] if subject.entry.kind == "mrl" else [])],
        base_model=_base_model(subject),
        license=_licence(subject) or None,
        **index,
    )
    return dump_yaml(data.to_dict()).strip()


def _base_model(subject: Subject) -> str | None:
    """The model on the Hub that it is, or was made from, where its entry or its adapter says so."""
    adapted = next((base.name for base in subject.outside.bases.values() if base.place.commit), None)
    if adapted is not None:
        return adapted
    entry = subject.entry
    while entry.base_entry is not None:
        entry = entry.base_entry
    return next((source.removeprefix(_HUB) for source in entry.source if source.startswith(_HUB)), None)


def _licence(subject: Subject) -> str:
    """The licence that a found model's own card states; empty where it states none that can be read."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    if subject.record is not None:
        return ""
    try:
        card = subject.located.path / CARD_NAME
        data = (metadata_load(card) if has_file(card) else None) or {}
    except (ValueError, RecursionError, YAMLError):
        return ""
    found = data.get("license")
    return found if isinstance(found, str) else ""


def _origin(subject: Subject) -> str:
    entry, located, record = subject.entry, subject.located, subject.record
    if record is not None:
        # The recipe may have come to allow leakage after the model was made: that is no part of its identity.
        leakage = record.leakage_allowed or entry.leakage
        data = [part.model_copy(update={"label": without_folders(part.label)}) for part in record.data]
        changes = {"leakage_allowed": leakage, "recipe": without_folders(record.recipe), "data": data}
        return how_it_was_made(record.model_copy(update=changes))
    source = escape(without_folders(located.source)) + _at(located.revision)
    parts = [f"A sentence-transformers model ({entry.kind}), written by bench from {source}."]
    for base in subject.outside.bases.values():
        name = escape(without_folders(base.name)) + _at(base.place.commit)
        parts.append(f"It was an adapter over {name}; here it is merged into the weights.")
    for code in subject.outside.all_code:
        repo = escape(without_folders(code.repo))
        parts.append(f"Its Python code is that of {repo}{_at(code.place.commit)}.")
    if subject.outside.packages:
        parts.append(f"It needs the Python packages {escape(', '.join(subject.outside.packages))}.")
    return " ".join(parts)


def _at(revision: str | None) -> str:
    return f", revision {escape(revision)}" if revision else ""


def _facts(subject: Subject) -> str:
    entry, profile = subject.entry, subject.profile
    lines = [
        f"- fingerprint: {subject.fingerprint}",
        f"- {profile.width} dimensions, compared by {profile.similarity}",
    ]
    if profile.parameters is not None:
        lines.append(f"- {profile.parameters:,} parameters in {entry.dtype}")
    if profile.max_seq_length is not None:
        lines.append(f"- texts are cut to {profile.max_seq_length:,} tokens")
    lines += [f"- `{name}`: {value}" for name, value in changed_settings(entry).items()]
    if profile.batching != "any":
        lines.append("- encode one text at a time: beside others a text would get another vector")
    prompts = {role: text_context(entry, profile, ANY_TASK, role).prompt for role in ROLES}
    for role, prompt in prompts.items():
        lines += [f"- before each {role}: {_quoted(prompt)}"] if prompt else []
    of_roles = {name for names in NAMES_OF_ROLES.values() for name in names}
    further = {key: value for key, value in entry.prompts.items() if key not in of_roles or PLACEHOLDER in value}
    lines += [f"- prompt for {escape(key)}: {_quoted(prompt)}" for key, prompt in further.items()]
    lines += [f"- the argument `task` for {escape(key)}: {_quoted(value)}" for key, value in entry.task.items()]
    if names := left_open(entry, profile):
        lines.append(f"- its own prompts for {escape(', '.join(names))} go before those for types of tasks")
    return "\n".join([*lines, *_instructions(subject)])


def _quoted(text: str) -> str:
    return escape(neutral_json(json.dumps(text, ensure_ascii=False)))


def _instructions(subject: Subject) -> list[str]:
    """The instructions that the results were made with."""
    found = {
        f"- instruction for {escape(cell.record.task.name)} ({role}): {_quoted(given.instruction)}"
        for cell in subject.results.cells.values()
        for role, given in (cell.record.inputs or {}).items()
        if given.instruction
    }
    return sorted(found)


def _fewer_dims(subject: Subject) -> int | None:
    """The widest cut that the entry names, or its recipe trains; None where there is none."""
    recipe = subject.entry.recipe
    trained = recipe.matryoshka.dims if recipe is not None and recipe.matryoshka is not None else []
    return max((dim for dim in subject.entry.truncate_dims or trained if dim < subject.profile.width), default=None)


def _results(subject: Subject) -> str:
    if not subject.results.cells:
        command = f"bench run --model {shlex.quote(subject.entry.name)}"
        return f"There are none yet. This command makes them:\n\n```\n{command}\n```"
    explained = (
        "Measured by bench, as MTEB defines the metrics; scores carry a 95% bootstrap interval. A row is a cut of the "
        "stored vectors: their leading dimensions, at a precision. kept: share of the score at full width in float32."
    )
    return f"{explained}\n\n{score_tables(subject.results)}"
