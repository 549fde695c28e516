"""What a task's own labels lack or contradict."""

from __future__ import annotations

from collections import defaultdict

from bench.audit.finding import found, repeated, short, short_pair
from bench.results.schema import AuditFinding
from bench.tasks.data import PairData, RetrievalData


def missing_labels(data: RetrievalData) -> list[AuditFinding]:
    """Texts that stand under several ids, and the relevant documents that are unlabelled because of it."""
    relevant: dict[int, set[int]] = defaultdict(set)
    for query, document in zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True):
        relevant[query].add(document)
    of_text: dict[str, set[int]] = defaultdict(set)
    for row, text in enumerate(data.queries):
        of_text[text] |= relevant[row]
    copies: dict[str, set[int]] = defaultdict(set)
    for row, text in enumerate(data.documents):
        copies[text].add(row)
    elsewhere = [text for row, text in enumerate(data.queries) if of_text[text] - relevant[row]]
    copied = [
        (text, data.documents[document])
        for row, text in enumerate(data.queries)
        if (document := _first_with_copy(data, relevant[row], copies)) is not None
    ]
    queries = len(data.queries)
    return [
        found(
            "unlabelled_for_query",
            len(elsewhere),
            queries,
            "test queries have further relevant documents, which are labelled only for the same text under another id",
            map(short, elsewhere),
            weakens=True,
        ),
        found(
            "unlabelled_copies",
            len(copied),
            queries,
            "test queries have a relevant document whose text also stands under an id that is not labelled for them",
            (short_pair(*texts) for texts in copied),
            weakens=True,
        ),
        repeated("repeated_queries", data.queries, data.queries, "test queries share their text with another query id"),
        repeated("repeated_documents", data.documents, data.documents, "documents share their text with another id"),
    ]


def _first_with_copy(data: RetrievalData, relevant: set[int], copies: dict[str, set[int]]) -> int | None:
    """The first relevant document that has a copy which is not labelled."""
    return next((row for row in sorted(relevant) if copies[data.documents[row]] - relevant), None)


def conflicting_scores(data: PairData) -> AuditFinding:
    """Pairs that stand more than once, in either order, with different gold scores."""
    pairs = list(zip(data.sentences1, data.sentences2, strict=True))
    scores: dict[frozenset[str], set[float]] = defaultdict(set)
    for pair, gold in zip(pairs, data.gold.tolist(), strict=True):
        scores[frozenset(pair)].add(gold)
    torn = [pair for pair in pairs if len(scores[frozenset(pair)]) > 1]
    return found(
        "conflicting_scores",
        len(torn),
        len(pairs),
        "test pairs stand again, in either order, with another gold score",
        (short_pair(*pair) for pair in torn),
        weakens=True,
    )
