from __future__ import annotations

import errno
import json
import os
import shutil
import signal

import pytest
from support import made_record

from bench.errors import BenchError
from bench.training.checkpoints import drop_damaged, last_checkpoint, list_files, mark_whole
from bench.training.identity import models_root
from bench.training.inventory import delete_model, delete_training, made_models, unfinished_trainings
from bench.training.make import make
from bench.training.record import RECORD
from bench.training.store import name_file, training_lock, unfinished_root

FIRST, SECOND = "1" * 32, "2" * 32


def put_model(identity, name="mini", text=None):
    folder = models_root() / identity
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_bytes(b"x" * 1000)
    (folder / RECORD).write_text(json.dumps(made_record(name=name)) if text is None else text)
    return folder


def put_training(identity, steps=(), half=(), name=None):
    folder = unfinished_root() / identity
    folder.mkdir(parents=True)
    for step in (*steps, *half):
        (folder / f"checkpoint-{step}").mkdir()
        (folder / f"checkpoint-{step}" / "weights").write_bytes(b"x" * 100)
    for step in steps:
        mark_whole(folder, step)
    if name is not None:
        name_file(identity).write_text(f"{name}\n")
    return folder


def test_an_empty_store():
    assert (made_models(), unfinished_trainings()) == ([], [])


def test_what_is_in_the_store():
    put_model(SECOND, "alpha")
    broken = put_model(FIRST, text="{")
    put_training("3" * 32, steps=[9, 10], half=[11], name="beta")
    put_training("4" * 32)
    first, second = made_models()
    assert (first.identity, first.record, first.name) == (FIRST, None, "")
    assert first.bytes == 1000 + (broken / RECORD).stat().st_size
    assert (second.identity, second.name, second.record.steps) == (SECOND, "alpha", 5)
    unnamed, named = unfinished_trainings()
    assert (unnamed.name, unnamed.step, unnamed.going_on, unnamed.bytes) == ("", None, False, 0)
    assert (named.name, named.step, named.identity, named.bytes) == ("beta", 10, "3" * 32, 300)


@pytest.mark.parametrize("steps", [[], [5], [9, 10, 100]])
def test_the_last_checkpoint_is_the_one_of_the_highest_step(steps):
    folder = put_training(FIRST, steps=steps, half=[1000])
    (folder / "checkpoint-mine").mkdir()
    (folder / "checkpoint-mine" / "whole").touch()
    expected = (steps[-1], folder / f"checkpoint-{steps[-1]}") if steps else None
    assert last_checkpoint(folder) == expected


def test_a_deleted_model_is_gone_and_the_others_stay():
    put_model(FIRST)
    kept = put_model(SECOND)
    (first, _) = made_models()
    assert delete_model(first)
    assert [model.identity for model in made_models()] == [SECOND]
    assert unfinished_trainings() == []
    assert (kept / "model" / "weights").exists()


def test_a_deleted_training_leaves_no_name():
    put_training(FIRST, steps=[1], name="beta")
    [training] = unfinished_trainings()
    assert delete_training(training)
    assert unfinished_trainings() == []
    assert not name_file(FIRST).exists()


def test_what_a_process_is_training_stays():
    folder, made = put_training(FIRST, steps=[1], name="beta"), put_model(FIRST)
    with training_lock(FIRST):
        [training] = unfinished_trainings()
        assert training.going_on
        assert not delete_training(training)
        assert not delete_model(made_models()[0])
    assert last_checkpoint(folder)[0] == 1
    assert (made / RECORD).exists()
    [training] = unfinished_trainings()
    assert not training.going_on
    assert delete_training(training)


def test_a_deletion_that_was_cut_short_is_ended_by_the_next(monkeypatch):
    put_model(FIRST)

    def cut(_, ignore_errors=False):
        if not ignore_errors:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", cut)
        with pytest.raises(BenchError, match="Input/output error"):
            delete_model(made_models()[0])
    # No half of a model goes by its hash.
    assert made_models() == []
    [left] = unfinished_trainings()
    assert left.identity == FIRST
    put_model(FIRST)
    assert delete_model(made_models()[0])
    assert unfinished_trainings() == []


def test_a_folder_that_cannot_be_read(monkeypatch):
    models_root().parent.mkdir(exist_ok=True)
    models_root().write_text("a file")
    with pytest.raises(BenchError, match="cannot read"):
        made_models()


class Interrupting:
    """A listener that presses Ctrl-C after the first step, once."""

    def __init__(self):
        self.pressed = False

    def training(self, *_):
        if not self.pressed:
            self.pressed = True
            os.kill(os.getpid(), signal.SIGINT)

    def judged(self, *_): ...
    def made(self, *_): ...
    def preparing(self, *_): ...
    def counted(self, *_): ...
    def starting(self, *_): ...
    def resuming(self, *_): ...
    def waiting(self, *_): ...


def test_a_training_is_listed_until_it_has_made_its_model(workshop):
    prepared, listener = workshop.prepared(), Interrupting()
    with pytest.raises(KeyboardInterrupt):
        make(prepared, workshop.find, (), listener, "cpu")
    [training] = unfinished_trainings()
    assert (training.name, training.identity, training.going_on) == ("made", prepared.identity, False)
    assert training.step in {1, 2}
    assert training.bytes > 0
    make(prepared, workshop.find, (), listener, "cpu")
    assert unfinished_trainings() == []
    [model] = made_models()
    assert (model.name, model.record.identity) == ("made", prepared.identity)
    assert delete_model(model)
    assert not prepared.is_made
    assert [path.suffix for path in unfinished_root().iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["weights.bin", "files.json"])
def test_damaged_checkpoints_are_not_gone_on_from(tmp_path, name, caplog):
    for step in (3, 6):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "weights.bin").write_bytes(b"abc" * step)
        mark_whole(tmp_path, step)
        list_files(tmp_path, step)
    drop_damaged(tmp_path)
    assert last_checkpoint(tmp_path)[0] == 6
    held = bytearray((tmp_path / "checkpoint-6" / name).read_bytes())
    held[len(held) // 2] ^= 1
    (tmp_path / "checkpoint-6" / name).write_bytes(held)
    drop_damaged(tmp_path)
    assert last_checkpoint(tmp_path)[0] == 3
    assert not (tmp_path / "checkpoint-6").exists()
    assert f"damaged: {name}" in caplog.text
