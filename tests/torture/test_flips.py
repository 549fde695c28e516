"""No flipped bit in results passes: what commands print is what they printed before, or that a file is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import ROOT, make_older

import bench
from bench.cli import run_cli
from bench.errors import BenchError
from bench.results.digests import DamagedError
from bench.results.parsing import read_record, table_name
from bench.results.store import read_items
from torture.flips import classes, draw_flips

RESULTS = ROOT / "tests" / "report" / "results"
COMMANDS = {
    "results": ["results", "--results", "new", "--format", "json"],
    "report": ["report", "--results", "new", "--reports", "reports", "--check"],
    "compare": ["compare", "mini", "org/big|model_*<b>", "--results", "new", "--all-views"],
    "choose": ["choose", "--task", "shop", "--results", "new", "--max-storage", "1GB"],
    "gate": ["gate", "--baseline", "old", "--results", "new"],
}


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """A folder of results, and a second one with the same."""
    monkeypatch.chdir(tmp_path)
    for name in ("new", "old"):
        shutil.copytree(RESULTS, tmp_path / name)
    return tmp_path / "new"


def outcome(path, record_path):
    """A record, or the table of one, as readers get it."""
    record, verified = read_record(record_path)
    return (record, verified) if path == record_path else read_items(record_path, record).to_pydict()


def says_damaged(found):
    """Whether a command failed for it; `compare` may list it as the verdict of a row."""
    status, out, err = found
    return (status != 0 and "damaged: " in err) or "damaged: " in out


def test_every_byte_has_one_class():
    for path in RESULTS.rglob("*.*"):
        offsets = sorted(offset for parts in classes(path).values() for part in parts for offset in part)
        assert offsets == list(range(path.stat().st_size))


def test_no_flip_is_read_as_another_number(results):
    faults, found = [], {}
    for flip in draw_flips(results.rglob("*.*"), 600, seed=1):
        record_path = flip.path.with_suffix(".json")
        before = outcome(flip.path, record_path)
        with flip.applied():
            try:
                same = outcome(flip.path, record_path) == before
            except DamagedError as error:
                assert error.where == str(flip.path)
                assert error.hint
                same = None
        found.setdefault(flip.kind, set()).add(same)
        if same is False:
            faults.append(flip)
    assert faults == []
    # A space may become another one, a digit one that rounds to the same number; a table is as it was to the last bit.
    assert {kind for kind, seen in found.items() if True in seen} <= {".json space", ".json number"}
    assert len(found) == 12


@pytest.mark.parametrize("command", COMMANDS)
def test_no_flip_changes_what_a_command_shows_without_a_word(results, command, capsys):
    def shown():
        status = run_cli(COMMANDS[command])
        return status, *capsys.readouterr()

    if command == "report":
        assert run_cli(["report", "--results", "new", "--reports", "reports"]) == 0
        capsys.readouterr()
    expected = shown()
    assert not says_damaged(expected)
    for flip in draw_flips(results.rglob("*.*"), 14, seed=len(command)):
        with flip.applied():
            found = shown()
        assert found == expected or says_damaged(found), flip


def test_every_bit_of_a_digest_and_of_the_schemas_version_counts(results):
    (path,) = results.glob("quality/shop/bm25*.json")
    content = path.read_bytes()
    for kind in ("digest", "version"):
        for part in classes(path)[kind]:
            for offset in part:
                for bit in range(8):
                    changed = bytearray(content)
                    changed[offset] ^= 1 << bit
                    path.write_bytes(changed)
                    try:
                        read_record(path)
                    except DamagedError:
                        continue
                    # The space after the colon, as another one.
                    assert content[offset : offset + 1] == b" ", (offset, bit)


def test_a_flip_in_a_record_without_a_digest_is_found_where_it_leaves_the_range(results):
    (path,) = results.glob("quality/shop/bm25*.json")
    make_older(path)
    text = path.read_text()
    assert len(bench.load_results(results)) > 0
    path.write_text(text.replace('"value": 0.', '"value": 7.', 1))
    with pytest.raises(BenchError, match="which must be 0 to 1"):
        bench.load_results(results)


def test_every_table_of_the_folder_has_a_digest():
    for path in RESULTS.rglob("*.json"):
        record, verified = read_record(path)
        assert verified
        assert table_name(record) is None or record.table_digest
