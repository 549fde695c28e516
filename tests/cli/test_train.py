from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support import ROOT, random_beir, write_pairs

import bench
from bench.cache import cache_root
from bench.cli import run_cli

REGISTRY = """
defaults: {truncate_dims: [32, 8]}
tasks: [shop]
models:
  - {name: tiny, source: ./tiny}
  - name: tuned
    kind: fine-tuned
    device: cpu
    recipe: {base: tiny, data: {task: shop, split: train}, batch_size: 8, max_seq_length: 16}
  - name: nested
    kind: mrl
    device: cpu
    recipe: {base: tuned, data: shop, batch_size: 8, max_seq_length: 16, matryoshka: {dims: [32, 8]}}
  - name: leaking
    kind: fine-tuned
    device: cpu
    recipe: {base: tiny, data: {task: shop, split: test}, batch_size: 8}
  - name: broken
    kind: fine-tuned
    recipe: {base: tiny, data: nowhere}
"""


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    shop = random_beir(tmp_path / "tasks" / "shop", queries=12)
    lines = (shop / "qrels" / "test.tsv").read_text().splitlines()
    for split, rows in (("train", lines[1:25]), ("test", lines[25:])):
        (shop / "qrels" / f"{split}.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
    (shop / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(REGISTRY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made():
    """Names of the models in the store."""
    return sorted(json.loads(path.read_text())["name"] for path in cache_root().glob("models/*/recipe.json"))


def test_a_dry_run_says_what_training_would_take(project, capsys):
    assert run_cli(["train", "tuned", "nested", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "tuned: from tiny, recipe " in printed
    assert "shop (train): 24 rows (pairs), loss MultipleNegativesRanking" in printed
    assert re.search(r"3 steps of 8 rows, 1 epochs; about [\d,]+ s at [\d.]+ s a step", printed)
    assert "  shop (train): 24 of 24 rows in 3 batches\n" in printed
    assert "to be trained after tuned" in printed
    assert made() == []


def test_models_are_made_once_with_their_bases(project, capsys):
    assert run_cli(["train", "nested"]) == 0
    printed = capsys.readouterr().out
    said = [line.partition(",")[0] for line in printed.splitlines()]
    assert said == ["training tuned: 3 steps", "trained tuned", "training nested: 3 steps", "trained nested"]
    assert "training tuned: 3 steps, shop (train): 24 of 24 rows in 3 batches" in printed
    assert made() == ["nested", "tuned"]
    assert run_cli(["train", "tuned"]) == 0
    assert "tuned is up to date" in capsys.readouterr().out
    assert run_cli(["models"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert re.search(r"mrl +32 .* recipe [0-9a-f]{12}", rows["nested"])
    assert "bench" not in rows["nested"]
    assert "not here: model `leaking`: has not been trained yet" in rows["leaking"]
    assert "no task and no path `nowhere`" in rows["broken"]


def test_a_run_makes_what_is_missing(project, capsys):
    run = ["run", "--model", "tiny", "--model", "tuned", "--model", "nested", "--no-cost"]
    assert run_cli([*run, "--dry-run"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "tuned is to be trained: shop (train), 24 rows (pairs), MultipleNegativesRanking" in printed
    assert made() == []
    assert run_cli(run) == 0
    capsys.readouterr()
    frame = bench.load_results("results")
    kinds = frame[["model", "kind"]].drop_duplicates().itertuples(index=False)
    assert sorted(map(tuple, kinds)) == [("nested", "mrl"), ("tiny", "pretrained"), ("tuned", "fine-tuned")]
    assert run_cli(run) == 0
    assert "up to date" in capsys.readouterr().out
    # Another recipe is another model, whose results replace the old ones on leaderboards.
    (project / "models.yaml").write_text(
        REGISTRY.replace("split: train}, batch_size: 8", "split: train}, batch_size: 4")
    )
    assert run_cli(["run", "--model", "tuned", "--no-cost"]) == 0
    frame = bench.load_results("results")
    assert frame[frame["model"] == "tuned"].groupby("superseded")["model_fingerprint"].nunique().to_dict() == {
        False: 1,
        True: 1,
    }


def test_a_model_that_cannot_be_made_costs_the_others_nothing(project, capsys):
    names = ["tiny", "leaking", "broken"]
    assert run_cli(["run", *(word for name in names for word in ("--model", name)), "--no-cost"]) == 1
    printed = capsys.readouterr()
    assert "trains on shop (test), which shop (test) tests on" in " ".join(printed.err.split())
    assert "no task and no path `nowhere`" in printed.err
    assert set(bench.load_results("results")["model"]) == {"tiny"}
    assert made() == []


def test_a_leak_that_is_allowed_is_recorded_and_marked(project, capsys):
    path = project / "models.yaml"
    path.write_text(REGISTRY.replace("split: test}, batch_size: 8", "split: test}, batch_size: 8, allow_leakage: true"))
    assert run_cli(["run", "--model", "leaking", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "leaking‡" in printed
    assert "‡ may have been trained on what it is tested on" in printed
    [made_model] = [json.loads(path.read_text()) for path in cache_root().glob("models/*/recipe.json")]
    assert made_model["leakage_allowed"]


def test_a_run_on_other_tasks_may_use_a_model_that_was_trained_on_a_test(project):
    assert run_cli(["run", "--model", "leaking", "--tasks", "talk", "--no-cost"]) == 0
    assert made() == ["leaking"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tiny"], ["`tiny` has no recipe"]),
        (["tunned"], ["no model named `tunned`", "did you mean `tuned`?"]),
        (["tuned", "--device", "gpu"], ["unknown device `gpu`"]),
        (["broken"], ["no task and no path `nowhere`"]),
        (["tuned", "--models", "none.yaml"], ["no such file"]),
    ],
)
def test_wrong_usage(project, capsys, arguments, words):
    assert run_cli(["train", *arguments]) == 2
    printed = capsys.readouterr().err
    for word in words:
        assert word in printed


def test_leaking_is_refused_before_training(project, capsys):
    for extra in ([], ["--dry-run"]):
        assert run_cli(["train", "leaking", *extra]) == 1
        assert "allow_leakage: true" in capsys.readouterr().err
    assert made() == []


def start(command, environment):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_goes_on(project):
    slow = REGISTRY.replace("split: train}, batch_size: 8", "split: train}, epochs: 100000, batch_size: 8")
    (project / "models.yaml").write_text(slow)
    command = [sys.executable, "-m", "bench", "train", "tuned"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = start(command, environment)
    unfinished = cache_root() / "models" / "unfinished"
    # The folder of checkpoints is made when training starts; from then on Ctrl-C lets a step be finished.
    while process.poll() is None and not any(path.is_dir() for path in unfinished.glob("*")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130, (out, err)
    assert "run the same command again" in err
    assert "Traceback" not in err
    [checkpoint] = unfinished.glob("*/checkpoint-*/whole")
    step = int(checkpoint.parent.name.rpartition("-")[2])
    process = start(command, environment)
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=600)
    assert f"going on with tuned at step {step:,} of 300,000" in line
