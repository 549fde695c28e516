"""Giving a loaded model the settings of its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UsageError
from bench.models.folders.stated import Stated
from bench.models.registry import ModelEntry

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def apply_settings(model: SentenceTransformer, entry: ModelEntry, stated: Stated) -> None:
    """Set on a loaded model what its entry asks for; dtype, device and backend are given when it is loaded.

    Args:
        model: The model, changed in place.
        entry: Its entry, with only settings that fit the model's modules (`fit_settings`).
        stated: What its folder states.

    Raises:
        UsageError: The model cannot have a setting.
        BenchError: The model's own settings contradict each other.
    """
    where = f"model `{entry.name}`"
    # Vectors are stored at full width, whatever the model's configuration cuts them to.
    model.truncate_dim = None
    for name in ("max_seq_length", "query_length", "document_length"):
        value = getattr(entry, name)
        if value is not None:
            _set(model[0], name, value, where)
    if entry.padding_side is not None:
        _set(model.tokenizer, "padding_side", entry.padding_side, where)
    if entry.add_eos_token:
        append_end_token(model.tokenizer, where)
    if entry.pooling is not None:
        _pool(model, entry.pooling, where)
    if entry.layer_norm:
        from sentence_transformers.base.modules import Normalize
        from sentence_transformers.sentence_transformer.modules import LayerNorm

        # Without learnt weights it is torch's layer_norm.
        model.append(LayerNorm(_width(model)).to(model.device, model.dtype))
        # Models that ask for it normalise next: classifiers see the length.
        model.append(Normalize())
    if entry.task and not stated.reads_role and not takes_task(model):
        raise UsageError(
            "`task` does not fit this model: neither its modules nor its code take such an argument",
            where=where,
            hint="remove `task` from the entry",
        )


def _set(owner: Any, name: str, value: Any, where: str) -> None:
    try:
        if hasattr(owner, name):
            setattr(owner, name, value)
            return
    except AttributeError:
        pass
    raise UsageError(
        f"`{name}` does not fit this model: its {type(owner).__name__} has no such setting",
        where=where,
        hint=f"remove `{name}` from the entry",
    )


def append_end_token(tokenizer: Any, where: str) -> None:
    """Make a tokenizer put its end token after every text, within its limit; one that does so already is left alone.

    The special tokens that it puts around a text stay; the end token comes after them.

    Raises:
        UsageError: The tokenizer has no end token, or is not one of the library `tokenizers`.
    """
    from tokenizers.processors import TemplateProcessing

    token, number = getattr(tokenizer, "eos_token", None), getattr(tokenizer, "eos_token_id", None)
    fast = getattr(tokenizer, "backend_tokenizer", None)
    if token is None or number is None or fast is None:
        lacks = "has no end token" if token is None else "is not a fast one"
        raise UsageError(
            f"`add_eos_token` does not fit this model: its tokenizer {lacks}",
            where=where,
            hint="remove `add_eos_token` from the entry, or add `eos_token` to tokenizer_config.json",
        )
    whole, bare = (tokenizer("a", add_special_tokens=special)["input_ids"] for special in (True, False))
    if whole[-1:] == [number]:
        return
    # A Sequence of the old processor and a new one would do, but not every processor works in one.
    start = next((at for at in range(len(whole) + 1) if whole[at : at + len(bare)] == bare), None)
    if start is None:
        raise UsageError(
            "`add_eos_token` does not fit this model: its tokenizer changes a text when it adds special tokens",
            where=where,
            hint="remove `add_eos_token` from the entry",
        )
    before = tokenizer.convert_ids_to_tokens(whole[:start])
    after = [*tokenizer.convert_ids_to_tokens(whole[start + len(bare) :]), token]
    fast.post_processor = TemplateProcessing(
        single=[*before, "$A", *after],
        pair=[*before, "$A", *after, "$B:1", *(f"{name}:1" for name in after)],
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in dict.fromkeys([*before, *after])],
    )


def takes_task(model: SentenceTransformer) -> bool:
    """Whether something in a loaded model reads the argument `task` or may: a module, a forward method, a template."""
    kwargs = model.module_kwargs or {}
    if any("task" in names for names in kwargs.values()):
        return True
    for module in model.modules():
        kind = type(module)
        if kind.__name__ == "Router" or kind.__module__.startswith("transformers_modules."):
            return True
    first: Any = model[0]
    if any(getattr(first, name, None) is not None for name in ("query_length", "document_length", "query_expansion")):
        return True
    declares = getattr(first, "_chat_template_declares_task", None)
    return bool(declares is not None and getattr(first, "processor", None) is not None and declares())


def _pool(model: SentenceTransformer, mode: str, where: str) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    if not (len(model) > 1 and isinstance(model[1], Pooling)):
        raise UsageError(
            "`pooling` does not fit this model: it gives one vector for a text by itself",
            where=where,
            hint="remove `pooling` from the entry",
        )
    model[1] = Pooling(model[1].embedding_dimension, mode)


def _width(model: SentenceTransformer) -> int:
    width = model.get_embedding_dimension()
    if width is None:
        raise BenchError("its configuration does not state its dimensions, which `layer_norm` needs")
    return int(width)
