"""Data sets in the Hub's layout, read by the rules of every other layout: the same as what mteb's own loader gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hub_folders import hub_pairs
from mteb_folders import retrieval, sts
from support import write_hub, write_jsonl, write_parquet

from bench.errors import BenchError
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.layouts import read_data
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import MtebData, load_mteb


def load(name: str, folder: Path, split: str = "test", subset: str = "default"):
    return load_mteb(definition(name), folder, split, subset)


def by_mteb(name: str, folder: Path, split: str = "test", subset: str = "default"):
    """Read with mteb's own loader."""
    return load_mteb(replace(definition(name), plain=False), folder, split, subset)


@pytest.mark.parametrize(
    ("name", "write", "subset"),
    [
        ("SciFact", retrieval, "default"),
        ("ArguAna", retrieval, "default"),
        ("STSBenchmark", sts, "default"),
        ("STS17", lambda folder: hub_pairs(folder, {"en-en": [1.0, 2.5, 3.0], "ko-ko": [0.0, 5.0]}), "en-en"),
        ("STS17", lambda folder: hub_pairs(folder, {"en-en": [1.0, 2.5], "ko-ko": [0.0, 5.0]}, merged=True), "ko-ko"),
    ],
)
def test_the_data_is_what_mteb_reads(tmp_path, name, write, subset):
    folder = write(tmp_path / "hub")
    ours, theirs = load(name, folder, subset=subset), by_mteb(name, folder, subset=subset)
    assert type(ours) is type(theirs)
    assert ours.fingerprint() == theirs.fingerprint()
    assert ours.notes == theirs.notes


def test_spaces_around_texts_are_mtebs(tmp_path):
    configs = {
        "corpus": {"corpus": [{"_id": "d1", "title": " T ", "text": " a "}, {"_id": "d2", "title": "", "text": "b\n"}]},
        "queries": {"queries": [{"_id": "q", "text": " spaced \n"}]},
        "default": {"test": [{"query-id": "q", "corpus-id": "d1", "score": 1}]},
    }
    folder = write_hub(tmp_path / "hub", configs)
    ours = load("SciFact", folder)
    assert (ours.documents, ours.queries) == (["T   a", "b"], [" spaced \n"])
    assert ours.fingerprint() == by_mteb("SciFact", folder).fingerprint()


@pytest.mark.parametrize("split", ["train", "dev", "validation"])
def test_a_split_that_is_not_there_does_not_exist(tmp_path, split):
    """mteb's loader gives the only split in place of any other."""
    folder = retrieval(tmp_path / "hub")
    assert isinstance(by_mteb("SciFact", folder), RetrievalData)
    with pytest.raises(NotHereError, match=f"no split `{split}`") as caught:
        load("SciFact", folder, split)
    assert caught.value.hint == "splits found: test"


def test_a_subset_that_is_not_there_does_not_exist(tmp_path):
    folder = hub_pairs(tmp_path / "hub", {"eng-eng": [1.0, 2.0, 3.0]})
    with pytest.raises(NotHereError, match="no subset `en-en`") as caught:
        load("STS17", folder, subset="en-en")
    assert "configurations found: eng-eng" in caught.value.hint
    merged = hub_pairs(tmp_path / "merged", {"eng-eng": [1.0, 2.0, 3.0]}, merged=True)
    with pytest.raises(NotHereError, match="no subset `en-en`") as caught:
        load("STS17", merged, subset="en-en")
    assert "subsets found: eng-eng" in caught.value.hint


