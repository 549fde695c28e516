"""What only loading and trying a model shows: its facts, its longest text, and whether batches change its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.encoder import SentenceEncoder
from bench.models.folders.stated import Stated
from bench.models.loaded.applying import takes_task
from bench.models.profile import MODEL2VEC, Batching, ModelProfile, TextContext
from bench.models.registry import ModelEntry
from bench.models.settings import Similarity

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Float32 = npt.NDArray[np.float32]

# Largest difference of a text's vectors from two batches, relative to its length, that rounding explains.
_ROUNDING = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
_SHORT = ("a steel pipe", "Which valve fits a pipe of two inches?", "Paint")
# The same words in another order have as many tokens.
_TURNED = ("steel a pipe", "Which pipe fits a valve of two inches?", "Paint")
_LONG = " ".join(["How do I mend the old kitchen tap that drips day and night?"] * 6)
# What a model encodes when it is tried out.
TRIAL_TEXTS = frozenset((*_SHORT, *_TURNED, _LONG))
# Some tokenizers state "no limit" as a huge number.
_NO_LIMIT = 1_000_000


def describe(
    model: SentenceTransformer, stated: Stated, entry: ModelEntry, exported: Sequence[Path] = ()
) -> ModelProfile:
    """The facts of a loaded model; nothing is tried yet.

    Args:
        model: The model with its entry's settings.
        stated: What its folder states.
        entry: Its entry.
        exported: The files of its export, where another backend than torch runs it.

    Raises:
        BenchError: It compares its vectors in a way that bench does not score.
    """
    limit = getattr(model, "max_seq_length", None)
    parameters = list(model.parameters())
    tokenizer = getattr(model, "tokenizer", None)
    return ModelProfile(
        width=_width(model),
        similarity=_similarity(model, entry),
        prompts=dict(stated.prompts),
        default_prompt=stated.default_prompt,
        role_matters=stated.reads_role or takes_task(model),
        # Of an export the library shows no weights.
        parameters=None if exported else sum(weight.numel() for weight in parameters),
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in parameters)
        + sum(path.stat().st_size for path in exported),
        max_seq_length=int(limit) if isinstance(limit, int) and limit < _NO_LIMIT else None,
        pooling=_pooling(model),
        padding_side=getattr(tokenizer, "padding_side", None),
    )


def try_out(encoder: SentenceEncoder, entry: ModelEntry) -> ModelProfile:
    """The profile of a loaded model after trying its longest text and its batches.

    It takes seconds and memory, so that it is done once for each model and kept with the profile.

    Args:
        encoder: The model, with the profile that `describe` gave.
        entry: Its entry.

    Raises:
        BenchError: The longest text cannot be encoded, or a text's vectors differ each time.
    """
    arguments = _arguments(encoder, entry)
    _try_longest(encoder, entry, arguments[-1])
    found = [_try_batches(encoder, _ROUNDING[entry.dtype], task) for task in arguments]
    batching: Batching = "single" if "single" in found else "equal-lengths" if "equal-lengths" in found else "any"
    return encoder.profile.model_copy(update={"batching": batching})


def _arguments(encoder: SentenceEncoder, entry: ModelEntry) -> tuple[str | None, ...]:
    """The `task` arguments to try: a model with names of its own may refuse the roles' names."""
    if entry.task:
        return tuple(dict.fromkeys(entry.task.values()))
    return ("query", "document") if encoder.profile.role_matters else (None,)


def _width(model: SentenceTransformer) -> int:
    width = model.get_embedding_dimension()
    return int(width) if width is not None else int(model.encode(["width"], show_progress_bar=False).shape[1])


def _similarity(model: SentenceTransformer, entry: ModelEntry) -> Similarity:
    if entry.similarity is not None:
        return entry.similarity
    similarity = str(model.similarity_fn_name or "cosine")
    known: dict[str, Similarity] = {"cosine": "cosine", "dot": "dot"}
    if similarity not in known:
        raise BenchError(
            f"compares its vectors by {similarity}; bench scores cosine and dot product",
            where=f"model `{entry.name}`",
            hint="set `similarity: cosine` or `similarity: dot` if that is how its vectors are meant to be searched",
        )
    return known[similarity]


def _pooling(model: SentenceTransformer) -> str | None:
    if any(type(module).__name__ == "StaticModel" for module in model.modules()):
        return MODEL2VEC
    modes = next((module.pooling_mode for module in model.modules() if type(module).__name__ == "Pooling"), None)
    if modes is None:
        return None
    return modes if isinstance(modes, str) else "+".join(modes)


def _try_longest(encoder: SentenceEncoder, entry: ModelEntry, task: str | None) -> None:
    """Refuse a limit for which the model has no positions, where its configuration leaves that open."""
    wanted = entry.max_seq_length or encoder.profile.max_seq_length
    config = getattr(encoder.transformer.transformers_model, "config", None)
    positions = getattr(config, "max_position_embeddings", None)
    if wanted is None or (isinstance(positions, int) and wanted <= positions - _SKIPPED):
        return
    if not isinstance(positions, int) and entry.max_seq_length is None:
        return
    key = "max_seq_length" if entry.max_seq_length else "the max_seq_length of its own files"
    try:
        encoder.embed(["a " * wanted], TextContext(task=task))
    except BenchError as error:
        raise BenchError(
            f"a text of {wanted:,} tokens ({key}) cannot be encoded: {error.message}",
            where=f"model `{entry.name}`",
            hint=f"set a lower `max_seq_length`; the model's configuration states {positions or 'no'} positions",
        ) from error


# RoBERTa and its kin count positions from the one after the padding's.
_SKIPPED = 2


def _try_batches(encoder: SentenceEncoder, near: float, task: str | None) -> Batching:
    """How texts have to be encoded for a text's vector not to depend on those beside it."""
    context = TextContext(task=task)
    alone = [encoder.embed([text], context)[0] for text in _SHORT]
    if not np.isfinite(alone).all():
        # Encoding refuses such vectors, and names the text.
        return "any"
    again = [encoder.embed([text], context)[0] for text in _SHORT]
    if not _same(alone, again, near):
        raise BenchError(
            "gives the same text another vector each time",
            where=f"model `{encoder.name}`",
            hint="its code draws random numbers while encoding (dropout in evaluation?): it cannot be measured",
        )
    beside_long = encoder.embed([*_SHORT, _LONG], context)[: len(_SHORT)]
    if _same(alone, list(beside_long), near):
        return "any"
    pairs = [encoder.embed([text, turned], context)[0] for text, turned in zip(_SHORT, _TURNED, strict=True)]
    counts = [encoder.token_counts(list(pair), context) for pair in zip(_SHORT, _TURNED, strict=True)]
    equal = all(first == second for first, second in counts)
    return "equal-lengths" if equal and _same(alone, pairs, near) else "single"


def _same(first: Sequence[Float32], second: Sequence[Float32], near: float) -> bool:
    return all(_distance(a, b) <= near for a, b in zip(first, second, strict=True))


def _distance(first: Float32, second: Float32) -> float:
    """The difference of two vectors relative to the length of the first."""
    length: Any = np.linalg.norm(first.astype(np.float64))
    return float(np.linalg.norm((first - second).astype(np.float64)) / max(length, 1e-30))
