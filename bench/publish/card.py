"""The model card, README.md: what the model is, how it was made, how to use it, what it scored."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from bench.markdown import escape
from bench.models.keys import ROLES
from bench.models.profile import ModelProfile
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.publish.scores import eval_results, score_tables
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
    """

    entry: ModelEntry
    located: Located
    fingerprint: str
    profile: ModelProfile
    record: MadeRecord | None
    results: ResultIndex


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
        _usage(subject, folder),
        "## Results",
        _results(subject),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _metadata(subject: Subject) -> str:
    from huggingface_hub import ModelCardData

    results = eval_results(subject.results)
    # The library asks for a name only where there are results, and writes it among the metadata otherwise.
    index: dict[str, Any] = {"model_name": subject.entry.name, "eval_results": results} if results else {}
    data = ModelCardData(
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=[*_TAGS, *(["matryoshka"] if subject.entry.kind == "mrl" else [])],
        base_model=_base_model(subject.entry),
        license=_licence(subject) or None,
        **index,
    )
    return str(data.to_yaml())


def _base_model(entry: ModelEntry) -> str | None:
    """The model on the Hub that it is, or was made from, where its entry says so."""
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
        data = metadata_load(subject.located.path / CARD_NAME) or {}
    except (OSError, ValueError, YAMLError):
        return ""
    found = data.get("license")
    return found if isinstance(found, str) else ""


def _origin(subject: Subject) -> str:
    entry, located = subject.entry, subject.located
    if subject.record is not None:
        # The recipe may have come to allow leakage after the model was made: that is no part of its identity.
        leakage = subject.record.leakage_allowed or entry.leakage
        return how_it_was_made(subject.record.model_copy(update={"leakage_allowed": leakage}))
    revision = f", revision {escape(located.revision)}" if located.revision else ""
    return f"A sentence-transformers model ({entry.kind}), written by bench from {escape(located.source)}{revision}."


def _facts(subject: Subject) -> str:
    profile = subject.profile
    lines = [
        f"- fingerprint: {subject.fingerprint}",
        f"- {profile.width} dimensions, compared by {profile.similarity}",
    ]
    if profile.parameters is not None:
        lines.append(f"- {profile.parameters:,} parameters in {subject.entry.dtype}")
    if profile.max_seq_length is not None:
        lines.append(f"- texts are cut to {profile.max_seq_length:,} tokens")
    prompts = {role: text_context(subject.entry, profile, ANY_TASK, role).prompt for role in ROLES}
    for role, prompt in prompts.items():
        lines += [f"- before each {role}: {escape(json.dumps(prompt, ensure_ascii=False))}"] if prompt else []
    return "\n".join(lines)


def _usage(subject: Subject, folder: str) -> str:
    entry, profile = subject.entry, subject.profile
    # As ASCII: a folder's name may hold what is no text.
    place = ascii(f"./{folder}")
    remote = ", trust_remote_code=True" if entry.trust_remote_code else ""
    contexts = [text_context(entry, profile, ANY_TASK, role) for role in ROLES]
    if len(set(contexts)) == 1:
        calls = ['vectors = model.encode(["a text", "another"])']
    else:
        calls = ['queries = model.encode_query(["a question"])', 'documents = model.encode_document(["an answer"])']
        if not profile.role_matters:
            calls.append('texts = model.encode(["a text that is compared with its like"])')
    lines = ["```python", "from sentence_transformers import SentenceTransformer", ""]
    lines += [f"model = SentenceTransformer({place}{remote})", *calls, "```"]
    dim = _fewer_dims(subject)
    if dim is not None:
        again = ", normalize_embeddings=True" if profile.similarity == "cosine" else ""
        call = calls[0].replace("])", f"]{again})")
        lines += ["", "Fewer dimensions, as they were measured:", "", "```python"]
        lines += [f"model = SentenceTransformer({place}, truncate_dim={dim}{remote})", call, "```"]
    return "\n".join(lines)


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
