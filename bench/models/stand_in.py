"""A tokenizer for a configuration that comes without one: a token for every four characters of a word."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from bench.errors import BenchError

# Tokenizers of English make a token of about four characters.
_PIECE = 4
_SPECIAL = {f"{kind}_token": f"[{kind.upper()}]" for kind in ("pad", "unk", "cls", "sep")}
# The most frequent first, so that classes hold about as much of a text each.
_CHARACTERS = "etaoinshrdlcumwfgypbvkjxqz0123456789"


def write_stand_in(config: Any, max_seq_length: int | None, folder: Path) -> None:
    """Write a tokenizer that cuts lower-cased words into pieces of at most four characters, and knows all of them.

    Characters are folded into so few classes that every piece has a number below the vocabulary's size: texts get about
    as many tokens as from a trained tokenizer, spread over the rows of the embedding.

    Args:
        config: Transformers' configuration of the model; its `vocab_size` and `pad_token_id` are kept to.
        max_seq_length: Tokens a text is cut to; None for no limit.
        folder: Where the tokenizer's files go.

    Raises:
        BenchError: The vocabulary is too small for any text.
    """
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    size = int(getattr(config, "vocab_size", 0) or 0)
    classes = _classes(size)
    padding = getattr(config, "pad_token_id", None)
    padding = padding if isinstance(padding, int) and 0 <= padding < size else 0
    numbers = iter([padding, *(number for number in range(size) if number != padding)])
    vocabulary = {piece: next(numbers) for piece in (*_SPECIAL.values(), *_pieces(_CHARACTERS[:classes]))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=_SPECIAL["unk_token"]))
    folded = [(_CHARACTERS[kind], _CHARACTERS[kind + classes :: classes]) for kind in range(classes)]
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            *(normalizers.Replace(Regex(f"[{others}]"), kept) for kept, others in folded if others),
            normalizers.Replace(Regex(rf"[^{_CHARACTERS[:classes]}\s]"), _CHARACTERS[0]),
        ]
    )
    pieces = pre_tokenizers.Split(Regex(f".{{1,{_PIECE}}}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pieces])
    first, last = _SPECIAL["cls_token"], _SPECIAL["sep_token"]
    ends = [(name, vocabulary[name]) for name in (first, last)]
    tokenizer.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=ends)
    limit = {} if max_seq_length is None else {"model_max_length": max_seq_length}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **_SPECIAL, **limit
    ).save_pretrained(folder)


def _classes(size: int) -> int:
    """The most classes of characters whose pieces, all of them, find room in a vocabulary."""
    fitting = [
        classes
        for classes in range(1, len(_CHARACTERS) + 1)
        if len(_SPECIAL) + sum(classes**length for length in range(1, _PIECE + 1)) <= size
    ]
    if not fitting:
        raise BenchError(
            f"its configuration has a vocabulary of {size} tokens, too few to make a tokenizer for",
            hint="put the model's tokenizer beside config.json",
        )
    return fitting[-1]


def _pieces(characters: str) -> list[str]:
    return ["".join(piece) for length in range(1, _PIECE + 1) for piece in product(characters, repeat=length)]
