"""Temporary files of killed runs are removed when they are old and nobody's; nothing else ever is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from bench.cache import cache_root
from bench.files import DRAFT, check_writable, scratch_folder, whole_folder, write_bytes, write_text
from bench.leftovers import OLD_SECONDS, find_leftovers, remove_leftovers

HASH = "0123456789abcdef" * 2


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(autouse=True)
def system_folder(tmp_path, monkeypatch):
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def put(path, *, age=2 * OLD_SECONDS, folder=False):
    """A file, or a folder with one, that was last changed so long ago."""
    if folder:
        path.mkdir(parents=True, exist_ok=True)
        (path / "inner.bin").write_bytes(b"x" * 10)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
    then = time.time() - age
    for each in (path / "inner.bin", path) if folder else (path,):
        os.utime(each, (then, then))
    return path


def places(results):
    return [
        results / "quality" / "shop",
        results,
        cache_root(),
        cache_root() / "vectors" / HASH,
        cache_root() / "downloads",
    ]


def removed(results):
    return sorted(item.path for item in remove_leftovers(results))


def test_old_files_of_dead_processes_go(tmp_path, dead, system_folder):
    results = tmp_path / "results"
    names = [f".m-1234.json.{dead}.ab_d1234.tmp", ".m-1234.json.abcd1234.tmp", f".write-check-{dead}"]
    left = [put(place / name) for place in places(results) for name in names]
    left.append(put(cache_root() / "built" / f".x.{dead}.abcd1234.tmp", folder=True))
    left += [
        put(system_folder / f"bench-cost-{dead}-abcd1234", folder=True),
        put(system_folder / "bench-quick-abcd1234"),
    ]
    assert sorted(item.path for item in find_leftovers(results)) == sorted(left)
    assert sum(item.bytes for item in find_leftovers(results)) == 10 * len(left)
    assert removed(results) == sorted(left)
    assert not any(path.exists() for path in left)
    assert find_leftovers(results) == []


@pytest.mark.parametrize("age", [0, OLD_SECONDS - 60])
def test_what_is_new_stays(tmp_path, dead, age, system_folder):
    put(tmp_path / "results" / f".x.json.{dead}.abcd1234.tmp", age=age)
    put(system_folder / f"bench-cost-{dead}-abcd1234", age=age, folder=True)
    folder = put(cache_root() / "built" / f".x.{dead}.abcd1234.tmp", folder=True)
    # A folder is as new as the newest of what is in it.
    put(folder / "deep" / "weights.bin", age=age)
    assert removed(tmp_path / "results") == []


def test_what_a_living_process_writes_stays_however_old(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        path = put(tmp_path / "results" / f".x.json.{process.pid}.abcd1234.tmp")
        # Of before the process began: the number was another's then.
        reused = [path]
        assert removed(tmp_path / "results") == reused
        path = put(tmp_path / "results" / f".x.json.{process.pid}.abcd1234.tmp")
        begun = time.time()
        os.utime(path, (begun, begun))
        later = begun + 2 * OLD_SECONDS
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: later)
            assert removed(tmp_path / "results") == []
    finally:
        process.kill()
        process.wait()


OTHERS = [
    "notes.tmp", ".hidden", ".x.json.tmp", "x.json.1.abcd1234.tmp", ".x.json.abcd1234.tmp2", ".x.1.ABCD1234.tmp",
    "bench-notes", "bench-cost", "m.json", "m.parquet", ".lock", f"{HASH}.lock.bak", "backup.unfinished",
]  # fmt: skip


def test_what_is_not_ours_stays(tmp_path, system_folder):
    results = tmp_path / "results"
    for place in [*places(results), cache_root() / "built", cache_root() / "models" / "unfinished", system_folder]:
        for name in OTHERS:
            put(place / name)
    # Other folders than those that bench writes in, and what lies behind links.
    put(cache_root() / "pip" / ".x.json.abcd1234.tmp")
    put(tmp_path / "far" / ".x.json.abcd1234.tmp")
    (results / "linked").symlink_to(tmp_path / "far")
    put(system_folder / "other" / "bench-cost-abcd1234")
    assert removed(results) == []


@given(st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name))
def test_names_that_are_given_are_known_again(name):
    from bench.files import _draft_prefix

    match = DRAFT.fullmatch(f"{_draft_prefix(Path('x') / name)}abcd_123.tmp")
    assert name in {".", ".."} or (match is not None and match["pid"] == str(os.getpid()))


def test_builds_and_locks_go_when_no_process_holds_the_lock(tmp_path):
    built, unfinished = cache_root() / "built", cache_root() / "models" / "unfinished"
    left = [put(built / f"{HASH}-weights.lock"), put(built / f"{HASH}-weights.unfinished", folder=True),
            put(unfinished / f"{HASH}.lock"), put(unfinished / f"{HASH}.deleted", folder=True),
            put(unfinished / f"{HASH}.timed", folder=True), put(unfinished / f"{HASH}.name")]  # fmt: skip
    with FileLock(left[0]), FileLock(left[2]):
        # Of another process, and so of another lock object here.
        assert removed(None) == []
    for path in left:
        put(path, folder=path.is_dir())
    assert removed(None) == sorted(left)
    assert list(built.iterdir()) == list(unfinished.iterdir()) == []


def test_checkpoints_and_the_name_of_their_model_stay():
    unfinished = cache_root() / "models" / "unfinished"
    kept = [put(unfinished / HASH / "checkpoint-4" / "whole"), put(unfinished / f"{HASH}.name")]
    lock = put(unfinished / f"{HASH}.lock")
    assert removed(None) == [lock]
    assert all(path.exists() for path in kept)


def test_made_and_built_models_stay():
    kept = [
        put(cache_root() / "built" / f"{HASH}-weights", folder=True),
        put(cache_root() / "models" / HASH, folder=True),
    ]
    kept.append(put(cache_root() / "built" / f"{HASH}-weights.files.json"))
    assert removed(None) == []
    assert all(path.exists() for path in kept)


def test_what_cannot_be_removed_is_left(tmp_path, dead, monkeypatch):
    path = put(tmp_path / "results" / f".x.json.{dead}.abcd1234.tmp")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert removed(tmp_path / "results") == []
    assert path.exists()


CHILD = """
import sys, time
from pathlib import Path
from bench.files import scratch_folder, whole_folder, write_bytes
import bench.files
folder = Path(sys.argv[1])
bench.files.os.fsync = lambda _: (print("ready", flush=True), time.sleep(600))
with scratch_folder("cost") as scratch, whole_folder(folder / "model") as draft:
    (draft / "weights").write_bytes(b"x")
    write_bytes(folder / "x.json", b"x")
"""


def test_what_a_killed_process_leaves_is_found(tmp_path, system_folder, monkeypatch):
    results = tmp_path / "results"
    results.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(system_folder)}
    process = subprocess.Popen([sys.executable, "-c", CHILD, results], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"ready\n"
    later = time.time() + 2 * OLD_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    assert removed(results) == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(removed(results)) == 3
    assert list(results.iterdir()) == list(system_folder.iterdir()) == []


def test_writing_leaves_nothing(tmp_path, system_folder):
    write_text(tmp_path / "a" / "x.json", "{}")
    write_bytes(tmp_path / "a" / ("long" * 30), b"")
    check_writable(tmp_path / "a")
    with whole_folder(tmp_path / "a" / "m"), scratch_folder("cost") as scratch:
        assert scratch.parent == system_folder
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["long" * 30, "m", "x.json"]
    assert list(system_folder.iterdir()) == []
