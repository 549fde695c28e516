"""Files that are no files: refused by kind before anything waits for them, and sizes that are capped."""

from __future__ import annotations

from pathlib import Path

import pytest
from special_files import KINDS, fifo, in_time, listening

from bench import paths, regular
from bench.errors import BenchError
from bench.paths import walk_files
from bench.reading import read_text, text_lines


@pytest.fixture(autouse=True)
def alarm():
    with in_time(20):
        yield


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_each_kind_is_named(tmp_path, make, kind):
    path = make(tmp_path / "x")
    for read in (regular.open_regular, regular.check_kind, paths.is_file, read_text):
        with pytest.raises(BenchError) as caught:
            read(path)
        assert caught.value.message == f"neither a file nor a folder ({kind})"
        assert caught.value.where == str(path)
    with pytest.raises(BenchError, match="neither a file nor a folder"):
        list(walk_files(tmp_path))


def test_gits_own_socket_is_no_fault(tmp_path):
    (tmp_path / ".git").mkdir()
    listening(tmp_path / ".git" / "fsmonitor--daemon.ipc")
    assert list(walk_files(tmp_path)) == []


def test_what_changes_between_the_look_and_the_opening(tmp_path, monkeypatch):
    path = fifo(tmp_path / "x")
    monkeypatch.setattr(regular, "special_kind", lambda path: None)
    with pytest.raises(BenchError, match="a FIFO"):
        regular.open_regular(path)


def test_no_descriptor_is_left_open(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path, most in ((tmp_path, None), (tmp_path / "x", 4)):
        with pytest.raises((BenchError, IsADirectoryError)):
            regular.open_regular(path, most)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_not_there_passes_as_such(tmp_path):
    regular.check_kind(tmp_path / "gone")
    assert not paths.is_file(tmp_path / "gone")
    assert not paths.is_file(tmp_path)
    assert regular.special_kind(Path("a\0b")) is None
    with pytest.raises(FileNotFoundError):
        regular.open_regular(tmp_path / "gone")


def test_sizes_are_capped_and_the_cap_is_stated(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"1234567")
    assert regular.read_bytes(path, 7) == b"1234567"
    with pytest.raises(BenchError) as caught:
        regular.read_bytes(path, 6)
    assert "more than 6 bytes" in caught.value.message
    with path.open("wb") as handle:
        # A file with a hole: large, and nothing on the disk.
        handle.truncate(11_000_000)
    with pytest.raises(BenchError, match="more than 10 MB, the most that is read"):
        read_text(path)


def test_a_file_whose_stated_size_is_wrong(tmp_path):
    """Files of /proc state no size."""
    assert Path("/proc/self/status").stat().st_size == 0
    with pytest.raises(BenchError, match="too large"):
        regular.read_bytes(Path("/proc/self/status"), 10)


def test_the_longest_line(tmp_path, monkeypatch):
    from bench import reading

    monkeypatch.setattr(reading, "MOST_LINE", 1_000_000)
    path = tmp_path / "x"
    path.write_bytes(b"a\n" + b"b" * 999_999 + b"\n")
    with path.open("rb") as handle:
        assert [len(line) for line in text_lines(handle, "x")] == [2, 1_000_000]
    path.write_bytes(b"a\n" + b"b" * 1_000_001)
    with path.open("rb") as handle, pytest.raises(BenchError) as caught:
        list(text_lines(handle, "x"))
    assert (caught.value.where, caught.value.message.startswith("a line of more than 1 MB")) == ("x, line 2", True)


@pytest.mark.parametrize(
    ("size", "text"), [(10_000_000, "10 MB"), (2_000_000_000, "2 GB"), (1_500_000, "1.5 MB"), (1234, "1,234 bytes")]
)
def test_sizes_as_texts(size, text):
    assert regular.size_text(size) == text
