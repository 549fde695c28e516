"""What only a loaded model shows of whether texts can be encoded with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Their embeddings are hashed: no table has a row for every character.
_HASHED = frozenset({"canine"})


def check_usable(model: SentenceTransformer, where: str) -> None:
    """Refuse a loaded model that takes no texts, has no padding token, or lacks embeddings for its tokens.

    Raises:
        BenchError: It is one of these.
    """
    for module in _transformers(model):
        if "text" not in module.modality_config:
            takes = ", ".join(map(str, module.modality_config)) or "something else"
            raise BenchError(f"takes {takes}, no texts", where=where, hint="leave it out: bench encodes texts")
        tokenizer = module.tokenizer
        if tokenizer is None:
            raise BenchError("has no tokenizer", where=where, hint="copy the whole model folder")
        if tokenizer.pad_token is None:
            end = tokenizer.eos_token or tokenizer.unk_token or "[PAD]"
            raise BenchError(
                "its tokenizer has no padding token, so texts of different lengths cannot be encoded together",
                where=where,
                hint=f'name one in tokenizer_config.json, as its author does; often "pad_token": "{end}"',
            )
        _check_vocabulary(module, tokenizer, where)


def _check_vocabulary(module: Any, tokenizer: Any, where: str) -> None:
    rows = embedding_rows(module)
    if rows is None:
        return
    added = tokenizer.added_tokens_decoder
    if max([len(tokenizer) - 1, *added]) < rows:
        return
    # Special tokens that no text gets by itself do no harm without a row; that is common.
    idle = set(tokenizer.all_special_tokens) - set(_put_on(tokenizer))
    outside = sorted((number, token) for token, number in tokenizer.get_vocab().items() if number >= rows)
    outside = [(number, token) for number, token in outside if token not in idle]
    if outside:
        number, token = outside[0]
        raise BenchError(
            f"its tokenizer has tokens beyond the {rows:,} rows of its embedding: {token!r} ({number})"
            + (f" and {len(outside) - 1:,} more" if len(outside) > 1 else ""),
            where=where,
            hint="tokenizer and weights belong to different models: copy both from the same one",
        )


def _put_on(tokenizer: Any) -> Iterator[str]:
    """The special tokens that a tokenizer puts on texts."""
    for name in ("pad_token", "unk_token", "cls_token", "sep_token"):
        if (token := getattr(tokenizer, name)) is not None:
            yield token
    yield from tokenizer.convert_ids_to_tokens(tokenizer("")["input_ids"])


def embedding_rows(module: Any) -> int | None:
    """How many tokens a transformer has embeddings for; None where it has no such table, or is an export."""
    import torch

    network = module.model
    exported = not isinstance(network, torch.nn.Module)
    if exported or network.config.model_type in _HASHED:
        return None
    try:
        table = network.get_input_embeddings()
    except NotImplementedError:
        return None
    return table.num_embeddings if isinstance(table, torch.nn.Embedding) else None


def limit_to_positions(model: SentenceTransformer) -> None:
    """Cut texts to the positions that a model has, where sentence-transformers cuts them to the size of its table.

    RoBERTa and its kin use some rows of the table for padding; a text that needs these cannot be encoded.
    """
    for module in _transformers(model):
        positions = usable_positions(module.model)
        stated = getattr(module.model.config, "max_position_embeddings", None)
        if positions is not None and positions < module.tokenizer.model_max_length == stated:
            module.tokenizer.model_max_length = positions


def usable_positions(network: Any) -> int | None:
    """How many tokens a network of transformers has positions for; None where that is not known."""
    import torch

    positions = getattr(network.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0 or not isinstance(network, torch.nn.Module):
        return None
    # RoBERTa and its kin count positions from the one after the padding's.
    skipped = [
        module.padding_idx + 1
        for name, module in network.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return positions - max(skipped, default=0)


def _transformers(model: SentenceTransformer) -> Iterator[Any]:
    """The Transformer modules of a model, also inside of Routers."""
    from sentence_transformers.models import Transformer

    return (module for module in model.modules() if isinstance(module, Transformer))
