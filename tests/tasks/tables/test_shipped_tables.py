"""The shipped cards whose data are tables, on the real data and in the Hub's layout."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support import ROOT, write_jsonl, write_parquet

from bench.tasks.catalog import Task, read_card
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.readers.files import local_files
from bench.tasks.tables.read import read_table


def shipped(name: str) -> Task:
    return read_card(ROOT / "tasks" / f"{name}.yaml")


def read(name: str, folder: Path, split: str = "test") -> RetrievalData:
    return read_table(local_files(folder), shipped(name).card, split)


def sizes(data: RetrievalData) -> tuple[int, int, int]:
    return len(data.queries), len(data.documents), len(data.pair_gains)


@pytest.fixture
def home_depot(bench_data) -> list[dict]:
    with (bench_data / "home_depot" / "train.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def describe(row: dict) -> str:
    """A stand-in for a product's description: its text follows from the product."""
    return f"About product {row['product_uid']}: café"


# Sizes as published with the experiment: 9,202 training pairs, 2,327 queries, 5,064 documents.


def test_home_depot_titles_has_the_published_sizes(bench_data):
    data = read("home_depot_titles", bench_data / "home_depot")
    assert sizes(data) == (2327, 5064, 2327)
    assert "Cree 90W Equivalent Bright White (3000K) PAR38 27è_ Spot Dimmable LED Light Bulb" in data.documents
    train = read("home_depot_titles", bench_data / "home_depot", "train")
    assert (len(train.queries), len(train.pair_gains)) == (9202, 9202)


def test_home_depot_titles_holds_the_rows_that_numpy_draws(bench_data, home_depot):
    data = read("home_depot_titles", bench_data / "home_depot")
    drawn = np.random.default_rng(42).permutation(74067)[:25000]
    order = np.random.default_rng(42).permutation(25000)
    tests = [home_depot[row] for row in drawn[order[:5000]]]
    train = [home_depot[row] for row in drawn[order[5000:]]]
    relevant = [row for row in tests if float(row["relevance"]) >= 2.5]
    assert data.query_ids == [row["id"] for row in relevant]
    assert data.queries == [row["search_term"] for row in relevant]
    assert [data.document_ids[row] for row in data.pair_documents] == [row["product_uid"] for row in relevant]
    used = {int(row["product_uid"]) for row in [*tests, *train]}
    of_tests = {int(row["product_uid"]) for row in tests}
    distractors = [int(name) for name in data.document_ids if int(name) not in of_tests]
    assert len(of_tests) == 4864
    # The order in which CPython goes through a set of these numbers is the card's rule in other words.
    assert distractors == list({int(row["product_uid"]) for row in home_depot} - used)[:200]


def test_home_depot_in_kaggles_and_in_the_hubs_layout(tmp_path, bench_data, home_depot):
    hub = [
        {
            "id": int(row["id"]),
            "entity_id": int(row["product_uid"]),
            "name": row["product_title"],
            "query": row["search_term"],
            "relevance": float(row["relevance"]),
            "description": describe(row),
        }
        for row in home_depot
    ]
    write_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001-9de242b7603049c1.parquet", hub, group=1000)
    assert sizes(read("home_depot", tmp_path / "hub")) == (2327, 5064, 2327)
    assert sizes(read("home_depot", tmp_path / "hub", "train"))[::2] == (9202, 9202)

    # Kaggle's files are Latin-1.
    kaggle = tmp_path / "kaggle"
    kaggle.mkdir()
    plain = (bench_data / "home_depot" / "train.csv").read_text(encoding="utf-8")
    (kaggle / "train.csv").write_text(plain, encoding="latin-1")
    products = {row["product_uid"]: describe(row) for row in home_depot}
    with (kaggle / "product_descriptions.csv").open("w", newline="", encoding="latin-1") as handle:
        csv.writer(handle).writerows([("product_uid", "product_description"), *products.items()])
    data = read("home_depot", kaggle)
    assert data.documents[0].startswith("About product")
    assert data.fingerprint() == read("home_depot", tmp_path / "hub").fingerprint()
    titles = read("home_depot_titles", tmp_path / "hub")
    assert titles.fingerprint() == read("home_depot_titles", kaggle).fingerprint()


def test_home_depot_without_descriptions_is_not_here(bench_data):
    with pytest.raises(NotHereError, match=r"product_descriptions\.csv"):
        read("home_depot", bench_data / "home_depot")


def test_technographics_searches_all_answers_for_the_test_questions(tmp_path, bench_data):
    folder = bench_data / "technographics"
    rows = {
        split: [json.loads(line) for line in (folder / f"{split}_dataset.json").read_text().splitlines()]
        for split in ("train", "test")
    }
    data = read("technographics", folder)
    assert data.queries == [row["anchor"] for row in rows["test"]]
    assert sorted(data.documents) == sorted(row["positive"] for part in rows.values() for row in part)
    assert sizes(data) == (99, 495, 99)
    assert sizes(read("technographics", folder, "train")) == (396, 396, 396)

    # The Hub has one file of all rows by id; the same seed divides it into the same parts.
    whole = sorted((row for part in rows.values() for row in part), key=lambda row: row["id"])
    hub = [{"id": row["id"], "question": row["anchor"], "answer": row["positive"]} for row in whole]
    write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", hub)
    assert read("technographics", tmp_path).fingerprint() == data.fingerprint()
    train = read("technographics", tmp_path, "train")
    assert train.fingerprint() == read("technographics", folder, "train").fingerprint()


def test_msmarco_triplets_samples_queries(tmp_path):
    rows = [{"query": f"q{n // 3}", "positive": f"p{n // 3}", "negative": f"n{n}"} for n in range(3 * 1500)]
    write_parquet(tmp_path / "triplet-hard" / "train-00000-of-00001.parquet", rows, group=1000)
    write_jsonl(tmp_path / "triplet" / "train.jsonl", [{"query": "another", "positive": "p", "negative": "n"}])
    data = read("msmarco_triplets", tmp_path)
    assert len(data.queries) == 1000
    assert set(data.documents) >= {f"p{query[1:]}" for query in data.queries}
    train = read("msmarco_triplets", tmp_path, "train")
    assert set(train.queries) == {f"q{n}" for n in range(1500)} - set(data.queries)
