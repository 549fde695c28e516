"""Which pairs to label: those whose label would change the difference between two models, in rounds over queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from bench.files import digest_bytes
from bench.labelling.places import Places
from bench.quality.retrieval import DISCOUNTS
from bench.tasks.data import RetrievalData
from bench.tasks.labels import known_gains

# Smaller differences are rounding.
_ROUNDING = 1e-12
_DIGITS = 12


@dataclass(frozen=True)
class Proposal:
    """A pair to label.

    Attributes:
        query: Row of the query.
        document: Row of the document.
        value: By how much the query's nDCG@k of A less that of B would change if the document were relevant (label 1).
        lead: What such a label adds to DCG@k of A less that of B.
    """

    query: int
    document: int
    value: float
    lead: float


@dataclass(frozen=True)
class Proposals:
    """The pairs to label, in the order in which they are to be.

    Attributes:
        pairs: Those chosen.
        found: How many there are, whether chosen or not.
        queries: How many queries these are of.
    """

    pairs: list[Proposal]
    found: int
    queries: int


def propose(data: RetrievalData, a: Places, b: Places, k: int, limit: int, seed: int) -> Proposals:
    """The pairs whose labels would decide most, covering as many queries as there are pairs.

    Each round takes of every query the pair of the greatest value that A ranks higher and the one that B ranks higher,
    so that what is labelled favours neither; the queries come by the greater value, equal values by ids. A query's
    pairs are then put into a random order among themselves, which tells nothing of models and ranks.

    Args:
        data: The task with the labels that it has.
        a: One model's places.
        b: The other's.
        k: Ranks that count.
        limit: The most pairs.
        seed: Decides the random order.
    """
    by_query = [sorted(pairs, key=lambda pair: _order(data, pair)) for pairs in pair_values(data, a, b, k)]
    rounds: list[list[list[Proposal]]] = []
    for pairs in by_query:
        sides = [[pair for pair in pairs if (pair.lead > 0) == of_a] for of_a in (True, False)]
        for number, taken in enumerate(zip_longest(*sides)):
            rounds += [[]] if number == len(rounds) else []
            rounds[number].append(sorted(filter(None, taken), key=lambda pair: _order(data, pair)))
    in_order = [
        pair for found in rounds for both in sorted(found, key=lambda both: _order(data, both[0])) for pair in both
    ]
    chosen = in_order[:limit]
    return Proposals(_shuffled(data, chosen, seed), len(in_order), sum(bool(pairs) for pairs in by_query))


def pair_values(data: RetrievalData, a: Places, b: Places, k: int) -> Iterator[list[Proposal]]:
    """The pairs of each query whose label would change the difference of nDCG@k between two models.

    Left out are pairs that are judged, and those that both models rank the same: their label only makes the difference
    smaller, by the same factor whichever of them it is.

    Args:
        data: The task.
        a: One model's places.
        b: The other's.
        k: Ranks that count.
    """
    judged: list[dict[int, int]] = [{} for _ in range(data.n)]
    for (query, document), gain in known_gains(data).items():
        judged[query][document] = gain
    gains: list[list[int]] = [[] for _ in range(data.n)]
    for query, gain in zip(data.relevant_queries.tolist(), data.relevant_gains.tolist(), strict=True):
        gains[query].append(gain)
    for query, (first, second) in enumerate(zip(a.by_query(data.n), b.by_query(data.n), strict=True)):
        lead = {d: first.get(d, 0.0) - second.get(d, 0.0) for d in first.keys() | second.keys()}
        known = judged[query]
        gap = sum(gain * lead.get(document, 0.0) for document, gain in known.items())
        before, after = _ideal(gains[query], k), _ideal([*gains[query], 1], k)
        now = gap / before if before else 0.0
        values = {d: abs((gap + lead[d]) / after - now) for d in lead if d not in known and abs(lead[d]) > _ROUNDING}
        yield [Proposal(query, d, value, lead[d]) for d, value in values.items() if value > _ROUNDING]


def _ideal(gains: Sequence[int], k: int) -> float:
    """DCG@k of the best order of some labels."""
    best = sorted(gains, reverse=True)[:k]
    return float(sum(gain * discount for gain, discount in zip(best, DISCOUNTS.tolist(), strict=False)))


def _order(data: RetrievalData, pair: Proposal) -> tuple[float, str, str]:
    return -round(pair.value, _DIGITS), data.query_ids[pair.query], data.document_ids[pair.document]


def _shuffled(data: RetrievalData, pairs: Sequence[Proposal], seed: int) -> list[Proposal]:
    """The same queries in the same order, the pairs of each in a random one."""

    def drawn(pair: Proposal) -> str:
        names = str(seed), data.query_ids[pair.query], data.document_ids[pair.document]
        return digest_bytes(*(name.encode("utf-8", "surrogatepass") for name in names))

    waiting: dict[int, list[Proposal]] = {}
    for pair in sorted(pairs, key=drawn, reverse=True):
        waiting.setdefault(pair.query, []).append(pair)
    return [waiting[pair.query].pop() for pair in pairs]
