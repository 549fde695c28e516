"""Digests of records and tables, against b2sum's definition, and what readers make of them."""

from __future__ import annotations

import hashlib
import json
import tarfile

import pytest
from support import audit_record, cost_record, make_older, quality_record, rewrite_record, write_records

import bench
from bench.errors import BenchError
from bench.results.copying import copy_records, records_to_copy
from bench.results.digests import DamagedError
from bench.results.parsing import read_record
from bench.results.sources import open_source
from bench.results.store import ResultStore, read_items


@pytest.fixture
def path(tmp_path):
    """A record with its table."""
    return ResultStore(tmp_path / "results").write_quality(quality_record(), {"query_id": ["a", "b"]})


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_digest_is_that_of_the_file_without_its_line_and_of_the_tables_bytes(path):
    lines = path.read_bytes().splitlines(keepends=True)
    rest = b"".join(line for line in lines if not line.startswith(b'  "digest"'))
    value = json.loads(path.read_text())
    assert value["digest"] == hashlib.blake2b(rest, digest_size=16).hexdigest()
    table = path.with_suffix(".parquet").read_bytes()
    assert value["table_digest"] == hashlib.blake2b(table, digest_size=16).hexdigest()
    assert list(value) == sorted(value)


def test_all_kinds_of_records_have_one(tmp_path):
    store = ResultStore(tmp_path)
    write_records(tmp_path, [quality_record(), cost_record(), audit_record(["leaked"])])
    store.write_environment("abc", {"cpu": "A"})
    found = [read_record(path)[1] for path in tmp_path.rglob("*.json")]
    assert found == [True] * 4


@pytest.mark.parametrize(
    "lay_out",
    [
        json.dumps,
        lambda value: json.dumps(dict(reversed(value.items())), indent=7),
        lambda value: "\ufeff" + json.dumps(value, indent=2, sort_keys=True).replace("\n", "\r\n"),
    ],
)
def test_layout_and_order_do_not_count(path, lay_out):
    before = read_record(path)
    path.write_text(lay_out(json.loads(path.read_text())), newline="")
    assert read_record(path) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"value": 0.5', '"value": 0.6'),
        ('"value": 0.5', '"value": 0.50000000000000011'),
        ('"name": "mini"', '"name": "mine"'),
        ('"n": 2', '"n": 2.0'),
        ('"digest": "', '"digess": "'),
        ('"schema_version": 4', '"schema_version": 3'),
        ('"schema_version": 4', '"schema_version": 5'),
        ('"schema_version": 4', '"schema_version": true'),
        ('"leakage": false', '"leakage": true'),
    ],
)
def test_changed_content_is_damage(path, old, new):
    text = path.read_text().replace('"table_digest"', '"TABLE"')
    text = text.replace(old, new, 1).replace('"TABLE"', '"table_digest"')
    path.write_text(text)
    with pytest.raises(DamagedError, match="damaged") as caught:
        ResultStore(path.parents[2]).records()
    assert caught.value.where == str(path)
    assert f"git checkout -- {path}" in caught.value.hint


@pytest.mark.parametrize("version", [1, 2, 3])
def test_older_records_are_read_and_marked_and_checked_where_they_have_a_digest(path, version):
    rewrite_record(path, schema_version=version)
    assert read_record(path)[1]
    make_older(path, version)
    assert not read_record(path)[1]
    assert not bench.load_results(path.parents[2])["verified"].any()


@pytest.mark.parametrize("kept", [["table_digest"], ["digest"]])
def test_a_record_that_has_lost_one_of_its_digests_is_damaged(path, kept):
    value = json.loads(path.read_text())
    for version in (3, 4):
        lost = {"digest", "table_digest"} - set(kept)
        path.write_text(json.dumps({k: v for k, v in value.items() if k not in lost} | {"schema_version": version}))
        with pytest.raises(DamagedError):
            read_record(path)


def test_a_record_that_states_no_digest_of_its_table_is_damaged(path):
    rewrite_record(path, table_digest=None)
    with pytest.raises(DamagedError, match="no digest of its table"):
        read_record(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"value": 0.5', '"value": NaN', r"views\.0\.metrics\.ndcg_at_10\.value: Input should be a finite number"),
        ('"value": 0.5', '"value": 1e999', r"views\.0\.metrics\.ndcg_at_10\.value: Input should be a finite number"),
        ('"value": 0.5', '"value": null', r"views\.0\.metrics\.ndcg_at_10\.value: Input should be a valid number"),
        ('"n": 2', '"n": null', r"task\.n: Input should be a valid integer"),
        ('"n": 2', '"n": -Infinity', r"task\.n: Input should be a finite number"),
    ],
)
@pytest.mark.parametrize("older", [True, False])
def test_what_is_no_number_is_refused_by_key(path, old, new, words, older):
    if older:
        make_older(path)
    edit(path, old, new)
    with pytest.raises(BenchError, match=words) as caught:
        bench.load_results(path.parents[2])
    assert caught.value.where == str(path)


@pytest.mark.parametrize("key", ["settings", "setup"])
def test_settings_hold_finite_numbers(tmp_path, key):
    path = ResultStore(tmp_path).write_cost(cost_record(), {})
    make_older(path, **{key: {"probe": [1.5]}})
    read_record(path)
    edit(path, "1.5", "1e999")
    with pytest.raises(DamagedError, match=rf"{key}\.probe\.0: Input should be a finite number, not Infinity"):
        read_record(path)


def test_a_damaged_table_is_found_before_it_is_parsed(path):
    record, _ = read_record(path)
    table = path.with_suffix(".parquet")
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(DamagedError, match="its content does not match its digest") as caught:
        read_items(path, record)
    assert caught.value.where == str(table)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_damage_in_an_archive_is_named_by_its_member(path, tmp_path, suffix):
    damaged = path.with_suffix(suffix)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with tarfile.open(tmp_path / "r.tgz", "w:gz") as archive:
        archive.add(tmp_path / "results", "results")

    def read():
        with open_source(str(tmp_path / "r.tgz")) as folder:
            for record_path, record in ResultStore(folder).records():
                read_items(record_path, record)

    with pytest.raises(DamagedError) as caught:
        read()
    assert caught.value.where == f"{tmp_path}/r.tgz/quality/shop/{damaged.name}"
    assert "another copy of the archive" in caught.value.hint


def test_nothing_damaged_is_copied(path, tmp_path):
    source, target = tmp_path / "results", tmp_path / "target"
    chosen = records_to_copy(source, target)
    table = path.with_suffix(".parquet")
    content = table.read_bytes()
    table.write_bytes(content[:-1])
    with pytest.raises(DamagedError):
        records_to_copy(source, target)
    with pytest.raises(DamagedError):
        copy_records(chosen, source, target)
    assert list(target.rglob("*.*")) == []
    table.write_bytes(content)
    assert copy_records(chosen, source, target) == 2
    assert (target / table.relative_to(source)).read_bytes() == content
