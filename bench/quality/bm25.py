"""The BM25 baseline (bm25s): no embedding model, but the number that one has to beat.

Words are those of MTEB's baseline. Its rule for words fails on two kinds of script, which are cut up otherwise:

- Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words: every two neighbouring characters are a
  token (Lucene's CJK analyser does the same for the first two).
- In the scripts of India and Tibet, vowel signs are no letters to it: a word is a run of letters and signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.files import digest_json
from bench.models.registry import ModelEntry
from bench.quality.ranking import ScoreBlock

# MTEB's settings for its bm25s baseline: English stop words and stemmer, Lucene's formula.
_SETTINGS: dict[str, Any] = {"method": "lucene", "k1": 1.5, "b": 0.75}
_STOPWORDS = "en"
_STEMMER = "english"
# Han, kana, Thai and Lao, Burmese, Khmer.
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003134f\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109f"
    "\uaa60-\uaa7f\u1780-\u17d3\u17dc\u17dd]+"
)
# Devanagari to Sinhala, and Tibetan, without the marks that end sentences and syllables.
_SIGNED = re.compile("[\u0900-\u0963\u0966-\u096f\u0971-\u0df3\u0f00\u0f18-\u0f39\u0f3e-\u0fbc]+")


def baseline_fingerprint(entry: ModelEntry) -> str:
    """Identity of the baseline: its settings and its libraries' versions.

    The rules for scripts are not in it, so that they make no result stale: they change no token of other texts, and
    without them texts in these scripts have no words to be scored by.

    Raises:
        BenchError: bm25s is not installed.
    """
    _require(entry)
    versions = {name: metadata.version(name) for name in ("bm25s", "pystemmer")}
    return digest_json({"bm25s": _SETTINGS, "stopwords": _STOPWORDS, "stemmer": _STEMMER, "versions": versions})


class Bm25:
    """An index of a corpus.

    Args:
        documents: The texts to index.
    """

    def __init__(self, documents: list[str]) -> None:
        import bm25s

        self._index = bm25s.BM25(**_SETTINGS)
        self._n = len(documents)
        tokens = self._tokens(documents)
        if not any(tokens):
            raise BenchError(
                "no document has a word left after stop words are taken out",
                where="baseline bm25s",
                hint="BM25 needs words to match; leave the baseline out for this task",
            )
        self._index.index(tokens, show_progress=False)

    def blocks(self, queries: list[str]) -> Iterator[ScoreBlock]:
        """Scores of every document for each query; a document that shares no word with it is not ranked."""
        for row, tokens in enumerate(self._tokens(queries)):
            known = [token for token in tokens if token in self._index.vocab_dict]
            scores = self._index.get_scores(known) if known else np.zeros(self._n)
            ranked = np.where(scores > 0, scores, -np.inf).astype(np.float32)
            yield ScoreBlock(slice(row, row + 1), ranked[None, :])

    def check_shared(self, queries: list[str]) -> None:
        """Refuse queries none of which shares a token with any document: their score would say nothing.

        Raises:
            BenchError: None does.
        """
        if not any(token in self._index.vocab_dict for tokens in self._tokens(queries) for token in tokens):
            raise BenchError(
                "no query shares a word with any document",
                where="baseline bm25s",
                hint="BM25 matches words, and not across languages; leave the baseline out for this task",
            )

    def search(self, query: str, k: int) -> Any:
        """Rows of the best k documents for one query, as a search engine would answer it."""
        return self._index.retrieve(
            self._tokens([query]), k=min(k, self._n), show_progress=False, n_threads=1, return_as="documents"
        )

    def save(self, folder: Path) -> None:
        """Write the index."""
        self._index.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Bm25:
        """An index that `save` wrote."""
        import bm25s

        loaded = cls.__new__(cls)
        loaded._index = bm25s.BM25.load(folder)
        loaded._n = loaded._index.scores["num_docs"]
        return loaded

    @staticmethod
    def _tokens(texts: list[str]) -> list[list[str]]:
        import bm25s
        import Stemmer

        spaced = [_UNSPACED.sub(" ", _SIGNED.sub(" ", text)) for text in texts]
        found: list[list[str]] = bm25s.tokenize(
            spaced, stopwords=_STOPWORDS, stemmer=Stemmer.Stemmer(_STEMMER), return_ids=False, show_progress=False
        )
        return [[*words, *script_tokens(text)] for words, text in zip(found, texts, strict=True)]


def script_tokens(text: str) -> list[str]:
    """The tokens of the parts of a text that are in scripts without spaces, or with signs that are no letters."""
    tokens = [word for word in _SIGNED.findall(text) if len(word) > 1]
    for run in _UNSPACED.findall(text):
        characters = _characters(run)
        pairs = [first + second for first, second in pairwise(characters)]
        tokens += pairs or characters
    return tokens


def _characters(run: str) -> list[str]:
    """The characters of a text, each with the marks that belong to it."""
    characters: list[str] = []
    for character in run:
        if characters and unicodedata.category(character).startswith("M"):
            characters[-1] += character
        else:
            characters.append(character)
    return characters


def _require(entry: ModelEntry) -> None:
    for name in ("bm25s", "pystemmer"):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError as error:
            raise BenchError(
                f"the package {name} is not installed",
                where=f"model `{entry.name}`",
                hint="pip install 'mrl-bench[bm25]'",
            ) from error
