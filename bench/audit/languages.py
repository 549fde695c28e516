"""Which languages and scripts texts are in, by a sample of them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.tasks.markup import markup_examples, plain_text_of

SAMPLE = 500
# Bytes of letters in UTF-8 below which the classifier is often wrong: 20 Latin letters, 7 Chinese characters.
FEWEST_BYTES = 20
# How sure the classifier must be. Of 5,767 texts in four languages that it was so sure of, 99.4% were right.
SURE = 0.5
# Queries in a language that documents lack are pointed out from this number and share on: fewer may be errors.
_FEWEST = 3
_SHARE = 0.02

_SEED = 20240919
# Characters of a text that are looked at.
_HEAD = 1_000
_NO_LANGUAGE = "zxx"
_NOT_WORDS = re.compile(r"\S*(?:://|@)\S*")
_SCRIPTS = {"CJK": "Han", "HIRAGANA": "kana", "KATAKANA": "kana", "KATAKANA-HIRAGANA": "kana"}


@dataclass(frozen=True)
class Languages:
    """The languages of a sample of texts.

    Attributes:
        texts: How many texts there are.
        sampled: How many were looked at.
        short: How many of those have too few letters to tell.
        uncertain: How many others the classifier was not sure of.
        languages: How many were in each language, by ISO 639 code, most first; empty where nothing could classify.
        scripts: How many were in each script, by the most of their letters, most first.
        reason: Why languages were not looked at; None where they were.
    """

    texts: int
    sampled: int
    short: int
    uncertain: int
    languages: Mapping[str, int]
    scripts: Mapping[str, int]
    reason: str | None = None


def languages(texts: Sequence[str]) -> Languages:
    """The languages and scripts of at most SAMPLE texts, drawn with a fixed seed.

    Languages are those of py3langid, after Lui and Baldwin, "langid.py: an off-the-shelf language identification tool"
    (2012). HTML, addresses and e-mail addresses are taken out first.

    Args:
        texts: At least one text.
    """
    rows = np.random.default_rng(_SEED).permutation(len(texts))[:SAMPLE]
    try:
        sample = [_words(texts[row]) for row in rows]
        classify = _classifier()
    except BenchError as error:
        plain = [texts[row][:_HEAD] for row in rows]
        return Languages(len(texts), len(rows), 0, 0, {}, _counted(map(script, plain)), _reason(error))
    letters = ["".join(filter(str.isalpha, text)) for text in sample]
    long = [text for text, kept in zip(sample, letters, strict=True) if len(_bytes(kept)) >= FEWEST_BYTES]
    found = [language for language, sure in map(classify, long) if sure >= SURE and language != _NO_LANGUAGE]
    return Languages(
        texts=len(texts),
        sampled=len(sample),
        short=len(sample) - len(long),
        uncertain=len(long) - len(found),
        languages=_counted(found),
        scripts=_counted(map(script, sample)),
    )


def script(text: str) -> str | None:
    """The script of most letters of a text, by their names in Unicode; kana stands for Japanese with kanji.

    None of a text without letters.
    """
    letters = Counter(filter(str.isalpha, unicodedata.normalize("NFKC", text)))
    found: Counter[str] = Counter()
    for letter, count in letters.items():
        name = unicodedata.name(letter, "").split(" ")[0]
        found[_SCRIPTS.get(name, name.capitalize())] += count
    if not found:
        return None
    if found["kana"] and found["Han"]:
        found["kana"] += found.pop("Han")
    return min(found, key=lambda name: (-found[name], name))


def lacking(queries: Languages, documents: Languages) -> list[str]:
    """Sentences on the languages that queries are in and no document looked at is, else on such scripts."""
    return _lacking(queries.languages, documents.languages, "in") or _lacking(
        queries.scripts, documents.scripts, "in the script"
    )


def _lacking(queries: Mapping[str, int], documents: Mapping[str, int], words: str) -> list[str]:
    total = sum(queries.values())
    if not documents:
        return []
    seen = sum(documents.values())
    return [
        f"{count:,} of {total:,} recognised queries are {words} {name}, and no document of {seen:,} is"
        for name, count in queries.items()
        if name not in documents and count >= max(_FEWEST, _SHARE * total)
    ]


def _reason(error: BenchError) -> str:
    return f"{error.one_line} ({error.hint})" if error.hint else error.one_line


def _words(text: str) -> str:
    """The beginning of what a text says."""
    plain = plain_text_of(text[: 4 * _HEAD]) if markup_examples([text]) else text
    return _NOT_WORDS.sub(" ", plain[:_HEAD])


def _counted(values: Any) -> dict[str, int]:
    """How often each value occurs, most often first; None is left out."""
    found = Counter(value for value in values if value is not None)
    return dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0])))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@cache
def _classifier() -> Any:
    """What gives a text's language and how sure it is, from 0 to 1.

    Raises:
        BenchError: The package py3langid is missing.
    """
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise BenchError("the package py3langid is not installed", hint="pip install 'mrl-bench[data]'") from error
    # An instance of its own: the module's does not give probabilities.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).classify
