from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, write_latency, write_quality
from support import ROOT, audit_record, make_model, random_beir

from bench.cli import gate_rerun, run_cli
from bench.environment import fingerprint
from bench.results.store import ResultStore


def git(folder, *arguments):
    settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always", "-c", "gc.auto=0"]
    subprocess.run(["git", "-C", str(folder), *settings, *arguments], capture_output=True, check=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder outside of any CI, with a baseline."""
    for name in [name for name in os.environ if name.startswith("GIT")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write_quality(tmp_path / "old", {FULL: before()}, created=BEFORE)
    return tmp_path


def before():
    return np.random.default_rng(0).uniform(0.4, 0.8, 120)


def worse(folder, by=0.2):
    write_quality(folder / "results", {FULL: before() * (1 - by)}, created=AFTER, fingerprint="e" * 32)


def unclear(folder):
    noise = np.random.default_rng(1).normal(0, 0.3, 120)
    after = before() - 0.01 - noise + noise.mean()
    write_quality(folder / "results", {FULL: after}, created=AFTER, fingerprint="e" * 32)


def test_the_committed_results_pass_beside_themselves(capsys):
    assert run_cli(["gate", "--baseline", str(ROOT / "results"), "--results", str(ROOT / "results")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("pass: ")


def test_exit_status_of_each_conclusion(folder, capsys):
    shutil.copytree("old", "results")
    assert run_cli(["gate", "--baseline", "old"]) == 0
    worse(folder)
    assert run_cli(["gate", "--baseline", "old"]) == 1
    assert "regressed" in capsys.readouterr().out
    shutil.rmtree("results")
    unclear(folder)
    assert run_cli(["gate", "--baseline", "old"]) == 0
    (folder / "gates.yaml").write_text("gates: [{name: a, max_drop: 0.01, underpowered: fail}]")
    assert run_cli(["gate", "--baseline", "old"]) == 3
    assert "would have shown" in capsys.readouterr().out
    shutil.rmtree("results")
    write_quality(folder / "results", {FULL: before()}, created=AFTER, data="c" * 32)
    assert run_cli(["gate", "--baseline", "old"]) == 3
    assert "not comparable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: [{name: a, max_dorp: 1}]", "did you mean `max_drop`?"),
        ("gates: []", "gates"),
        ("rules: []", "unknown key `rules`"),
        ("- a", "must be a mapping"),
    ],
)
def test_wrong_rules_are_wrong_usage(folder, capsys, text, message):
    (folder / "gates.yaml").write_text(text)
    assert run_cli(["gate", "--baseline", "old", "--results", "old"]) == 2
    assert message in capsys.readouterr().err
    (folder / "gates.yaml").rename("others.yaml")
    assert run_cli(["gate", "--baseline", "old", "--results", "old", "--gates", "others.yaml"]) == 2


def test_rules_of_another_encoding_are_wrong_usage(folder, capsys):
    (folder / "gates.yaml").write_bytes("gates: [{name: caf\xe9, max_drop: 0.01}]".encode("latin1"))
    assert run_cli(["gate", "--baseline", "old", "--results", "old"]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_results_without_scores_and_costs_are_no_pass(folder, capsys):
    ResultStore(folder / "audited").write_audit(audit_record([]))
    assert run_cli(["gate", "--baseline", "audited", "--results", "audited"]) == 3
    assert "no current scores and no costs" in capsys.readouterr().err


def test_files_that_cannot_be_written_neither_make_nor_hide_a_regression(folder, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    (folder / "taken").mkdir()
    assert run_cli(["gate", "--baseline", "old", "--results", "old", "--junit", "taken"]) == 3
    shown = capsys.readouterr()
    assert (shown.out.splitlines()[-1][:5], "taken: cannot write" in shown.err) == ("pass:", True)
    assert "bench gate: pass" in (folder / "summary.md").read_text()
    worse(folder)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "taken"))
    assert run_cli(["gate", "--baseline", "old", "--junit", "gate.xml"]) == 1
    assert "taken: cannot write" in capsys.readouterr().err
    assert b"<failure" in (folder / "gate.xml").read_bytes()


def test_a_reader_that_stops_reading_changes_no_status(folder):
    worse(folder)
    command = [sys.executable, "-m", "bench", "gate", "--baseline", "old", "--junit", "gate.xml"]
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")
    assert (folder / "gate.xml").exists()


def test_what_cannot_be_read_is_no_regression(folder, capsys):
    assert run_cli(["gate", "--baseline", "none", "--results", "old"]) == 3
    assert run_cli(["gate", "--baseline", "old", "--results", "none"]) == 3
    assert "bench run" in capsys.readouterr().err
    (folder / "empty").mkdir()
    assert run_cli(["gate", "--baseline", "empty", "--results", "old"]) == 3
    assert "no results in it" in capsys.readouterr().err
    path = next((folder / "old").rglob("*.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    assert run_cli(["gate", "--baseline", "old", "--results", "old"]) == 3
    assert "upgrade bench" in capsys.readouterr().err
    assert run_cli(["gate", "--baseline", "git:-x", "--results", "old"]) == 2


def test_a_baseline_in_git_is_read_without_touching_the_work_tree(folder, tmp_path_factory, capsys):
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "--initial-branch=main", "--quiet")
    shutil.copytree(folder / "old", root / "results")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "results")
    os.chdir(root)
    worse(root)
    changed = sorted(path.name for path in (root / "results").rglob("*"))
    assert run_cli(["gate", "--baseline", "git:main"]) == 1
    assert sorted(path.name for path in (root / "results").rglob("*")) == changed
    git(root, "commit", "--quiet", "--allow-empty", "--message", "later")
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth=1", root.as_uri(), "here")
    os.chdir(clone / "here")
    shutil.copytree(folder / "old", clone / "here" / "more")
    assert run_cli(["gate", "--baseline", "git:origin/main", "--results", "more"]) == 0
    capsys.readouterr()
    assert run_cli(["gate", "--baseline", "git:HEAD~1", "--results", "more"]) == 3
    assert "shallow" in capsys.readouterr().err


def test_ci_gets_a_summary_annotations_and_a_junit_file(folder, monkeypatch, capsys):
    worse(folder)
    summary = folder / "summary.md"
    summary.write_text("already here\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run_cli(["gate", "--baseline", "old", "--junit", "out/gate.xml"]) == 1
    assert "::error" not in capsys.readouterr().out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run_cli(["gate", "--baseline", "old", "--format", "json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["conclusion"] == "regressed"
    assert "::error title=bench gate%3A regressed::mini on shop (test)" in shown.err
    assert run_cli(["gate", "--baseline", "old"]) == 1
    assert "::error" in capsys.readouterr().out
    assert summary.read_text().startswith("already here\n## bench gate: regressed")
    assert summary.read_text().count("## bench gate") == 3
    assert b"<failure" in (folder / "out" / "gate.xml").read_bytes()


def test_the_same_inputs_give_the_same_bytes(folder, capsys):
    unclear(folder)
    outputs = set()
    for _ in range(2):
        run_cli(["gate", "--baseline", "old", "--format", "json"])
        outputs.add(capsys.readouterr().out)
    assert len(outputs) == 1


def test_one_rule_is_explained(folder, capsys):
    worse(folder)
    assert run_cli(["gate", "--baseline", "old", "--explain", "quality"]) == 1
    assert "<- limit -0.0100" in capsys.readouterr().out
    assert run_cli(["gate", "--baseline", "old", "--explain", "qualty"]) == 2
    assert "did you mean `quality`?" in capsys.readouterr().err


def test_markdown_is_what_the_summary_has(folder, capsys):
    worse(folder)
    assert run_cli(["gate", "--baseline", "old", "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("## bench gate: regressed\n")


def test_the_worst_queries_are_shown_with_their_texts(folder, capsys):
    make_model(folder / "tiny")
    random_beir(folder / "shop")
    assert run_cli(["run", "--model", "./tiny", "--tasks", "./shop", "--truncate-dims", "32", "--no-cost"]) == 0
    texts = [json.loads(line)["text"] for line in (folder / "shop" / "queries.jsonl").read_text().splitlines()]
    (folder / "gates.yaml").write_text("gates: [{name: a, min: 0.99}]")
    capsys.readouterr()
    assert run_cli(["gate", "--baseline", "results"]) == 1
    shown = capsys.readouterr().out
    assert all(text in shown for text in texts)
    shutil.rmtree("shop")
    assert run_cli(["gate", "--baseline", "results"]) == 1
    assert "no texts of shop" in capsys.readouterr().out


def test_noisy_costs_are_measured_once_more(folder, monkeypatch, capsys):
    random_beir(folder / "shop")
    (folder / "models.yaml").write_text("models: [{name: mini, source: ./tiny}, {name: other, source: ./tiny}]")
    (folder / "gates.yaml").write_text("gates: [{name: a, figure: search_p50_ms, max_increase: 20%}]")
    rng = np.random.default_rng(0)
    calls = [rng.lognormal(0, 0.05, 100) for _ in range(3)]
    here = {"environment": fingerprint()}
    write_latency(folder / "old", calls, created=BEFORE, **here)
    write_latency(folder / "results", calls, created=AFTER, noisy=True, **here)
    assert run_cli(["gate", "--baseline", "old"]) == 3
    asked = []

    def measure(entries, tasks, options, folders, costs, *, to):
        asked.append(([entry.name for entry in entries], [task.name for task in tasks], options, costs))
        write_latency(options.results, [2 * part for part in calls], created="2026-03-01T00:00:00+00:00", **here)
        return None, [], None

    monkeypatch.setattr(gate_rerun, "plan_and_execute", measure)
    capsys.readouterr()
    assert run_cli(["gate", "--baseline", "old", "--rerun-noisy", "--format", "json"]) == 1
    ((models, tasks, options, costs),) = asked
    assert (models, tasks) == (["mini"], ["shop"])
    assert (options.force, options.quality, options.probes, costs.probes) == (True, False, ("search",), ("search",))
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["verdict"], round(check["figure"], 3)) == ("regressed", 2.0)


def test_noise_of_another_machine_cannot_be_measured_again(folder, capsys):
    (folder / "gates.yaml").write_text("gates: [{name: a, figure: search_p50_ms, max_increase: 20%}]")
    write_latency(folder / "old", [[1.0] * 9] * 3, created=BEFORE)
    write_latency(folder / "results", [[1.0] * 9] * 3, created=AFTER, noisy=True)
    assert run_cli(["gate", "--baseline", "old", "--rerun-noisy"]) == 3
    assert "mini on shop was measured in env" in capsys.readouterr().out


def test_a_model_that_is_no_longer_declared_cannot_be_measured_again(folder, capsys):
    here = {"environment": fingerprint()}
    (folder / "models.yaml").write_text("models: [{name: other, source: ./tiny}]")
    (folder / "gates.yaml").write_text("gates: [{name: a, figure: search_p50_ms, max_increase: 20%}]")
    write_latency(folder / "old", [[1.0] * 9] * 3, created=BEFORE, **here)
    write_latency(folder / "results", [[1.0] * 9] * 3, created=AFTER, noisy=True, **here)
    assert run_cli(["gate", "--baseline", "old", "--rerun-noisy"]) == 3
    assert "mini on shop cannot be measured again: no model named `mini`" in capsys.readouterr().out
