"""The one function between a name in a file and a path."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.inside import OutsideError, check_links, check_name, copy_inside, inside

OUT = [
    "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a\\b", "..\\x", "C:", "C:x", "C:/x", "c:\\x", "\\\\host\\share",
    "//host/share/x", "a\0b", "", None, 3, ["a"],
]  # fmt: skip


@pytest.mark.parametrize("name", OUT)
def test_names_that_lead_out(tmp_path, name):
    (tmp_path / "a").mkdir()
    for check in (check_name, lambda name: inside(tmp_path, name)):
        with pytest.raises(OutsideError):
            check(name)


@pytest.mark.parametrize("name", ["a", "a/b", "./a", ".", "~", "~/a", "a..b", "...", "*.json", "日本/ü", "-x", " "])
def test_names_that_stay(tmp_path, name):
    assert inside(tmp_path, name) == tmp_path / name


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b c", "C:", "\\", "x\0"]), max_size=5).map("/".join))
def test_what_passes_is_below_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    try:
        found = inside(folder, name)
    except OutsideError:
        return
    assert os.path.normpath(found).startswith(str(folder))


def test_links(tmp_path):
    folder = tmp_path / "m"
    (folder / "real").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_text("secret")
    (folder / "stays").symlink_to("real")
    (folder / "leaves").symlink_to(tmp_path / "out")
    (folder / "file").symlink_to(tmp_path / "out" / "secret")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    (tmp_path / "sibling-of-m").mkdir()
    (folder / "prefix").symlink_to("../m-2/x")
    assert inside(folder, "stays/x") == folder / "stays" / "x"
    for name in ("leaves", "leaves/secret", "file", "dangling", "a", "prefix"):
        with pytest.raises(OutsideError):
            inside(folder, name)
    with pytest.raises(OutsideError):
        copy_inside(folder, "file", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(OutsideError):
        check_links(folder, [folder / "real", folder / "leaves" / "secret"])
    # A folder that is reached through a link itself.
    (tmp_path / "link").symlink_to(folder)
    assert inside(tmp_path / "link", "real") == tmp_path / "link" / "real"


def test_the_hubs_cache(tmp_path):
    repository = tmp_path / "models--acme--mini"
    snapshot = repository / "snapshots" / "c0ffee"
    (snapshot / "1_Pooling").mkdir(parents=True)
    for home in (repository, tmp_path / "models--other--one", tmp_path):
        (home / "blobs").mkdir(parents=True)
        (home / "blobs" / "1234").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c0ffee")
    links = {
        "config.json": "../../blobs/1234",
        "1_Pooling/config.json": "../../../blobs/1234",
        "other.json": "../../../models--other--one/blobs/1234",
        "refs.json": "../../refs/main",
        "above.json": "../../../blobs/1234",
    }
    for name, target in links.items():
        (snapshot / name).symlink_to(target)
    assert inside(snapshot, "config.json").read_text() == "{}"
    assert inside(snapshot / "1_Pooling", "config.json").read_text() == "{}"
    for name in ("other.json", "refs.json", "above.json"):
        with pytest.raises(OutsideError, match="leads out of the folder"):
            inside(snapshot, name)


def test_special_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BenchError, match=r"neither a file nor a folder \(a FIFO\)"):
        inside(tmp_path, "pipe")


def test_copies_are_files_of_their_own(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "real").write_text("x")
    (tmp_path / "m" / "link").symlink_to("real")
    copy_inside(tmp_path / "m", "link", tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_text() == "x"
    assert not (tmp_path / "new" / "copy").is_symlink()
