from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from support import ROOT, random_beir, write_pairs

import bench
from bench.cli import run_cli

KEYS = ["model", "task", "split", "subset", "truncate_dim", "precision", "metric"]


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    """A folder with a registry of two models and two tasks, as a user would have it."""
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(
        "defaults:\n  truncate_dims: [32, 8]\n  precisions: [float32, int8, binary]\n"
        "tasks: [shop, talk]\n"
        "models:\n"
        "  - {name: tiny, source: ./tiny}\n"
        "  - {name: bm25, kind: baseline, source: bm25s}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame(results="results"):
    return bench.load_results(results)


def quality(results="results"):
    rows = frame(results)
    return rows[rows["n"] > 0].set_index(KEYS)["value"].sort_index()


def test_from_nothing_to_a_leaderboard(project, capsys):
    assert run_cli(["run", "--models", "models.yaml", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "plan" in printed
    assert "encoded tiny on shop: 38 texts" in printed
    assert "shop (test): ndcg_at_10, n = 8" in printed
    assert "results/quality/shop/tiny" in printed
    rows = frame()
    # 42 metrics on shop and 6 on talk at each of 6 views, and 42 of the baseline.
    assert len(rows) == 42 * 6 + 6 * 6 + 42
    assert set(rows[rows["model"] == "bm25"]["truncate_dim"].isna()) == {True}
    assert run_cli(["report"]) == 0
    first = Path("reports/leaderboard.md").read_bytes()
    assert run_cli(["report"]) == 0
    assert Path("reports/leaderboard.md").read_bytes() == first
    Path("reports/tasks/talk.md").unlink()
    capsys.readouterr()
    assert run_cli(["report", "--check"]) == 1
    assert "missing: reports/tasks/talk.md" in capsys.readouterr().out
    assert run_cli(["report"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "wrote reports/tasks/talk.md"
    assert run_cli(["report", "--check"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert run_cli(["run", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_a_dry_run_does_nothing(project, capsys):
    assert run_cli(["run", "--dry-run"]) == 0
    assert "to do" in capsys.readouterr().out
    assert not Path("results").exists()


def test_options_narrow_the_run(project):
    arguments = [
        "--model",
        "tiny",
        "--tasks",
        "shop",
        "--truncate-dims",
        "16,4",
        "--precisions",
        "float16",
        "--no-cost",
    ]
    assert run_cli(["run", *arguments]) == 0
    rows = frame()
    assert set(rows["truncate_dim"]) == {16, 4}
    assert set(rows["precision"]) == {"float16"}
    assert set(rows["task"]) == {"shop"}


def test_models_and_tasks_by_path_without_a_registry(tmp_path, tiny_model, monkeypatch):
    random_beir(tmp_path / "data" / "shop")
    monkeypatch.chdir(tmp_path)
    assert run_cli(["run", "--model", "./tiny", "--tasks", "data/shop", "--no-cost"]) == 0
    assert set(frame()["model"]) == {"./tiny"}
    assert set(frame()["truncate_dim"]) == {32}


def test_failures_end_in_a_table_and_status_1(project, capsys):
    (project / "tasks" / "shop" / "qrels" / "test.tsv").write_text("q0\tnowhere\t1\n")
    assert run_cli(["run", "--no-cost"]) == 1
    caught = capsys.readouterr()
    assert "nowhere" in caught.err
    assert set(frame()["task"]) == {"talk"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tasks", "shopp"], "did you mean `shop`"),
        (["--model", "tinny"], "did you mean `tiny`"),
        (["--truncate-dims", "0"], "positive whole number"),
        (["--truncate-dims", "64", "--model", "tiny"], "the model has 32"),
        (["--model", ""], "empty value"),
        (["--precisions", "int4"], "unknown precision `int4`"),
        (["--device", "tpu"], "unknown device `tpu`"),
        (["--models", "nowhere.yaml"], "no such file"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_is_status_2_with_a_hint(project, capsys, arguments, words):
    status = run_cli(["run", *arguments])
    assert words in " ".join(capsys.readouterr().err.split())
    assert status == 2


def test_an_unknown_device_of_the_machine_fails_that_model(project, capsys):
    assert run_cli(["run", "--device", "cuda:7", "--model", "tiny", "--no-cost"]) == 1
    assert "cuda:7" in capsys.readouterr().err


def test_a_results_folder_that_cannot_be_written_fails_before_any_work(project, capsys):
    Path("results").write_text("a file")
    assert run_cli(["run", "--no-cost"]) == 1
    caught = capsys.readouterr()
    assert "results" in caught.err
    assert "encoded" not in caught.out


def test_a_newer_result_is_refused(project, capsys):
    folder = Path("results/quality/shop")
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(json.dumps({"record": "quality", "schema_version": 99}))
    assert run_cli(["run", "--no-cost"]) == 1
    assert "schema 99" in capsys.readouterr().err


def start(project, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "run", "--no-cost", *arguments],
        cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def appears(folder, pattern):
    """Whether a file is there; folders may vanish while one looks."""
    try:
        return any(folder.rglob(pattern))
    except FileNotFoundError:
        return False


def test_kill_at_any_time_then_again_gives_the_same_results(project):
    random_beir(project / "tasks" / "shop", documents=300, queries=30)
    assert run_cli(["run", "--no-cost", "--results", "calm"]) == 0
    cache = project / "second-cache"
    os.environ["BENCH_CACHE"] = str(cache)
    # Killed before anything is there, while texts are encoded, and while results are written.
    for folder, pattern in ((project, "*"), (cache, "profile.json"), (project / "results", "*.parquet")):
        process = start(project)
        while process.poll() is None and not appears(folder, pattern):
            time.sleep(0.005)
        process.kill()
        process.wait()
        # Whatever is there can be read.
        if Path("results").exists():
            frame()
    assert run_cli(["run", "--no-cost"]) == 0
    pd.testing.assert_series_equal(quality("calm"), quality())


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(project):
    random_beir(project / "tasks" / "shop", documents=20_000, queries=30)
    process = start(project)
    # The profile is written when encoding starts, which then takes seconds.
    cache = Path(os.environ["BENCH_CACHE"])
    while not appears(cache, "profile.json") and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130, said
    assert "run the same command again" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("warm_probes")
def test_cost_is_measured_once_and_shown(project, capsys):
    assert run_cli(["run", "--tasks", "shop"]) == 0
    rows = frame()
    cost = rows[rows["environment"].notna() & rows["noisy"].notna()]
    tiny = cost[cost["model"] == "tiny"]
    # Not the percentiles: on a machine that is busy enough there are too few samples for them.
    of_model = tiny[tiny["truncate_dim"].isna() & (tiny["detail"] == "")]
    assert {
        "memory_load_mib", "encode_cold_ms", "encode_max_ms", "encode_tokenise_max_ms", "encode_forward_max_ms",
        "encode_texts_per_s", "encode_tokens_per_s", "encode_best_batch", "memory_encode_mib", "weights_bytes",
        "weights_file_bytes",
    } <= set(of_model["metric"])  # fmt: skip
    at_view = tiny[(tiny["truncate_dim"] == 8) & (tiny["precision"] == "int8") & (tiny["detail"] == "")]
    at_view = at_view.set_index("metric")["value"]
    assert {"search_p50_ms", "bytes_per_vector", "vectors_bytes", "index_bytes"} <= set(at_view.index)
    assert at_view["bytes_per_vector"] == 8
    assert (cost["value"] >= 0).all()
    assert set(cost["environment"]) == set(rows["environment"])
    capsys.readouterr()
    assert run_cli(["run", "--tasks", "shop"]) == 0
    printed = capsys.readouterr().out
    assert "up to date" in printed
    assert "search p50 ms" in printed


@pytest.mark.usefixtures("warm_probes")
def test_cost_after_the_cache_was_emptied_encodes_what_it_needs(project, capsys):
    assert run_cli(["run", "--tasks", "shop", "--model", "tiny", "--no-cost"]) == 0
    assert run_cli(["cache", "clear"]) == 0
    assert run_cli(["run", "--tasks", "shop", "--model", "tiny"]) == 0
    assert "search_p50_ms" in set(frame()["metric"])


@pytest.mark.usefixtures("warm_probes")
def test_a_failed_probe_fails_the_run_and_is_tried_again(project, capsys, monkeypatch):
    from bench.cost import schedule
    from bench.errors import BenchError

    good = schedule.run_probe

    def broken(module, job, threads=None):
        if "search" in module:
            raise BenchError("the probe process died (signal 9)")
        return good(module, job, threads)

    monkeypatch.setattr(schedule, "run_probe", broken)
    arguments = ["run", "--tasks", "shop", "--model", "tiny"]
    assert run_cli(arguments) == 1
    assert "signal 9" in capsys.readouterr().err
    assert "encode_p50_ms" in set(frame()["metric"])
    monkeypatch.setattr(schedule, "run_probe", good)
    assert run_cli(arguments) == 0
    assert "search_p50_ms" in set(frame()["metric"])
    # A narrower run later hides nothing.
    assert run_cli([*arguments, "--truncate-dims", "8"]) == 0
    searched = frame().query("metric == 'search_p50_ms'")
    assert set(searched["truncate_dim"]) == {32, 8}
    assert run_cli([*arguments, "--dry-run"]) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.usefixtures("warm_probes")
def test_another_device_setting_is_measured_anew(project, capsys):
    arguments = ["run", "--tasks", "shop", "--model", "tiny", "--truncate-dims", "8"]
    assert run_cli(arguments) == 0
    assert run_cli([*arguments, "--device", "cpu", "--dry-run"]) == 0
    assert "cost: new" in capsys.readouterr().out


def test_paths_in_the_registry_start_at_its_folder(project, tmp_path_factory, monkeypatch):
    random_beir(project / "data")
    registry = (project / "models.yaml").read_text().replace("tasks: [shop, talk]", "tasks: [./data, shop]")
    (project / "models.yaml").write_text(registry)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert run_cli(["run", "--models", str(project / "models.yaml"), "--model", "tiny", "--no-cost"]) == 0
    assert set(frame()["task"]) == {"data", "shop"}


def test_without_a_word_about_tasks_the_cards_at_hand_are_taken(project, capsys):
    registry = (project / "models.yaml").read_text().replace("tasks: [shop, talk]\n", "")
    (project / "models.yaml").write_text(registry)
    assert run_cli(["run", "--dry-run", "--no-cost"]) == 0
    printed = capsys.readouterr().out
    assert "shop" in printed
    assert "talk" in printed
    assert "hardware_store" not in printed
