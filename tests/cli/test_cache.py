from __future__ import annotations

import json
import re

import pytest
from support import made_record

from bench.cache import cache_root
from bench.cli import run_cli
from bench.training.identity import models_root
from bench.training.inventory import made_models, unfinished_trainings
from bench.training.store import name_file, training_lock, unfinished_root
from bench.vectors.store import store_root

TUNED, NESTED, BROKEN, HALF = "aa1" + "0" * 29, "aa2" + "0" * 29, "bb1" + "0" * 29, "cc1" + "0" * 29


def put(folder, size):
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"x" * size)
    return folder


@pytest.fixture
def store():
    """A vector space, two models, one whose record is broken, and two unfinished trainings."""
    put(store_root(cache_root()) / ("ee" * 16), 0).joinpath("chunk.arrow").write_bytes(b"x" * 300_000)
    for identity, name in ((TUNED, "tuned"), (NESTED, "nested")):
        record = made_record(name=name, kind="mrl", steps=12_345, device="cuda:0", created="2026-03-04T05:06:07+00:00")
        (put(models_root() / identity, 2_000_000) / "recipe.json").write_text(json.dumps(record))
    (put(models_root() / BROKEN, 1_000_000) / "recipe.json").write_text("{")
    put(unfinished_root() / HALF, 500_000)
    name_file(HALF).write_text("halfway\n")
    put(unfinished_root() / "dd1", 100_000)


def in_store():
    return sorted(model.identity for model in made_models())


def vectors():
    return list(store_root(cache_root()).glob("*/*.arrow"))


def test_the_cache_shows_models_and_unfinished_trainings(store, capsys):
    with training_lock("dd1"):
        assert run_cli(["cache"]) == 0
    printed = capsys.readouterr().out
    assert "0.3 MB in 1 vector spaces" in printed
    assert "5.6 MB in 3 made models, 2 unfinished trainings" in printed
    rows = {line.split()[0]: re.split(r"  +", line.strip()) for line in printed.splitlines() if line.strip()}
    created = "2026-03-04T05:06:07+00:00"
    assert rows["tuned"] == ["tuned", "mrl", TUNED[:12], created, "cuda:0", "12,345", "2.0"]
    assert rows["recipe.json"] == ["recipe.json is broken", BROKEN[:12], "1.0"]
    assert rows["halfway"] == ["halfway", HALF[:12], "no checkpoint", "0.5"]
    assert rows["?"] == ["?", "dd1", "no checkpoint, going on", "0.1"]


def test_without_options_only_vectors_are_deleted(store, capsys):
    assert run_cli(["cache", "clear"]) == 0
    assert capsys.readouterr().out == "deleted 0.3 MB in 1 vector spaces\n"
    assert vectors() == []
    assert (len(in_store()), len(unfinished_trainings())) == (3, 2)


@pytest.mark.parametrize(
    ("arguments", "said", "models", "unfinished"),
    [
        (["--models"], "deleted 5.0 MB in 3 made models", [], 2),
        (["--model", "aa1"], "deleted 2.0 MB in 1 made models", [NESTED, BROKEN], 2),
        (["--model", f"{NESTED},bb"], "deleted 3.0 MB in 2 made models", [TUNED], 2),
        (["--unfinished"], "deleted 0.6 MB in 2 unfinished trainings", [TUNED, NESTED, BROKEN], 0),
        (["--models", "--unfinished"], "deleted 0.6 MB in 2 unfinished trainings", [], 0),
    ],
)
def test_only_what_is_named_is_deleted(store, capsys, arguments, said, models, unfinished):
    assert run_cli(["cache", "clear", *arguments]) == 0
    assert re.sub(r"\.0\d MB", ".0 MB", capsys.readouterr().out).splitlines()[-1] == said
    assert (in_store(), len(unfinished_trainings())) == (models, unfinished)
    assert len(vectors()) == 1


def test_vectors_and_models_are_deleted_together_when_both_are_named(store):
    assert run_cli(["cache", "clear", "--space", "ee", "--model", "aa1"]) == 0
    assert (vectors(), in_store()) == ([], [NESTED, BROKEN])


def test_what_a_process_is_training_stays(store, capsys):
    with training_lock(HALF), training_lock(TUNED):
        assert run_cli(["cache", "clear", "--models", "--unfinished"]) == 0
    printed = capsys.readouterr().out
    assert "  kept halfway: a process is training it" in printed
    assert "  kept tuned: a process is training it" in printed
    assert in_store() == [TUNED]
    assert [training.identity for training in unfinished_trainings()] == [HALF]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "aa"], ["2 made models have a hash that starts with `aa`", "more digits"]),
        (["--model", "ff"], ["no made model has the hash `ff`", "`bench cache` lists them"]),
        (["--model", "tuned"], ["no made model has the hash `tuned`", TUNED[:12]]),
        (["--model", "aa1", "--model", "ff"], ["no made model has the hash `ff`"]),
        (["--model", ""], ["empty value"]),
        (["--space", ""], ["empty value"]),
        (["--model", "aa1", "--models"], ["give one of the two"]),
        (["--space", "ff", "--models"], ["no vector space `ff`"]),
    ],
)
def test_wrong_names_delete_nothing(store, capsys, arguments, words):
    assert run_cli(["cache", "clear", *arguments]) == 2
    printed = capsys.readouterr().err
    for word in words:
        assert word in printed
    assert (len(in_store()), len(unfinished_trainings()), len(vectors())) == (3, 2, 1)
