"""The BM25 baseline (bm25s): no embedding model, but the number that one has to beat."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.files import digest_json
from bench.models.registry import ModelEntry
from bench.quality.blocks import ScoreBlock

# MTEB's settings for its bm25s baseline: English stop words and stemmer, Lucene's formula.
_SETTINGS: dict[str, Any] = {"method": "lucene", "k1": 1.5, "b": 0.75}
_STOPWORDS = "en"
_STEMMER = "english"


def baseline_fingerprint(entry: ModelEntry) -> str:
    """Identity of the baseline: its settings and its libraries' versions.

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

        found: list[list[str]] = bm25s.tokenize(
            texts, stopwords=_STOPWORDS, stemmer=Stemmer.Stemmer(_STEMMER), return_ids=False, show_progress=False
        )
        return found


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
