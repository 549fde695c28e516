from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.tasks.data import PairData, RetrievalData

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)


def retrieval(documents, queries, labels, document_ids=None, *, ignore_identical_ids=False) -> RetrievalData:
    """Data of documents, (query id, query) pairs and {(query row, document row): gain}."""
    table = np.array([[*pair, gain] for pair, gain in labels.items()], dtype=np.int64).reshape(-1, 3)
    return RetrievalData(
        document_ids=document_ids or [f"d{row}" for row in range(len(documents))],
        documents=list(documents),
        query_ids=[name for name, _ in queries],
        queries=[text for _, text in queries],
        pair_queries=table[:, 0],
        pair_documents=table[:, 1],
        pair_gains=table[:, 2],
        ignore_identical_ids=ignore_identical_ids,
    )


@st.composite
def retrieval_data(draw) -> RetrievalData:
    documents = draw(st.lists(TEXT, min_size=1, max_size=5))
    queries = draw(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4, unique_by=lambda query: query[0]))
    pairs = st.tuples(st.integers(0, len(queries) - 1), st.integers(0, len(documents) - 1))
    labels = draw(st.dictionaries(pairs, st.integers(1, 3), min_size=1, max_size=6))
    return retrieval(documents, queries, labels, ignore_identical_ids=draw(st.booleans()))


@st.composite
def pair_data(draw) -> PairData:
    rows = draw(st.lists(st.tuples(TEXT, TEXT, st.floats(0, 5)), min_size=1, max_size=5))
    first, second, gold = zip(*rows, strict=True)
    return PairData([str(row) for row in range(len(rows))], list(first), list(second), np.array(gold))


def changed(values, row, change):
    values = list(values)
    values[row] = change(values[row])
    return values


def shuffled(data: RetrievalData, document_order, query_order, pair_order) -> RetrievalData:
    """The same data with its rows in another order."""
    document_row, query_row = np.argsort(document_order), np.argsort(query_order)
    return replace(
        data,
        document_ids=[data.document_ids[row] for row in document_order],
        documents=[data.documents[row] for row in document_order],
        query_ids=[data.query_ids[row] for row in query_order],
        queries=[data.queries[row] for row in query_order],
        pair_queries=query_row[data.pair_queries[pair_order]],
        pair_documents=document_row[data.pair_documents[pair_order]],
        pair_gains=data.pair_gains[pair_order],
    )


@settings(deadline=None)
@given(retrieval_data(), st.data())
def test_the_order_of_rows_does_not_count(data, draw):
    orders = [draw.draw(st.permutations(range(len(rows)))) for rows in (data.documents, data.queries, data.pair_gains)]
    assert shuffled(data, *orders).fingerprint() == data.fingerprint()


@settings(deadline=None)
@given(retrieval_data())
def test_document_ids_count_only_where_a_setting_compares_them(data):
    renamed = replace(data, document_ids=[f"other{row}" for row in range(len(data.documents))])
    assert (renamed.fingerprint() == data.fingerprint()) is (not data.ignore_identical_ids)


def edits(data: RetrievalData, draw) -> dict[str, RetrievalData]:
    """`data` with one thing edited, by what was edited."""
    document = draw(st.integers(0, len(data.documents) - 1))
    query = draw(st.integers(0, len(data.queries) - 1))
    pair = draw(st.integers(0, len(data.pair_gains) - 1))
    return {
        "a document": replace(data, documents=changed(data.documents, document, lambda text: text + "x")),
        "a query": replace(data, queries=changed(data.queries, query, lambda text: text + "x")),
        "a query id": replace(data, query_ids=changed(data.query_ids, query, lambda name: name + "x" * 6)),
        "a label": replace(data, pair_gains=data.pair_gains + (np.arange(len(data.pair_gains)) == pair)),
        "a judgement less": replace(
            data,
            pair_queries=np.delete(data.pair_queries, pair),
            pair_documents=np.delete(data.pair_documents, pair),
            pair_gains=np.delete(data.pair_gains, pair),
        ),
        "a document more": replace(data, document_ids=[*data.document_ids, "new"], documents=[*data.documents, "new"]),
        "ignore_identical_ids": replace(data, ignore_identical_ids=not data.ignore_identical_ids),
    }


@settings(deadline=None)
@given(retrieval_data(), st.data())
def test_every_edit_counts(data, draw):
    same = [what for what, edited in edits(data, draw.draw).items() if edited.fingerprint() == data.fingerprint()]
    assert same == []


def test_a_label_moved_to_another_document_counts():
    first = retrieval(["red", "blue"], [("q", "x")], {(0, 0): 1})
    assert first.fingerprint() != retrieval(["red", "blue"], [("q", "x")], {(0, 1): 1}).fingerprint()


def test_a_document_that_stands_twice_counts_twice():
    once, twice = (retrieval(documents, [("q", "x")], {(0, 0): 1}) for documents in (["red"], ["red", "red"]))
    assert once.fingerprint() != twice.fingerprint()


@pytest.mark.parametrize(("first", "second"), [(["ab", "c"], ["a", "bc"]), (["", "ab"], ["ab", ""])])
def test_where_one_text_ends_and_the_next_begins_counts(first, second):
    queries = [retrieval(["d"], [tuple(parts)], {(0, 0): 1}).fingerprint() for parts in (first, second)]
    pairs = [PairData(["0"], [parts[0]], [parts[1]], np.array([1.0])).fingerprint() for parts in (first, second)]
    assert queries[0] != queries[1]
    assert pairs[0] != pairs[1]


def test_notes_do_not_count():
    data = retrieval(["d"], [("q", "x")], {(0, 0): 1})
    assert replace(data, notes=["note"]).fingerprint() == data.fingerprint()


@settings(deadline=None)
@given(pair_data(), st.data())
def test_the_order_of_pairs_does_not_count(data, draw):
    order = draw.draw(st.permutations(range(len(data.gold))))
    moved = PairData(
        data.ids,
        [data.sentences1[row] for row in order],
        [data.sentences2[row] for row in order],
        data.gold[list(order)],
    )
    assert moved.fingerprint() == data.fingerprint()


@settings(deadline=None)
@given(pair_data(), st.data())
def test_every_edit_of_a_pair_counts(data, draw):
    row = draw.draw(st.integers(0, len(data.gold) - 1))
    edited = [
        replace(data, sentences1=changed(data.sentences1, row, lambda text: text + "x")),
        replace(data, sentences2=changed(data.sentences2, row, lambda text: text + "x")),
        replace(data, gold=np.array(changed(data.gold, row, lambda score: score + 0.5))),
    ]
    assert data.fingerprint() not in [other.fingerprint() for other in edited]


def test_retrieval_and_pairs_never_share_a_fingerprint():
    empty = np.array([], dtype=np.int64)
    assert RetrievalData([], [], [], [], empty, empty, empty).fingerprint() != PairData([], [], [], empty).fingerprint()
