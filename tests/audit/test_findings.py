from __future__ import annotations

import numpy as np
from support import ROOT

from bench.audit import near
from bench.audit.findings import audit
from bench.tasks.catalog import read_card
from bench.tasks.data import PairData, RetrievalData, pair_ids


def retrieval(queries, documents, positives):
    """Data from {id: text}, {id: text} and (query id, document id)."""
    query_ids, document_ids = list(queries), list(documents)
    return RetrievalData(
        document_ids, list(documents.values()), query_ids, list(queries.values()),
        np.array([query_ids.index(query) for query, _ in positives], dtype=np.int64),
        np.array([document_ids.index(document) for _, document in positives], dtype=np.int64),
        np.ones(len(positives), dtype=np.int64),
    )  # fmt: skip


def sts(*rows):
    first, second, gold = zip(*rows, strict=True)
    return PairData(pair_ids(first, second, gold), list(first), list(second), np.array(gold, dtype=np.float64))


def by_kind(findings):
    return {finding.kind: finding for finding in findings}


def counts(findings):
    return {finding.kind: finding.count for finding in findings}


TRAIN = retrieval(
    {"a": "how to fix a door", "b": "Steel pipe?", "c": "the price of a large brass lamp"},
    {"1": "a hinge", "2": "pipes of steel", "3": "lamps"},
    [("a", "1"), ("b", "2"), ("c", "3")],
)


def test_each_finding_of_retrieval_against_training():
    test = retrieval(
        {"p": "how to fix a door", "q": "steel  PIPE", "r": "the price of a large brass lamps", "s": "nails"},
        {"1": "a hinge", "2": "pipes of steel", "8": "A HINGE", "9": "nails"},
        [("p", "1"), ("q", "2"), ("q", "8"), ("r", "9"), ("s", "9")],
    )
    found = by_kind(audit(test, TRAIN))
    assert {kind: (finding.count, finding.of) for kind, finding in found.items()} == {
        "queries_in_training": (1, 4),
        "queries_in_training_normalised": (2, 4),
        "near_queries_in_training": (3, 4),
        "positives_in_training_by_id": (2, 5),
        "positives_in_training": (2, 5),
        "positives_in_training_normalised": (3, 5),
        "near_positives_in_training": (3, 5),
        "pairs_in_training_by_id": (1, 5),
        "pairs_in_training": (1, 5),
        "pairs_in_training_normalised": (2, 5),
        "unlabelled_for_query": (0, 4),
        "unlabelled_copies": (0, 4),
        "repeated_queries": (0, 4),
        "repeated_documents": (0, 4),
    }
    assert found["near_queries_in_training"].examples == [
        "the price of a large brass lamps ~ the price of a large brass lamp"
    ]
    assert found["queries_in_training_normalised"].examples == ["steel PIPE = Steel pipe?"]
    assert ">= 0.8" in found["near_queries_in_training"].sentence
    # A leaderboard shows the narrowest finding that is one, and the widest where it is more.
    assert [kind for kind, finding in found.items() if finding.weakens] == [
        "queries_in_training", "near_queries_in_training",
        "positives_in_training_by_id", "positives_in_training_normalised",
        "pairs_in_training_by_id", "pairs_in_training_normalised",
    ]  # fmt: skip


def test_missing_labels():
    test = retrieval(
        {"p": "pipe", "q": "pipe", "r": "lamp", "s": "lamp"},
        {"1": "steel", "2": "brass", "3": "light", "4": "light"},
        [("p", "1"), ("q", "2"), ("r", "3"), ("s", "3")],
    )
    found = counts(audit(test, None))
    # Each pipe lacks the other's document; the lamps agree, but document 4 is a copy of theirs.
    assert found == {
        "training": None, "unlabelled_for_query": 2, "unlabelled_copies": 2,
        "repeated_queries": 4, "repeated_documents": 2,
    }  # fmt: skip


def test_ids_of_another_corpus_are_not_compared():
    test = retrieval({"p": "nails"}, {"1": "something else", "3": "entirely other"}, [("p", "1")])
    found = by_kind(audit(test, TRAIN))
    assert found["positives_in_training_by_id"].count is None
    assert "not checked" in found["positives_in_training_by_id"].sentence
    assert found["pairs_in_training_by_id"].count is None


