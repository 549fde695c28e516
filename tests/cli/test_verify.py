"""`bench results --verify`, and `bench results` where there is nothing to print yet."""

from __future__ import annotations

import json
import subprocess

import pytest
from support import audit_record, cost_record, make_older, quality_record, write_records

from bench.cli import run_cli
from bench.results.store import ResultStore


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "results"
    write_records(root, [quality_record(), cost_record(), audit_record(["leaked"])])
    ResultStore(root).write_environment("abc", {"cpu": "A"})
    return root


def commit(folder):
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Results"]):
        names = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.autocrlf=false"]
        subprocess.run(["git", *names, *command], cwd=folder, check=True)


def test_a_good_folder(results, capsys):
    assert run_cli(["results", "--verify"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "0 damaged, 0 not used"
    assert [line.split() for line in out.splitlines()[:5]] == [
        ["audits", "1", "sound"], ["cost", "1", "sound"], ["environments", "1", "sound"], ["quality", "1", "sound"],
        ["tables", "2", "sound"],
    ]  # fmt: skip


def test_damage_is_listed_with_what_heals_it(results, capsys):
    (record,) = results.glob("quality/*/*.json")
    (table,) = results.glob("cost/*/*.parquet")
    (audit,) = results.glob("audits/*/*.json")
    record.write_text(record.read_text().replace('"value": 0.5', '"value": 0.6'))
    table.unlink()
    audit.write_text("{")
    assert run_cli(["results", "--verify"]) == 1
    out = capsys.readouterr().out
    assert f"damaged: {record.relative_to(results.parent)}: its content does not match its digest\n" in out
    quality = f"rm {record.relative_to(results.parent)} {record.with_suffix('.parquet').relative_to(results.parent)}"
    assert f"to heal it: {quality} && bench run\n" in out
    cost = table.with_suffix(".json").relative_to(results.parent)
    assert f"to heal it: rm {cost} && bench cost --model mini --tasks shop\n" in out
    assert "3 damaged, 0 not used" in out


def test_what_git_has_is_restored_by_git(results, capsys):
    commit(results.parent)
    paths = [*results.glob("quality/*/*.json"), *results.glob("cost/*/*.parquet")]
    for path in paths:
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert run_cli(["results", "--verify"]) == 1
    out = capsys.readouterr().out
    commands = [line.removeprefix("  to heal it: ") for line in out.splitlines() if "to heal it" in line]
    assert sorted(commands) == sorted(f"git checkout HEAD -- {path.relative_to(results.parent)}" for path in paths)
    for command in commands:
        subprocess.run(command.split(), cwd=results.parent, check=True, capture_output=True)
    assert run_cli(["results", "--verify"]) == 0


def test_a_revision_and_an_archive_are_checked_too(results, tmp_path, capsys):
    (record,) = results.glob("quality/*/*.json")
    record.write_text(record.read_text().replace('"value": 0.5', '"value": 0.6'))
    commit(results.parent)
    assert run_cli(["results", "--verify", "--results", "HEAD:results"]) == 1
    out = capsys.readouterr().out
    assert f"damaged: HEAD:results/{record.relative_to(results)}: its content" in out
    assert "to heal it: name another revision" in out
    subprocess.run(["tar", "-czf", "r.tgz", "results"], cwd=tmp_path, check=True)
    assert run_cli(["results", "--verify", "--results", "r.tgz"]) == 1
    assert f"damaged: r.tgz/{record.relative_to(results)}: its content" in capsys.readouterr().out


def test_tables_without_records_and_leftovers_are_named(results, capsys):
    (table,) = results.glob("quality/*/*.parquet")
    table.with_suffix(".json").unlink()
    (table.parent / ".x.json.abc.tmp").write_text("half")
    assert run_cli(["results", "--verify"]) == 0
    out = capsys.readouterr().out
    assert f"not used: {table.relative_to(results.parent)}" in out
    assert ".x.json.abc.tmp" in out
    assert "0 damaged, 2 not used" in out


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"ndcg_at_10": [0.5, 0.6]}, "its rows of 8 float32 give ndcg_at_10 0.550000, the record 0.500000"),
        ({"ndcg_at_10": [0.5, None]}, "its rows of 8 float32 give ndcg_at_10 nan, the record 0.500000"),
        ({"truncate_dim": [4, 4]}, "it has no rows of 8 float32"),
        ({"truncate_dim": [8, 4]}, "it has 1 rows of 8 float32, the record 2"),
        ({"query_id": ["a", "a"]}, "it has 2 rows of 8 float32, the record 2"),
    ],
)
def test_a_table_must_be_what_its_record_states(tmp_path, capsys, items, words):
    good = {"truncate_dim": [8, 8], "precision": ["float32"] * 2, "query_id": ["a", "b"], "ndcg_at_10": [0.5, 0.5]}
    ResultStore(tmp_path).write_quality(quality_record(), good | items)
    assert run_cli(["results", "--verify", "--results", str(tmp_path)]) == 1
    assert words in capsys.readouterr().out


def test_older_records_are_counted(results, capsys):
    for path in results.glob("*/*/*.json"):
        make_older(path)
    assert run_cli(["results", "--verify"]) == 0
    assert "3 records were written before digests existed" in capsys.readouterr().out
    assert run_cli(["results", "--format", "csv"]) == 0
    caught = capsys.readouterr()
    assert caught.err == "2 records were written before digests existed\n"
    assert ",False," in caught.out


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_a_folder_of_audits_alone_has_no_scores_yet(tmp_path, capsys, output):
    write_records(tmp_path, [audit_record(["leaked"])])
    assert run_cli(["results", "--results", str(tmp_path), "--format", output]) == 0
    caught = capsys.readouterr()
    assert caught.err == f"no scores and no costs yet in {tmp_path}: bench run\n"
    if output == "json":
        assert json.loads(caught.out) == []
    else:
        assert len(caught.out.splitlines()) == (0 if output == "table" else 1)
