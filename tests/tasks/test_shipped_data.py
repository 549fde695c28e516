"""What the shipped data sets promise: enough of it, whole, and no leak from one split into another."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from support import ROOT

from bench.tasks.beir import read_beir, splits_of
from bench.tasks.pairs import read_pairs

SHOP = ROOT / "tasks" / "hardware_store"
SPLITS = ["dev", "test", "train"]


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def products() -> dict[str, dict]:
    return {row["_id"]: row for row in map(json.loads, (SHOP / "corpus.jsonl").read_text().splitlines())}


@pytest.fixture(scope="module")
def queries() -> dict[str, dict]:
    return {row["_id"]: row for row in map(json.loads, (SHOP / "queries.jsonl").read_text().splitlines())}


@pytest.fixture(scope="module")
def labels() -> dict[str, dict[str, dict[str, int]]]:
    """{split: {query: {product: label}}}, read without the program's own reader."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for split in SPLITS:
        lines = (SHOP / "qrels" / f"{split}.tsv").read_text().splitlines()
        assert lines[0] == "query-id\tcorpus-id\tscore"
        for line in lines[1:]:
            query, product, label = line.split("\t")
            found.setdefault(split, {}).setdefault(query, {})[product] = int(label)
    return found


def test_products(products):
    assert len(products) >= 400
    assert len({row["metadata"]["family"] for row in products.values()}) >= 40
    assert [key for key, row in products.items() if not row["title"].strip()] == []
    assert [key for key, row in products.items() if not 25 <= len(row["text"].split()) <= 60] == []


def test_no_product_stands_twice(products):
    texts = [plain(row["title"] + " " + row["text"]) for row in products.values()]
    assert len(set(texts)) == len(texts)


def test_queries(queries, labels):
    assert len(queries) >= 900
    assert set().union(*labels.values()) == set(queries)


def test_every_label_is_1_or_2_and_every_query_has_a_2(labels):
    for split in SPLITS:
        assert {label for row in labels[split].values() for label in row.values()} <= {1, 2}
        assert [query for query, row in labels[split].items() if 2 not in row.values()] == []


@pytest.mark.parametrize(("one", "other"), list(combinations(SPLITS, 2)))
def test_two_splits_share_no_family_and_no_query(products, queries, labels, one, other):
    def families(split):
        judged = {product for row in labels[split].values() for product in row}
        return {queries[key]["metadata"]["family"] for key in labels[split]} | {
            products[key]["metadata"]["family"] for key in judged
        }

    def texts(split):
        return {plain(queries[key]["text"]) for key in labels[split]}

    assert set(labels[one]) & set(labels[other]) == set()
    assert families(one) & families(other) == set()
    assert texts(one) & texts(other) == set()


def test_the_splits_are_read_without_a_note():
    assert splits_of(SHOP) == SPLITS
    assert [read_beir(SHOP, split).notes for split in SPLITS] == [[], [], []]


def test_questions():
    data = read_pairs(ROOT / "tasks" / "store_questions" / "test.jsonl")
    assert len(data.gold) >= 200
    assert 0 <= data.gold.min() <= data.gold.max() <= 5
    pairs = {
        frozenset({plain(first), plain(second)}) for first, second in zip(data.sentences1, data.sentences2, strict=True)
    }
    assert len(pairs) == len(data.gold)
