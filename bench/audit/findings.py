"""The audit of a task: what makes a score on it worth less than it looks. docs/audit.md defines each finding."""

from __future__ import annotations

from dataclasses import dataclass

from bench.audit.finding import found, ladder, not_checked, short, short_pair
from bench.audit.labels import conflicting_scores, missing_labels
from bench.audit.near import JACCARD
from bench.audit.overlap import Pair, shared_pairs, shared_texts
from bench.audit.texts import GRAM
from bench.results.schema import AuditFinding
from bench.tasks.data import PairData, RetrievalData

# Document ids of two data sets name the same things when this share of the common ids stands for the same text.
SAME_CORPUS = 0.9
THRESHOLDS = {"gram": GRAM, "jaccard": JACCARD, "same_corpus": SAME_CORPUS}


def audit(test: RetrievalData | PairData, train: RetrievalData | PairData | None) -> list[AuditFinding]:
    """All that is looked for, found or not.

    Time and memory are bounded (see bench.audit.near): what is too large to be compared is a finding without a count.

    Args:
        test: What models are scored on.
        train: What they are trained on; None leaves out all that compares the two.
    """
    seen = None if train is None else _Training.of(train)
    own = missing_labels(test) if isinstance(test, RetrievalData) else [conflicting_scores(test)]
    if seen is None:
        of = len(test.queries) if isinstance(test, RetrievalData) else len(test.gold)
        return [not_checked("training", of, "no training data was found to compare with"), *own]
    return [*(_retrieval(test, seen) if isinstance(test, RetrievalData) else _sts(test, seen)), *own]


@dataclass(frozen=True)
class _Training:
    """Training data as the texts that a model has seen, and in which role.

    Attributes:
        words: What to call its queries and its positives.
        queries: Texts of queries; of scored pairs, all sentences.
        positives: Texts of relevant documents; of scored pairs, all sentences.
        pairs: Query and relevant document; of scored pairs, both orders.
        positive_ids: Ids of relevant documents; none of scored pairs.
        pair_ids: Text of the query and id of the relevant document; none of scored pairs.
        documents: The text of each document id; none of scored pairs.
    """

    words: tuple[str, str]
    queries: list[str]
    positives: list[str]
    pairs: set[Pair]
    positive_ids: set[str]
    pair_ids: set[Pair]
    documents: dict[str, str]

    @staticmethod
    def of(data: RetrievalData | PairData) -> _Training:
        if isinstance(data, PairData):
            sentences = [*data.sentences1, *data.sentences2]
            pairs = {*zip(data.sentences1, data.sentences2, strict=True)}
            words = ("training sentences", "training sentences")
            return _Training(words, sentences, sentences, pairs | {(b, a) for a, b in pairs}, set(), set(), {})
        judged = _judged(data)
        return _Training(
            ("training queries", "training positives"),
            data.queries,
            [text for _, text, _ in judged],
            {(query, text) for query, text, _ in judged},
            {name for _, _, name in judged},
            {(query, name) for query, _, name in judged},
            dict(zip(data.document_ids, data.documents, strict=True)),
        )


def _retrieval(data: RetrievalData, train: _Training) -> list[AuditFinding]:
    judged = _judged(data)
    positives = [text for _, text, _ in judged]
    pairs = [(query, text) for query, text, _ in judged]
    by_id, pairs_by_id = _shared_ids(data, judged, train)
    return [
        *ladder(shared_texts("queries", "test queries", train.words[0], data.queries, train.queries)),
        *ladder([by_id, *shared_texts("positives", "test positives", train.words[1], positives, train.positives)]),
        *ladder([pairs_by_id, *shared_pairs(pairs, train.pairs)]),
    ]


def _shared_ids(
    data: RetrievalData, judged: list[tuple[str, str, str]], train: _Training
) -> tuple[AuditFinding, AuditFinding]:
    """Test positives, and pairs of query text and document, that stand in training by the document's id."""
    kinds, of = ("positives_in_training_by_id", "pairs_in_training_by_id"), len(judged)
    common = [
        text == train.documents[name]
        for name, text in zip(data.document_ids, data.documents, strict=True)
        if name in train.documents
    ]
    if not common or sum(common) < SAME_CORPUS * len(common):
        why = "document ids, since too few stand for the same text in the test and the training data"
        return not_checked(kinds[0], of, why), not_checked(kinds[1], of, why)
    seen = [text for _, text, name in judged if name in train.positive_ids]
    same = [(query, text) for query, text, name in judged if (query, name) in train.pair_ids]
    return (
        found(
            kinds[0], len(seen), of, "test positives are also training positives (same document id)", map(short, seen)
        ),
        found(
            kinds[1],
            len(same),
            of,
            "test pairs are also training pairs (same query text, same document id)",
            (short_pair(*pair) for pair in same),
        ),
    )


def _sts(data: PairData, train: _Training) -> list[AuditFinding]:
    pairs = list(zip(data.sentences1, data.sentences2, strict=True))
    sentences = list(dict.fromkeys([*data.sentences1, *data.sentences2]))
    seen = [*train.queries, *train.positives]
    either_order = train.pairs | {(b, a) for a, b in train.pairs}
    return [
        *ladder(shared_pairs(pairs, either_order)),
        *ladder(shared_texts("sentences", "distinct test sentences", "training sentences", sentences, seen)),
    ]


def _judged(data: RetrievalData) -> list[tuple[str, str, str]]:
    """Each positive judgement: text of its query, text and id of its document."""
    return [
        (data.queries[query], data.documents[document], data.document_ids[document])
        for query, document in zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True)
    ]