def in_parts(folder: Path, path: str, rows: list[dict], count: int) -> None:
    """Parquet in parts, as the Hub has it."""
    size = -(-len(rows) // count)
    for n in range(count):
        write_parquet(folder / f"{path}-{n:05d}-of-{count:05d}.parquet", rows[n * size : (n + 1) * size])


ROWS = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": float(n)} for n in range(9)]


@pytest.fixture
def stsb(tmp_path) -> Path:
    """A data set whose splits are in parts."""
    in_parts(tmp_path / "hub", "data/test", ROWS, 3)
    in_parts(tmp_path / "hub", "data/train", ROWS, 2)
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    lines += [line for split in ("test", "train") for line in (f"  - split: {split}", f"    path: data/{split}-*")]
    (tmp_path / "hub" / "README.md").write_text("\n".join([*lines, "---", ""]))
    return tmp_path / "hub"


def test_all_parts_make_a_split(stsb):
    assert load("STSBenchmark", stsb).gold.tolist() == [float(n) for n in range(9)]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_parts_that_are_missing_are_named(stsb, missing):
    (stsb / "data" / f"test-{missing:05d}-of-00003.parquet").unlink()
    with pytest.raises(NotHereError, match="2 of 3 parts are here") as caught:
        load("STSBenchmark", stsb)
    assert f"missing: data/test-{missing:05d}-of-00003.parquet" in caught.value.hint
    # The other split is whole.
    assert load("STSBenchmark", stsb, "train").n == 9


def test_parts_of_a_task_for_mtebs_evaluator(tmp_path):
    rows = [{"text": f"word {n}", "label": n % 2} for n in range(8)]
    in_parts(tmp_path, "data/test", rows, 2)
    in_parts(tmp_path, "data/train", rows, 1)
    assert isinstance(load("Banking77Classification", tmp_path), MtebData)
    (tmp_path / "data" / "test-00001-of-00002.parquet").unlink()
    with pytest.raises(NotHereError, match="1 of 2 parts are here"):
        load("Banking77Classification", tmp_path)


def test_a_snapshot_without_readme_is_read(tmp_path):
    """Parquet as the Hub stores it, and nothing that says which file is what."""
    in_parts(tmp_path / "stsb", "data/test", ROWS, 2)
    card = TaskCard(name="x", type="sts", mteb="STSBenchmark", hub="mteb/stsbenchmark-sts", allow_empty=True)
    assert read_data(card, tmp_path / "stsb", "test", "default").n == 9
    with pytest.raises(NotHereError, match=r"no file train\.jsonl"):
        read_data(card, tmp_path / "stsb", "train", "default")

    hub = retrieval(tmp_path / "hub")
    for config, name in (("corpus", "corpus"), ("queries", "queries"), ("default", "test")):
        rows = [json.loads(line) for line in (hub / config / f"{name}.jsonl").read_text().splitlines()]
        in_parts(tmp_path / "bare", f"{config}/{name}", rows, 2)
    card = TaskCard(name="x", type="retrieval", mteb="SciFact", hub="mteb/scifact", allow_empty=True)
    assert read_data(card, tmp_path / "bare", "test", "default").fingerprint() == load("SciFact", hub).fingerprint()


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (0.5, "line 1: the label 0.5 is not a whole number"),
        ("high", "line 1: the label 'high' is not a number"),
        (None, None),
        (1.0, None),
        ("1", None),
    ],
)
def test_labels_follow_the_rule_of_every_layout(tmp_path, score, message):
    configs = {
        "corpus": {"corpus": [{"_id": "d1", "title": "", "text": "a"}, {"_id": "d2", "title": "", "text": "b"}]},
        "queries": {"queries": [{"_id": "q1", "text": "x"}, {"_id": "q2", "text": "y"}]},
        "default": {
            "test": [
                {"query-id": "q1", "corpus-id": "d1", "score": score},
                {"query-id": "q2", "corpus-id": "d2", "score": 1},
            ]
        },
    }
    folder = write_hub(tmp_path / "hub", configs)
    if message:
        with pytest.raises(BenchError, match=message):
            load("SciFact", folder)
        return
    found = load("SciFact", folder)
    assert found.query_ids == (["q2"] if score is None else ["q1", "q2"])


@pytest.mark.parametrize("kind", [int, float, str])
def test_ids_of_any_type_name_the_same_things(tmp_path, kind):
    folder = tmp_path / "hub"
    write_hub(folder, {"corpus": {"corpus": []}, "queries": {"queries": []}, "default": {"test": []}})
    write_jsonl(folder / "corpus" / "corpus.jsonl", [{"_id": n, "title": "", "text": f"t{n}"} for n in range(3)])
    write_jsonl(folder / "queries" / "queries.jsonl", [{"_id": "7", "text": "x"}])
    write_jsonl(folder / "default" / "test.jsonl", [{"query-id": kind(7), "corpus-id": kind(2), "score": 1}])
    found = load("SciFact", folder)
    assert (found.query_ids, found.document_ids, found.pair_documents.tolist()) == (["7"], ["0", "1", "2"], [2])


@pytest.mark.parametrize("content", [b"PAR1 nonsense", b"{broken", b"\x1f\x8b\x08"])
def test_a_broken_file_is_named_without_its_readers_words(tmp_path, content):
    suffix = "parquet" if content.startswith(b"PAR1") else "jsonl"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f"test.{suffix}").write_bytes(content)
    write_jsonl(tmp_path / "data" / "train.jsonl", [{"text": "a", "label": 0}])
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        f"  - {{split: train, path: data/train.jsonl}}\n  - {{split: test, path: data/test.{suffix}}}\n---\n"
    )
    for name in ("STSBenchmark", "Banking77Classification"):
        with pytest.raises(BenchError) as caught:
            load(name, tmp_path)
        assert caught.value.where.startswith(f"{tmp_path}/data/test.{suffix}")
        assert not any(word in str(caught.value) for word in ("pyarrow", "polars", "Arrow", "Error:", "0x"))
