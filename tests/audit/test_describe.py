from __future__ import annotations

import numpy as np
import pytest
from support import write_beir, write_jsonl

from bench.audit.describe import (
    LONG,
    Spread,
    counts,
    faults,
    labels,
    lengths,
    long_texts,
    markup,
    never_relevant,
    positives_per_query,
)
from bench.tasks.beir import read_beir
from bench.tasks.pairs import read_pairs


@pytest.fixture
def shop(tmp_path):
    qrels = [("q1", "d1", 2), ("q1", "d2", 1), ("q2", "d1", 1), ("q3", "d3", 0)]
    corpus = {"d1": "red pipe", "d2": "Red pipe!", "d3": "red pipe", "d4": ""}
    folder = write_beir(tmp_path / "shop", corpus, {"q1": "a", "q2": "bb", "q3": "cccc"}, qrels)
    return read_beir(folder, "test", allow_empty=True)


def test_counts_of_retrieval(shop):
    assert dict(counts(shop)) == {
        "queries": 3, "documents": 4, "judgements": 4, "positive judgements": 3,
        "queries without a relevant document": 1, "documents relevant to no query": 2,
    }  # fmt: skip
    assert labels(shop) == [("0 or less", 1), ("1", 2), ("2", 1)]
    assert positives_per_query(shop) == Spread(3, 0, 1, 2, 2, 2, 1.0)
    assert lengths(shop.queries) == Spread(3, 1, 2, 4, 4, 4, 7 / 3)


def test_empty_and_repeated_texts(shop):
    assert {fault.kind: (fault.count, fault.of) for fault in faults(shop)} == {
        "empty_queries": (0, 3), "repeated_queries": (0, 3), "repeated_queries_normalised": (0, 3),
        "empty_documents": (1, 4), "repeated_documents": (2, 4), "repeated_documents_normalised": (3, 4),
    }  # fmt: skip


def test_pairs(tmp_path):
    scores = [0, 1.5, 2.5, 5, *np.linspace(0, 5, 21).tolist()]
    rows = [{"sentence1": "same", "sentence2": f"{number % 24}", "score": s} for number, s in enumerate(scores)]
    data = read_pairs(write_jsonl(tmp_path / "test.jsonl", rows))
    assert dict(counts(data)) == {"pairs": 25, "distinct sentences": 25}
    # Worked out by hand: 0, 0, 0.25, ... 0.75 stand below 1, and so on.
    assert labels(data) == [
        ("0 <= score < 1", 5), ("1 <= score < 2", 5), ("2 <= score < 3", 5), ("3 <= score < 4", 4),
        ("4 <= score <= 5", 6),
    ]  # fmt: skip
    assert {fault.kind: fault.count for fault in faults(data)} == {
        "empty_pairs": 0, "repeated_pairs": 2, "repeated_pairs_normalised": 2,
    }  # fmt: skip


def test_few_gold_scores_are_counted_one_by_one(tmp_path):
    rows = [{"sentence1": "a", "sentence2": "b", "score": score} for score in (1, 0, 1)]
    assert labels(read_pairs(write_jsonl(tmp_path / "x.jsonl", rows))) == [("0", 1), ("1", 2)]


def test_documents_that_are_never_relevant(shop, tmp_path):
    assert never_relevant(shop).startswith("2 of 4 documents (50.0%) are relevant to no query. That is normal")
    corpus = {f"d{number}": f"text {number}" for number in range(10)}
    qrels = [("q1", f"d{number}", 1) for number in range(9)]
    some = read_beir(write_beir(tmp_path / "some", corpus, {"q1": "a"}, qrels), "test")
    assert "1 of 10 documents (10.0%)" in never_relevant(some)
    assert "normal" in never_relevant(some)
    whole = read_beir(write_beir(tmp_path / "whole", corpus, {"q1": "a"}, [*qrels, ("q1", "d9", 1)]), "test")
    assert never_relevant(whole).startswith("0 of 10 documents (0.0%) are relevant to no query. If the corpus was cut")


def test_html_is_counted_and_shown():
    texts = ["a < b & c", "plain", "some words before the first tag: <p>How to return</p>", "Fish &amp; Chips"]
    found = markup("documents", texts)
    assert (found.count, found.of) == (2, 4)
    assert found.sentence == "2 of 4 documents hold HTML tags or entities"
    assert found.examples == ["fore the first tag: <p>How to return</p>", "Fish &amp; Chips"]
    assert markup("queries", texts[:2]).count == 0


def test_texts_that_may_be_cut_off():
    assert (
        long_texts("documents", ["x" * LONG, "x" * (LONG + 1)]).sentence
        == "1 of 2 documents are longer than 1,000 characters"
    )
