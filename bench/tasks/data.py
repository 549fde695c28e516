"""The data of one task unit (a task's split and subset) in memory, and its fingerprint."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.files import digest_json

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class NotHereError(BenchError):
    """A folder or file does not hold the data asked for; another place may."""


@dataclass(frozen=True)
class RetrievalData:
    """Queries, documents and which of them belong together.

    Attributes:
        document_ids: Unique ids.
        documents: The text of each document as a model gets it: title, a space, text.
        query_ids: Ids of the queries that the split judges.
        queries: Their texts.
        pair_queries: Row of the query of each positive judgement, shape (p,).
        pair_documents: Row of its document, shape (p,).
        pair_gains: Its label, at least 1, shape (p,).
        ignore_identical_ids: Whether a document with the query's own id is left out of its ranking.
        notes: What a reader of the scores should know about the data.
        irrelevant: How many judgements say that a document is not relevant; None where the source does not tell.
        lacking_queries: Row of the query of each positive judgement of a document that the corpus lacks, shape (l,). It
            is never found and counts as relevant, as in MTEB.
        lacking_gains: Its label, at least 1, shape (l,).
        groups: The group of each query whose members are one observation; by default equal texts are.
        folds: The fold of each query, where a model may have been trained without it.
        irrelevant_queries: Row of the query of each judgement that a document of the corpus is not relevant, shape
            (z,); empty where `irrelevant` is None.
        irrelevant_documents: Row of its document, shape (z,).
    """

    document_ids: list[str]
    documents: list[str]
    query_ids: list[str]
    queries: list[str]
    pair_queries: Int64
    pair_documents: Int64
    pair_gains: Int64
    ignore_identical_ids: bool = False
    notes: list[str] = field(default_factory=list)
    irrelevant: int | None = None
    lacking_queries: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lacking_gains: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    groups: list[str] | None = None
    folds: list[str] | None = None
    irrelevant_queries: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    irrelevant_documents: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def n(self) -> int:
        """Queries scored."""
        return len(self.queries)

    @property
    def relevant_queries(self) -> Int64:
        """Row of the query of each positive judgement: those of pairs, then those of lacking documents."""
        return np.concatenate([self.pair_queries, self.lacking_queries])

    @property
    def relevant_gains(self) -> Int64:
        """Label of each positive judgement, in the order of relevant_queries."""
        return np.concatenate([self.pair_gains, self.lacking_gains])

    @cached_property
    def id_places(self) -> Int64:
        """Place of each document's id among all ids in ascending order, shape (m,)."""
        places = np.empty(len(self.document_ids), dtype=np.int64)
        places[sorted(range(len(places)), key=self.document_ids.__getitem__)] = np.arange(len(places))
        return places

    @property
    def characters(self) -> int:
        """Characters of all texts."""
        return sum(map(len, self.documents)) + sum(map(len, self.queries))

    @property
    def clusters(self) -> Int32:
        """A number for each query, shape (n,); queries that are one observation share it."""
        return _numbered(self.queries if self.groups is None else self.groups)

    def fingerprint(self) -> str:
        """Identity by content: texts, labels, query ids and scoring settings; not row order or document ids.

        Query ids count because scores are kept by them; document ids only where a setting compares them.
        """
        documents = [_digest(text) for text in self.documents]
        if self.ignore_identical_ids:
            documents = [_digest(key.hex(), name) for key, name in zip(documents, self.document_ids, strict=True)]
        labels = defaultdict(list)
        for query, document, gain in zip(self.pair_queries, self.pair_documents, self.pair_gains, strict=True):
            labels[int(query)].append(documents[document] + int(gain).to_bytes(8, "little"))
        for query, gain in zip(self.lacking_queries, self.lacking_gains, strict=True):
            labels[int(query)].append(b"lacking" + int(gain).to_bytes(8, "little"))
        queries = [
            _digest(name, text, _combine(labels[row]).hex())
            for row, (name, text) in enumerate(zip(self.query_ids, self.queries, strict=True))
        ]
        return digest_json(
            {
                "type": "retrieval",
                "documents": _combine(documents).hex(),
                "queries": _combine(queries).hex(),
                "ignore_identical_ids": self.ignore_identical_ids,
                **({} if self.folds is None else {"folds": self._fold_digest(self.folds)}),
            }
        )

    def _fold_digest(self, folds: Sequence[str]) -> str:
        return _combine(_digest(name, fold) for name, fold in zip(self.query_ids, folds, strict=True)).hex()


