"""Damage to built models is found before they are used, said, and healed."""

from __future__ import annotations

import logging
import os
import shutil

import pytest

from bench import cache
from bench.cache import sha256_in_full, sha256_of
from bench.models import manifest
from bench.models.built import built_folder, built_root

FILES = {
    "model.safetensors": b"weights" * 1000,
    "sentence_bert_config.json": b'{"max_seq_length": 48}',
    "1/config.json": b"{}",
}


def build(draft):
    for name, content in FILES.items():
        (draft / name).parent.mkdir(exist_ok=True)
        (draft / name).write_bytes(content)
    (draft / "linked.txt").symlink_to(built_root().parent / "elsewhere.txt")


def flip(path):
    """One bit, with the times that the file had."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def swap(folder):
    (folder / "model.safetensors").rename(folder / "x")
    (folder / "1" / "config.json").rename(folder / "model.safetensors")
    (folder / "x").rename(folder / "1" / "config.json")


def remake(path):
    path.unlink()
    path.mkdir()


def relink(folder):
    (folder / "linked.txt").unlink()
    (folder / "linked.txt").symlink_to("/dev/null")


DAMAGE = {
    "a bit of weights": lambda folder: flip(folder / "model.safetensors"),
    "a bit of a configuration": lambda folder: flip(folder / "sentence_bert_config.json"),
    "lost": lambda folder: (folder / "sentence_bert_config.json").unlink(),
    "truncated": lambda folder: os.truncate(folder / "model.safetensors", 100),
    "empty": lambda folder: (folder / "1" / "config.json").write_bytes(b""),
    "swapped": swap,
    "a folder in its place": lambda folder: remake(folder / "1" / "config.json"),
    "another link": relink,
    "a bit of the list": lambda folder: flip(folder.with_name(f"{folder.name}.files.json")),
    "the list is gone": lambda folder: folder.with_name(f"{folder.name}.files.json").unlink(),
    "the list is of another": lambda folder: shutil.copy(
        built_folder("other", lambda draft: (draft / "a").write_text("x")).with_name("other.files.json"),
        folder.with_name(f"{folder.name}.files.json"),
    ),
    "added": lambda folder: (folder / "modules.json").write_text("[]"),
    "the folder is gone": shutil.rmtree,
}  # fmt: skip


@pytest.fixture
def built():
    built_root().mkdir(parents=True)
    (built_root().parent / "elsewhere.txt").write_text("x")
    return built_folder("m", build)


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_said_and_healed(built, damage, caplog):
    whole = content(built)
    DAMAGE[damage](built)
    with caplog.at_level(logging.WARNING):
        assert built_folder("m", build) == built
    assert content(built) == whole
    # A lost folder or list is no damage: what an earlier version built has no list.
    assert ("damaged" in caplog.text) == ("gone" not in damage)


def test_a_later_process_sees_a_bit_that_flipped_without_a_trace(built, monkeypatch, caplog):
    # A medium that fails changes no time: as if what this process knows of the file were of now.
    assert built_folder("m", build) == built
    flip(built / "model.safetensors")
    monkeypatch.setattr(cache, "_hashed", {})
    monkeypatch.setattr(cache, "_MEMO_BYTES", 0)
    memo = {str(built / "model.safetensors"): [*cache._stamp((built / "model.safetensors").stat()), "0" * 64]}
    cache.write_sealed(cache.cache_root() / "digests.json", memo)
    assert built_folder("m", build) == built
    assert (built / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert "model.safetensors" in caplog.text


def test_what_is_whole_is_neither_built_nor_hashed_twice(built, monkeypatch):
    monkeypatch.setattr(cache, "_SETTLED_NS", 0)
    read = []
    monkeypatch.setattr(cache, "digest_file", lambda path, _: read.append(path.name) or "0")
    (built_root() / "m.files.json").unlink()
    manifest.write_manifest(built, built_root() / "m.files.json")
    for _ in range(3):
        assert built_folder("m", lambda _: pytest.fail("built again")) == built
    assert sorted(read) == ["config.json", "model.safetensors", "sentence_bert_config.json"]


def test_a_probe_trusts_the_process_that_started_it(built, monkeypatch):
    monkeypatch.setattr(manifest, "_trusted", [])
    manifest.trust_parent()
    flip(built / "model.safetensors")
    assert built_folder("m", lambda _: pytest.fail("built again")) == built


def test_a_build_that_fails_keeps_nothing(built):
    def broken(draft):
        (draft / "x").write_text("x")
        raise OSError(28, "No space left on device")

    (built / "model.safetensors").write_bytes(b"")
    with pytest.raises(Exception, match="No space left"):
        built_folder("m", broken)
    assert not list(built_root().glob("*.unfinished"))
    assert built_folder("m", build) == built
    assert content(built)["model.safetensors"] == FILES["model.safetensors"]


@pytest.mark.parametrize("damage", ["digit", "cut", "not JSON", "of another kind"])
def test_remembered_digests_that_are_damaged_are_forgotten(tmp_path, monkeypatch, damage):
    import hashlib

    monkeypatch.setattr(cache, "_MEMO_BYTES", 0)
    monkeypatch.setattr(cache, "_SETTLED_NS", 0)
    monkeypatch.setattr(cache, "_hashed", {})
    path, memo = tmp_path / "x", cache.cache_root() / "digests.json"
    path.write_bytes(b"abc")
    expected = hashlib.sha256(b"abc").hexdigest()
    assert sha256_of(path) == expected
    text = memo.read_text()
    assert expected in text
    changed = expected[:-1] + ("1" if expected[-1] == "0" else "0")
    memo.write_text(
        {"digit": text.replace(expected, changed), "cut": text[:40], "not JSON": "\0", "of another kind": "[]"}[damage]
    )
    assert sha256_of(path) == sha256_in_full(path) == expected
