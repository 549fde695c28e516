"""Tokenizers of each kind over the words of the tests: the file tokenizer.json and its configuration.

They are put together and not trained: trainers give another vocabulary at every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from .files import write_json
from .texts import ALL

# Longer words fall into pieces.
_LONGEST = 8


def wordpiece(folder: Path, *, length: int = 512) -> int:
    """BERT's tokenizer; returns the number of tokens."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = _words(normalizer, splitter)
    letters = sorted(set("".join(words)))
    vocabulary = _numbered([*special, *letters, *(f"##{letter}" for letter in letters), *_short(words)])
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    _frame(tokenizer, "[CLS]", "[SEP]")
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return _save(folder, tokenizer, "BertTokenizer", length, mask_token="[MASK]", do_lower_case=True, **names)


def unigram(folder: Path, *, length: int = 512, t5: bool = False) -> int:
    """The tokenizer of XLM-RoBERTa, or that of T5; returns the number of tokens."""
    special = ["<pad>", "</s>", "<unk>"] if t5 else ["<s>", "<pad>", "</s>", "<unk>"]
    normalizer, splitter = normalizers.NFKC(), pre_tokenizers.Metaspace()
    words = _words(normalizer, splitter)
    pieces = dict.fromkeys([*_short(words), *sorted(set("".join(words)))])
    # A word is likelier than its letters; no two ways to split a text are equally likely.
    scored = [(piece, -(3.0 if len(piece) > 1 else 9.0) - row / 1000) for row, piece in enumerate(pieces)]
    named = [(name, 0.0) for name in special]
    tokenizer = Tokenizer(models.Unigram([*named, *scored, ("<mask>", 0.0)], unk_id=special.index("<unk>")))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.Metaspace()
    tokenizer.add_special_tokens([*special, "<mask>"])
    names = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    if t5:
        _frame(tokenizer, None, "</s>")
        return _save(folder, tokenizer, "T5Tokenizer", length, **names)
    _frame(tokenizer, "<s>", "</s>")
    names |= {"bos_token": "<s>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    return _save(folder, tokenizer, "XLMRobertaTokenizer", length, **names)


def byte_level(
    folder: Path,
    tokenizer_class: str,
    special: Sequence[str],
    *,
    first: str | None = None,
    last: str | None = None,
    length: int = 512,
    **names: Any,
) -> int:
    """A tokenizer of bytes and merges (Qwen, ModernBERT, FRIDA); returns the number of tokens.

    Args:
        folder: Where to write it.
        tokenizer_class: Its class in transformers.
        special: Its special tokens, which have the first numbers.
        first: The token before every text.
        last: The token after every text.
        length: model_max_length.
        names: The rest of tokenizer_config.json.
    """
    normalizer, splitter = normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(_merging(alphabet, [[*word] for word in _short(_words(normalizer, splitter))]))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.ByteLevel()
    tokenizer.add_special_tokens([*special])
    _frame(tokenizer, first, last)
    return _save(folder, tokenizer, tokenizer_class, length, **names)


def byte_fallback(
    folder: Path, tokenizer_class: str, special: Sequence[str], first: str, last: str | None, **names: Any
) -> int:
    """A tokenizer of merges, and of bytes for what it does not know (Mistral, Gemma); returns the number of tokens."""
    words = [f"▁{word}" for text in ALL for word in text.split()]
    letters = sorted(set("".join(words)))
    alphabet = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    merges = [[*word] for word in _short(words)]
    tokenizer = Tokenizer(_merging(alphabet, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([*special])
    _frame(tokenizer, first, last)
    return _save(folder, tokenizer, tokenizer_class, 512, unk_token="<unk>", **names)


def words_with_ends(folder: Path, *, length: int = 77) -> int:
    """CLIP's tokenizer; returns the number of tokens."""
    start, end = "<|startoftext|>", "<|endoftext|>"
    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    parts = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True)
    splitter = pre_tokenizers.Sequence([parts, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    alphabet = [*letters, *(f"{letter}</w>" for letter in letters)]
    words = [[*word[:-1], f"{word[-1]}</w>"] for word in _short(_words(normalizer, splitter))]
    # The end has the highest number: its place is where the tower reads its vector.
    model = _merging(alphabet, words, unk_token=end, end_of_word_suffix="</w>", after=[start, end])
    tokenizer = Tokenizer(model)
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.ByteLevel()
    tokenizer.add_special_tokens([start, end])
    _frame(tokenizer, start, end)
    names = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    return _save(folder, tokenizer, "CLIPTokenizer", length, **names)


def _words(normalizer: normalizers.Normalizer, splitter: pre_tokenizers.PreTokenizer) -> list[str]:
    """The words of all texts and prompts, as a tokenizer splits them."""
    parts = (splitter.pre_tokenize_str(normalizer.normalize_str(text)) for text in ALL)
    return list(dict.fromkeys(word for words in parts for word, _ in words))


def _short(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if 1 < len(word) <= _LONGEST))


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _merging(alphabet: Iterable[str], words: Iterable[Sequence[str]], after: Sequence[str] = (), **options: Any) -> Any:
    """Byte pair encoding that puts each word together from its left."""
    merges = dict.fromkeys(("".join(word[:end]), word[end]) for word in words for end in range(1, len(word)))
    vocabulary = _numbered([*alphabet, *("".join(pair) for pair in merges), *after])
    return models.BPE(vocabulary, list(merges), **options)


def _frame(tokenizer: Tokenizer, first: str | None, last: str | None) -> None:
    """Put special tokens before and after every text."""
    single = " ".join([*([first] if first else []), "$A", *([last] if last else [])])
    special = [(token, tokenizer.token_to_id(token)) for token in (first, last) if token]
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single, pair=f"{single} $B", special_tokens=special
        )


def _save(folder: Path, tokenizer: Tokenizer, tokenizer_class: str, length: int, **names: Any) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": tokenizer_class, "model_max_length": length, **names},
    )
    return tokenizer.get_vocab_size()
