from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.files import (
    check_writable,
    digest_bytes,
    digest_file,
    digest_json,
    digest_parts,
    safe_name,
    whole_folder,
    write_bytes,
    write_json,
    write_text,
)
from bench.paths import path_exists, walk_files
from bench.reading import parse_json, read_text, user_path

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def fail_with(code: int):
    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    return fail


@given(
    st.text() | st.sampled_from(["..", ".", "", "../../etc/passwd", "a/b", "a\\b", "C:\\x", ".git", "\x00", "-rf", "~"])
)
def test_a_safe_name_is_one_component(name):
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set("/\\\x00:\n")
    assert not safe.startswith(".")
    assert len(safe) <= 80
    assert (Path("/root") / safe).resolve().parent == Path("/root")
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("org/name", "org_name"),
        ("../../x", "x"),
        ("日本", "_"),
        ("a" * 100, "a" * 80),
        ("..", "_"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


def test_writing_replaces_the_whole_file_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, "first, the longer one")
    write_text(path, "zweiter ä")
    assert path.read_bytes() == "zweiter ä".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod"])
@pytest.mark.parametrize(
    ("code", "hint"), [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota"), (errno.EIO, "check the folder")]
)
def test_a_write_that_fails_keeps_the_old_content_and_leaves_nothing(tmp_path, monkeypatch, call, code, hint):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    monkeypatch.setattr(call, fail_with(code))
    with pytest.raises(BenchError, match="cannot write: ") as caught:
        write_text(path, "new")
    assert (caught.value.where, path.read_text()) == (str(path), "old")
    assert hint in caught.value.hint
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_keeps_the_old_content_and_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    path = tmp_path / "file.txt"
    write_text(path, "old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


@pytest.mark.parametrize(("code", "hint"), [(errno.EACCES, "you may not write there"), (errno.EROFS, "read-only")])
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, code, hint):
    monkeypatch.setattr(tempfile, "mkstemp", fail_with(code))
    with pytest.raises(BenchError, match="cannot write") as caught:
        check_writable(tmp_path)
    assert str(tmp_path) in caught.value.where
    assert hint in caught.value.hint


def test_a_folder_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(BenchError, match="cannot write"):
        check_writable(tmp_path)


def test_a_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(BenchError, match="cannot write") as caught:
        write_text(tmp_path / "results" / "x.json", "{}")
    assert caught.value.hint


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "deep" / "folder"
    with whole_folder(target) as draft:
        (draft / "inner").mkdir()
        (draft / "inner" / "x").write_text("content")
        (draft / "inner" / "x").chmod(0o600)
        assert not target.exists()
    assert (target / "inner" / "x").read_text() == "content"
    write_text(tmp_path / "other", "")
    assert (target / "inner" / "x").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert [path.name for path in target.parent.iterdir()] == ["folder"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_of_a_folder_that_was_not_finished_nothing_stays(tmp_path, error):
    with pytest.raises(error), whole_folder(tmp_path / "folder") as draft:
        (draft / "x").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_no_others_place(tmp_path):
    with pytest.raises(BenchError, match="cannot write") as caught, whole_folder(tmp_path / "folder") as draft:
        (draft / "x").write_text("mine")
        write_text(tmp_path / "folder" / "x", "theirs")
    assert "there are files in it" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "x").read_text() == "theirs"


def test_check_writable_leaves_nothing(tmp_path):
    check_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_follow_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_bytes(tmp_path / "x", b"")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_json_is_written_in_one_way(tmp_path):
    write_json(tmp_path / "a.json", {"b": "ä", "a": [1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "a": [\n    1\n  ],\n  "b": "ä"\n}\n'
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{broken", "Expecting property name"),
        ('{"a": 1, "b": 2, "a": 3}', "the key `a` is there twice"),
        ('{"a": "x\\ud83d"}', "half of a surrogate pair"),
        ('{"\\ude00": 1}', "half of a surrogate pair"),
    ],
)
def test_json_that_is_none(text, words):
    with pytest.raises(ValueError, match=words):
        parse_json(text)


@pytest.mark.parametrize(
    ("name", "words"), [("none", "no such file"), ("", "Is a directory"), ("file/x", "Not a directory")]
)
def test_a_file_that_cannot_be_read(tmp_path, name, words):
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match=words) as caught:
        read_text(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_digest_of_a_file(tmp_path, size):
    content = b"ab" * (size // 2) + b"c" * (size % 2)
    (tmp_path / "x").write_bytes(content)
    assert digest_file(tmp_path / "x", "sha256") == hashlib.sha256(content).hexdigest()
    assert digest_file(tmp_path / "x") == hashlib.blake2b(content, digest_size=16).hexdigest()


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_digests_of_parts_differ_where_the_parts_do(first, second):
    assert (digest_bytes(*first) == digest_bytes(*second)) is (first == second)
    assert digest_bytes(*first, b"") != digest_bytes(*first)
    assert digest_parts(iter(first)) == digest_bytes(*first)


def test_digest_json_does_not_depend_on_the_order_of_keys():
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json({"a": 1, "b": [1, 2]}) != digest_json({"a": 1, "b": [2, 1]})
    assert digest_json("1") != digest_json(1)


@pytest.mark.parametrize(
    ("name", "there"), [("x", True), (".", True), ("none", False), ("y" * 300, False), ("\0", False)]
)
def test_a_name_that_the_system_refuses_does_not_exist(tmp_path, name, there):
    (tmp_path / "x").touch()
    assert path_exists(tmp_path / name) is there


def test_paths_as_users_write_them(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for text, path in [("~/x", "/home/me/x"), ("~no-such-user/x", "~no-such-user/x"), ("a/~", "a/~"), ("/x", "/x")]:
        assert user_path(text) == Path(path)


def walked(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in walk_files(folder)]


def test_walking_goes_through_links(tmp_path):
    for name in ["m/b/x", "m/a", "store/y"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for link, target in [("linked", "../store"), ("twice", "../store"), ("z", "a")]:
        (tmp_path / "m" / link).symlink_to(target)
    assert walked(tmp_path / "m") == ["a", "b/x", "linked/y", "twice/y", "z"]
    (tmp_path / "top").symlink_to("m")
    assert walked(tmp_path / "top") == walked(tmp_path / "m")


@pytest.mark.parametrize("target", [".", "..", "../..", "../../outside"])
def test_walking_does_not_loop(tmp_path, target):
    for folder in ["m/a", "outside"]:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x").touch()
    (tmp_path / "m" / "a" / "up").symlink_to(target)
    (tmp_path / "outside" / "back").symlink_to("../m/a")
    found = walked(tmp_path / "m")
    assert "a/x" in found
    assert len(found) == len(set(found)) < 5