def test_each_finding_of_sts():
    train = sts(("a red door", "a blue door", 1), ("some pipe", "some nail", 2), ("A man plays.", "a long old hose", 3))
    test = sts(
        ("a blue door", "a red door", 1),
        ("a red door", "a blue door", 2),
        ("SOME PIPE", "some nail!", 3),
        ("a man plays", "new", 4),
        ("new", "a man plays", 4),
        ("a long old hoses", "nothing of the kind", 0),
    )
    found = by_kind(audit(test, train))
    assert {kind: (finding.count, finding.of) for kind, finding in found.items()} == {
        "pairs_in_training": (2, 6),
        "pairs_in_training_normalised": (3, 6),
        # red, blue; pipe, nail, man; hoses. Of eight distinct sentences.
        "sentences_in_training": (2, 8),
        "sentences_in_training_normalised": (5, 8),
        "near_sentences_in_training": (6, 8),
        "conflicting_scores": (2, 6),
    }


def test_training_data_of_the_other_type():
    pairs = sts(("steel pipe", "pipes", 1), ("lamp", "light", 2))
    test = retrieval({"p": "light", "q": "nail"}, {"1": "lamp", "2": "iron"}, [("p", "1"), ("q", "2")])
    found = counts(audit(test, pairs))
    assert (found["queries_in_training"], found["positives_in_training"], found["pairs_in_training"]) == (1, 1, 1)
    assert found["positives_in_training_by_id"] is None
    assert counts(audit(pairs, test))["sentences_in_training"] == 2
    assert counts(audit(pairs, test))["pairs_in_training"] == 1


def test_what_is_too_large_is_said_to_be_unchecked(monkeypatch):
    monkeypatch.setattr(near, "MOST_CHARACTERS", 3)
    test = retrieval({"p": "nails"}, {"1": "a hinge"}, [("p", "1")])
    found = by_kind(audit(test, TRAIN))["near_queries_in_training"]
    assert found.count is None
    assert not found.weakens
    assert "not checked" in found.sentence


def test_examples_are_short_and_printable():
    long = "\x1b[31mred\x07 " + "very " * 50
    found = by_kind(audit(retrieval({"p": long, "q": long}, {"1": "x"}, [("p", "1")]), None))
    (example,) = found["repeated_queries"].examples
    assert len(example) == 80
    assert example.isprintable()


def test_row_order_changes_no_count():
    rng = np.random.default_rng(0)
    words = ["red door", "a red door", "Red door!", "blue", "blue pipe", "steel pipe of blue"]
    queries = {f"q{row}": str(rng.choice(words)) for row in range(12)}
    documents = {f"d{row}": str(rng.choice(words)) for row in range(12)}
    positives = [(f"q{row}", f"d{int(rng.integers(12))}") for row in range(12)]
    turned = retrieval(
        dict(reversed(queries.items())), dict(reversed(documents.items())), list(reversed(positives))
    )  # fmt: skip
    assert counts(audit(retrieval(queries, documents, positives), TRAIN)) == counts(audit(turned, TRAIN))


def shipped(name, monkeypatch, bench_data):
    """Test and training data of a card that comes with bench."""
    monkeypatch.setenv("BENCH_DATA", str(bench_data))
    task = read_card(ROOT / "tasks" / f"{name}.yaml")
    (unit,) = task.units(download=False)
    return unit.data, task.training().data


def test_home_depots_leak_is_found(bench_data, monkeypatch):
    test, train = shipped("home_depot_titles", monkeypatch, bench_data)
    assert (len(test.queries), len(train.queries)) == (2_327, 9_202)
    found = by_kind(audit(test, train))
    # Counted from the file with sets of strings and ids.
    assert found["queries_in_training"].sentence.startswith("1,505 of 2,327 test queries")
    assert found["positives_in_training_by_id"].count == 207
    assert found["positives_in_training"].count == 241
    assert found["pairs_in_training_by_id"].count == 0
    assert found["pairs_in_training"].count == 19
    assert found["unlabelled_for_query"].count == 550
    assert found["near_queries_in_training"].count >= found["queries_in_training_normalised"].count >= 1_505


def test_technographics_leak_is_found(bench_data, monkeypatch):
    found = by_kind(audit(*shipped("technographics", monkeypatch, bench_data)))
    assert (found["queries_in_training"].count, found["queries_in_training"].of) == (12, 99)
