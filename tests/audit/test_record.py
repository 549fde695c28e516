from __future__ import annotations

import pytest
from support import random_beir, write_beir, write_pairs

from bench.audit.record import audit_missing, audit_unit
from bench.errors import BenchError
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.tasks.catalog import select_tasks

CORPUS = {"d1": "red pipe", "d2": "blue hose", "d3": "green lamp"}
QUERIES = {"q1": "pipe", "q2": "hose", "q3": "pipe"}


@pytest.fixture
def shop(tmp_path):
    """A task whose only test query also stands in its training data."""
    write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q1", "d1", 1)])
    return write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q2", "d2", 1), ("q3", "d3", 1)], split="train")


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "results")


def units(*paths):
    return [unit for task in select_tasks([str(path) for path in paths], []) for unit in task.units()]


def audit_all(paths, store):
    return [outcome for _, outcome in audit_missing(units(*paths), store, ResultIndex(store.records()))]


def test_what_has_no_audit_is_audited_once_against_its_own_training_data(shop, store, tmp_path):
    write_pairs(tmp_path / "talk" / "test.jsonl")
    assert len(audit_all([shop, tmp_path / "talk"], store)) == 2
    records = {record.task.name: record for _, record in store.records()}
    assert records["shop"].training.split == "train"
    leak = records["shop"].findings[0]
    assert (leak.kind, leak.count, leak.of) == ("queries_in_training", 1, 1)
    assert records["talk"].training is None
    assert records["shop"].thresholds == {"gram": 5, "jaccard": 0.8, "same_corpus": 0.9}
    assert audit_all([shop, tmp_path / "talk"], store) == []


def test_other_test_or_training_data_is_audited_again(shop, store):
    audit_all([shop], store)
    write_beir(shop, CORPUS, QUERIES, [("q2", "d2", 1)], split="train")
    assert len(audit_all([shop], store)) == 1
    write_beir(shop, CORPUS, QUERIES, [("q1", "d2", 1)])
    assert len(audit_all([shop], store)) == 1
    assert audit_all([shop], store) == []


def test_training_data_that_comes_later_is_compared_with(shop, store):
    train = shop / "qrels" / "train.tsv"
    later = train.read_bytes()
    train.unlink()
    audit_all([shop], store)
    assert audit_all([shop], store) == []
    train.write_bytes(later)
    audit_all([shop], store)
    assert [record.training is None for _, record in store.records()] == [True, False]
    assert audit_all([shop], store) == []


def test_a_subset_is_compared_with_its_own_training_data(store, tmp_path):
    (tmp_path / "task.yaml").write_text("name: talk\ntype: sts\nsubsets: [en, de]\n")
    for seed, subset in enumerate(("en", "de")):
        write_pairs(tmp_path / "test" / f"{subset}.jsonl", seed=seed)
    write_pairs(tmp_path / "train" / "de.jsonl", seed=1)
    audit_all([tmp_path], store)
    found = {record.task.subset: record for _, record in store.records()}
    assert (found["en"].training, found["de"].training.subset) == (None, "de")
    assert (found["de"].findings[0].kind, found["de"].findings[0].count) == ("pairs_in_training", 12)


def test_an_audit_against_other_training_data_is_left_alone(shop, store, tmp_path):
    (other,) = units(random_beir(tmp_path / "other"))
    store.write_audit(audit_unit(units(shop)[0], other, store.stamp()))
    assert audit_all([shop], store) == []


def test_training_data_that_is_broken_is_said(shop, store):
    (shop / "qrels" / "train.tsv").write_text("q1\td1\n")
    (error,) = audit_all([shop], store)
    assert isinstance(error, BenchError)
    assert "train.tsv" in str(error)
    assert store.records() == []


def test_the_training_split_is_not_compared_with_itself(shop, store):
    (shop / "qrels" / "test.tsv").unlink()
    audit_all([shop], store)
    ((_, record),) = store.records()
    assert record.task.split == "train"
    assert record.training is None