def make_retrieval(
    documents: tuple[list[str], list[str]],
    queries: tuple[list[str], list[str]],
    positive: Sequence[tuple[int, int, int]],
    where: str,
    *,
    ignore_identical_ids: bool = False,
    notes: Sequence[str] = (),
    irrelevant: int | None = None,
    lacking: Sequence[tuple[int, int]] = (),
    not_relevant: Sequence[tuple[int, int]] = (),
    unjudged: bool = False,
) -> RetrievalData:
    """Judged queries as data; those without a relevant document score 0, as in MTEB, and a note says so.

    Args:
        documents: Ids and texts.
        queries: Ids and texts of the queries that are judged.
        positive: Query row, document row and label, at least 1, of each positive judgement.
        where: What they were read from, for messages.
        ignore_identical_ids: See RetrievalData.
        notes: Further notes.
        irrelevant: See RetrievalData.
        lacking: Query row and label, at least 1, of each positive judgement of a document that the corpus lacks.
        not_relevant: Query row and document row of each judgement that a document is not relevant.
        unjudged: Whether there may be no positive judgement.

    Raises:
        BenchError: There is no positive judgement.
    """
    if not positive and not unjudged:
        raise BenchError(
            "no document is relevant to any query: every label is 0 or less",
            where=where,
            hint="a relevant document needs a label of 1 or more",
        )
    table = np.array(positive, dtype=np.int64).reshape(-1, 3)
    missing = np.array(lacking, dtype=np.int64).reshape(-1, 2)
    rejected = np.array(not_relevant, dtype=np.int64).reshape(-1, 2)
    n = len(queries[0])
    lost = unanswered_note(n, np.concatenate([table[:, 0], missing[:, 0]]))
    return RetrievalData(
        document_ids=documents[0],
        documents=documents[1],
        query_ids=queries[0],
        queries=queries[1],
        pair_queries=table[:, 0],
        pair_documents=table[:, 1],
        pair_gains=table[:, 2],
        ignore_identical_ids=ignore_identical_ids,
        notes=[*notes, *lost],
        irrelevant=irrelevant,
        lacking_queries=missing[:, 0],
        lacking_gains=missing[:, 1],
        irrelevant_queries=rejected[:, 0],
        irrelevant_documents=rejected[:, 1],
    )


def unanswered_note(n: int, relevant_queries: Int64) -> list[str]:
    """The note on queries without a relevant document; empty where each of the n has one."""
    without = n - len(np.unique(relevant_queries))
    return [f"{without} of {n} queries have no relevant document and score 0"] if without else []


@dataclass(frozen=True)
class PairData:
    """Pairs of sentences with a gold similarity.

    Attributes:
        ids: A name for each pair, from its content (see pair_ids).
        sentences1: First sentences.
        sentences2: Second sentences.
        gold: Gold scores, shape (n,), float64.
        notes: What a reader of the scores should know about the data.
    """

    ids: list[str]
    sentences1: list[str]
    sentences2: list[str]
    gold: npt.NDArray[np.float64]
    notes: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Pairs scored."""
        return len(self.ids)

    @property
    def characters(self) -> int:
        """Characters of all texts."""
        return sum(map(len, self.sentences1)) + sum(map(len, self.sentences2))

    @property
    def clusters(self) -> Int32:
        """A number for each pair, shape (n,); pairs with the same first sentence depend on one another and share it."""
        return _numbered(self.sentences1)

    def fingerprint(self) -> str:
        """Identity by content; not by row order."""
        pairs = [
            _digest(first, second, repr(float(score)))
            for first, second, score in zip(self.sentences1, self.sentences2, self.gold, strict=True)
        ]
        return digest_json({"type": "sts", "pairs": _combine(pairs).hex()})


def pair_ids(first: Sequence[str], second: Sequence[str], gold: Sequence[float]) -> list[str]:
    """A name for each pair that does not depend on its place, so that two results pair up; repeats are numbered."""
    seen: Counter[str] = Counter()
    ids = []
    for a, b, score in zip(first, second, gold, strict=True):
        name = _digest(a, b, repr(float(score))).hex()[:12]
        ids.append(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return ids


def _numbered(texts: Iterable[str]) -> Int32:
    """Numbers of texts from 0, in the order in which they first appear; only which are equal has a meaning."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int32)


def _digest(*parts: str) -> bytes:
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "little") + raw)
    return state.digest()


def _combine(digests: Iterable[bytes]) -> bytes:
    """One digest of many, whatever their order."""
    return hashlib.blake2b(b"".join(sorted(digests)), digest_size=16).digest()
