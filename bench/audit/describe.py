"""What a task's data holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.audit.finding import found, repeated, short
from bench.results.schema import AuditFinding
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.markup import markup_examples
from bench.tasks.same_text import normalise

_MOST_VALUES = 11
_BINS = 5
# With a smaller share of documents that are relevant to no query a corpus looks cut down.
_FEWEST_DISTRACTORS = 0.1
# About 256 tokens of English, what many small models read of a text.
LONG = 1_000
_BEFORE = 20


@dataclass(frozen=True)
class Spread:
    """The distribution of a whole number; the percentiles are values that occur.

    Attributes:
        n: How many there are.
        least: Smallest.
        median: 50th percentile.
        p90: 90th percentile.
        p99: 99th percentile.
        most: Largest.
        mean: Arithmetic mean.
    """

    n: int
    least: int
    median: int
    p90: int
    p99: int
    most: int
    mean: float

    @staticmethod
    def of(values: npt.NDArray[np.int64]) -> Spread:
        """The distribution of values, shape (n,), n at least 1."""
        least, median, p90, p99, most = np.percentile(values, [0, 50, 90, 99, 100], method="inverted_cdf").tolist()
        return Spread(len(values), least, median, p90, p99, most, float(values.mean()))


def counts(data: RetrievalData | PairData) -> list[tuple[str, int]]:
    """How much there is of everything."""
    if isinstance(data, PairData):
        return [("pairs", len(data.gold)), ("distinct sentences", len({*data.sentences1, *data.sentences2}))]
    positives = len(data.pair_gains)
    known = [] if data.irrelevant is None else [("judgements", positives + data.irrelevant)]
    return [
        ("queries", len(data.queries)),
        ("documents", len(data.documents)),
        *known,
        ("positive judgements", positives),
        ("queries without a relevant document", len(data.queries) - len(np.unique(data.pair_queries))),
        ("documents relevant to no query", len(data.documents) - len(np.unique(data.pair_documents))),
    ]


def positives_per_query(data: RetrievalData) -> Spread:
    """How many relevant documents a query has."""
    return Spread.of(np.bincount(data.pair_queries, minlength=len(data.queries)))


def labels(data: RetrievalData | PairData) -> list[tuple[str, int]]:
    """How often each label or gold score stands; of many different gold scores, ranges of equal width."""
    if isinstance(data, RetrievalData):
        rest = [("0 or less", data.irrelevant)] if data.irrelevant else []
        return rest + [(str(label), count) for label, count in sorted(Counter(data.pair_gains.tolist()).items())]
    values = Counter(data.gold.tolist())
    if len(values) <= _MOST_VALUES:
        return [(f"{value:g}", count) for value, count in sorted(values.items())]
    numbers, edges = np.histogram(data.gold, bins=_BINS)
    ends = ["<"] * (_BINS - 1) + ["<="]
    return [
        (f"{low:g} <= score {end} {high:g}", int(count))
        for low, end, high, count in zip(edges[:-1], ends, edges[1:], numbers, strict=True)
    ]


def lengths(texts: Sequence[str]) -> Spread:
    """Characters a text."""
    return Spread.of(np.array([len(text) for text in texts], dtype=np.int64))


def faults(data: RetrievalData | PairData) -> list[AuditFinding]:
    """Texts that are empty, or the same as another: exactly, or after normalisation (see bench.audit.texts)."""
    checks = []
    for role, texts in _distinctly_kept(data).items():
        empty = [text for text in texts if not text.strip()]
        checks.append(found(f"empty_{role}", len(empty), len(texts), f"{role} are empty"))
        checks.append(repeated(f"repeated_{role}", texts, texts, f"{role} share their text with another"))
        words = f"{role} share their text with another after normalisation"
        checks.append(repeated(f"repeated_{role}_normalised", texts, [normalise(text) for text in texts], words))
    return checks


def never_relevant(data: RetrievalData) -> str:
    """How many documents are relevant to no query, and what that means."""
    n = len(data.documents)
    count = n - len(np.unique(data.pair_documents))
    said = f"{count:,} of {n:,} documents ({count / n:.1%}) are relevant to no query."
    if count >= _FEWEST_DISTRACTORS * n:
        return f"{said} That is normal: they are distractors, as in a real search."
    return (
        f"{said} If the corpus was cut down to documents with labels, scores are too high: keep every document that "
        "users search."
    )


def markup(role: str, texts: Sequence[str]) -> AuditFinding:
    """Texts that hold HTML, with what stands around the first of it.

    Args:
        role: What they are, in the plural.
        texts: The texts.
    """
    rows = markup_examples(texts)
    return found(
        f"markup_{role}",
        len(rows),
        len(texts),
        f"{role} hold HTML tags or entities",
        (_around(texts[row]) for row in rows),
    )


def long_texts(role: str, texts: Sequence[str]) -> AuditFinding:
    """Texts that models with short inputs may cut off."""
    count = sum(len(text) > LONG for text in texts)
    return found(f"long_{role}", count, len(texts), f"{role} are longer than {LONG:,} characters")


def _around(text: str) -> str:
    starts = [place for place in (text.find("<"), text.find("&")) if place >= 0]
    return short(text[max(min(starts) - _BEFORE, 0) :])


def _distinctly_kept(data: RetrievalData | PairData) -> dict[str, list[str]]:
    """What should be there once: texts with an id of their own, and pairs."""
    if isinstance(data, RetrievalData):
        return {"queries": data.queries, "documents": data.documents}
    return {"pairs": [f"{a}\n{b}" for a, b in zip(data.sentences1, data.sentences2, strict=True)]}
