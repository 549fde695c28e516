from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.cache import cache_root
from bench.cli import run_cli
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore
from bench.tasks.catalog import read_card

REGISTRY = """
defaults: {truncate_dims: [32, 8], precisions: [float32, int8]}
models:
  - {name: tiny, source: ./tiny}
  - name: tuned
    kind: fine-tuned
    device: cpu
    recipe: {base: tiny, data: faq, batch_size: 4, max_seq_length: 16, learning_rate: 1.0e-3, folds: true}
  - name: by-hand
    kind: fine-tuned
    device: cpu
    recipe: {base: tiny, data: {task: faq, split: without-fold-2}, batch_size: 4, max_seq_length: 16}
  - name: on-all
    kind: fine-tuned
    device: cpu
    recipe: {base: tiny, data: {task: faq, split: test}, batch_size: 4, max_seq_length: 16}
  - name: nowhere
    kind: fine-tuned
    recipe: {base: tiny, data: plain, folds: true}
  - name: on-top
    kind: fine-tuned
    recipe: {base: tuned, data: faq}
"""
FOLDS = ["fold-1", "fold-2", "fold-3"]


@pytest.fixture
def project(tmp_path, tiny_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "red blue pipe saw lamp door nail wire hinge valve".split()
    rows = [
        {
            "question": f"how to mend the {words[n % 10]} {n // 4}",
            "answer": f"take the {words[n % 10]} and {words[n % 7]}",
        }
        for n in range(24)
    ]
    # The same question in another writing is in the same fold.
    rows += [{**row, "question": row["question"].upper()} for row in rows[:3]]
    with Path("faq.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run_cli(["tasks", "add", "faq.csv", "--name", "faq", "--folds", "3"]) == 0
    assert run_cli(["tasks", "add", "faq.csv", "--name", "plain"]) == 0
    Path("models.yaml").write_text(REGISTRY)
    return tmp_path


def printed(capsys) -> str:
    """What was printed, whatever the width of the terminal."""
    caught = capsys.readouterr()
    return " ".join((caught.out + caught.err).split())


def run(*options: str, models: str = "tiny,tuned", status: int = 0) -> None:
    assert run_cli(["run", "--model", models, "--tasks", "faq", "--no-cost", *options]) == status


def index() -> ResultIndex:
    return ResultIndex(ResultStore(Path("results")).records())


def cells(model: str, split: str = "test") -> dict:
    """The current cells of a model on a split, by view."""
    return {
        view: cell
        for unit, current in index().current.items()
        for view, cell in current.cells.get(model, {}).items()
        if unit[1] == split
    }


def by_query(cell, metric: str) -> dict[str, float]:
    return ItemReader().column(cell, metric)


def _check_rerun(capsys) -> None:
    """What is done is not done again, and --force pools again."""
    before = sorted(Path("results").rglob("*.json"))
    run()
    assert "up to date" in printed(capsys)
    assert sorted(Path("results").rglob("*.json")) == before
    first = next(iter(cells("tuned").values())).record.created
    run("--force", models="tuned")
    assert all(cell.record.created > first for cell in cells("tuned").values())


def test_every_query_is_scored_once_by_a_model_that_has_not_seen_it(project, capsys):
    run()
    said = printed(capsys)
    assert "tuned: 3 models, each scored on the fold of faq that it was not trained on" in said
    records = sorted(json.loads(path.read_text())["name"] for path in cache_root().glob("models/*/recipe.json"))
    assert records == [f"tuned without-{fold}" for fold in FOLDS]

    task = read_card(Path("tasks/faq.yaml"))
    [whole] = task.units()
    pooled = cells("tuned")
    assert len(pooled) == 4
    for view, cell in pooled.items():
        parts = [cells(f"tuned without-{fold}", fold)[view] for fold in FOLDS]
        # By hand: the queries of each fold are those of its own model, and the mean is over all of them.
        for metric in ("ndcg_at_10", "recall_at_10", "mrr_at_10"):
            expected: dict[str, float] = {}
            for fold, part in zip(FOLDS, parts, strict=True):
                found = by_query(part, metric)
                assert set(found) == set(whole.other(fold).data.query_ids)
                assert not set(found) & set(expected)
                expected |= found
            assert by_query(cell, metric) == expected
            mean = sum(expected.values()) / whole.data.n
            assert cell.scores.metrics[metric].value == pytest.approx(mean, abs=1e-12)
        assert cell.scores.folds == pytest.approx(
            {fold: part.scores.metrics["ndcg_at_10"].value for fold, part in zip(FOLDS, parts, strict=True)}
        )
        assert cell.record.pooled == [part.record.model.fingerprint for part in parts]
        items = ItemReader().read(cell)
        assert len(items.ids) == 27
        assert items.clusters.max() + 1 == 24

    _check_rerun(capsys)

    # Of a model that has seen none of it the pooled score is the score, and its folds are parts of it.
    for cell in cells("tiny").values():
        assert cell.record.pooled == []
        values = by_query(cell, "ndcg_at_10")
        folds = {fold: whole.other(fold).data.query_ids for fold in FOLDS}
        assert cell.scores.folds == pytest.approx(
            {fold: np.mean([values[name] for name in names]) for fold, names in folds.items()}
        )


def test_other_folds_are_other_models(project):
    run(models="tuned")
    first = cells("tuned")
    card = Path("tasks/faq.yaml")
    card.write_text(card.read_text().replace("seed: 0", "seed: 5"))
    run(models="tuned")
    second = cells("tuned")
    assert {cell.record.model.fingerprint for cell in first.values()} != {
        cell.record.model.fingerprint for cell in second.values()
    }
    frame = bench.load_results("results")
    frame = frame[(frame.model == "tuned") & (frame.metric == "ndcg_at_10")]
    assert list(frame.superseded.value_counts().sort_index()) == [4, 4]
    assert set(frame.detail) == {"folds=3"}


def test_reports_and_comparisons_use_the_pooled_row(project, capsys):
    run()
    said = printed(capsys)
    assert "fine-tuned, pooled over 3 folds" in said or "faq (test)" in said
    assert "faq (fold-1)" not in said
    assert run_cli(["report"]) == 0
    page = Path("reports/tasks/faq.md").read_text()
    assert "fine-tuned, pooled over 3 folds" in page
    scores = cells("tuned")[next(iter(cells("tuned")))].scores
    full = max(cells("tuned").values(), key=lambda cell: (cell.scores.truncate_dim, cell.scores.precision == "float32"))
    least, most = min(full.scores.folds.values()), max(full.scores.folds.values())
    assert scores.folds.keys() == set(FOLDS)
    assert "tuned: pooled over 3 folds, each query scored by a model that was trained without its fold; " in page
    assert f"from {least:.4f}" in page and f"to {most:.4f}" in page
    assert "tiny: from " in page
    pages = "".join(path.read_text() for path in Path("reports").rglob("*.md"))
    assert "without-fold-1" not in pages
    assert "pooled over 3 folds" in Path("reports/leaderboard.md").read_text()
    assert "fine-tuned, pooled over 3 folds" in Path("reports/index.html").read_text()
    capsys.readouterr()
    assert run_cli(["compare", "tiny", "tuned", "--task", "faq"]) == 0
    assert "27" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["by-hand", "on-all"])
def test_a_model_is_not_scored_on_queries_that_it_has_seen(project, model, capsys):
    run(models=model, status=1)
    assert "which faq (test) tests on" in printed(capsys)
    assert cells(model) == {}


def test_a_model_of_one_fold_can_be_scored_on_it(project):
    card = Path("tasks/faq.yaml")
    card.write_text(card.read_text().replace("path:", "splits: [fold-2]\npath:"))
    run(models="by-hand")
    assert len(cells("by-hand", "fold-2")) == 4
    card.write_text(card.read_text().replace("fold-2", "fold-3"))
    run(models="by-hand", status=1)
    assert cells("by-hand", "fold-3") == {}


def test_without_one_fold_nothing_is_pooled(project, monkeypatch, capsys):
    from bench.runner import _Run

    real = _Run.quality

    def broken(self, job):
        if job.unit.split == "fold-2":
            raise ValueError("no luck")
        return real(self, job)

    monkeypatch.setattr(_Run, "quality", broken)
    run(models="tuned", status=1)
    assert "none in fold-2" in printed(capsys)
    assert cells("tuned") == {}


def test_other_tasks_are_left_out_with_a_line(project, capsys):
    assert run_cli(["run", "--model", "tuned", "--tasks", "plain", "--no-cost"]) == 0
    assert "tuned is trained for the folds of faq: no cell on plain" in printed(capsys)


def test_recipes_that_cannot_be_folded(project, capsys):
    run(models="nowhere", status=2)
    assert "goes with one task that has folds" in printed(capsys)
    run(models="on-top", status=2)
    assert "it is a model for each fold" in printed(capsys)


def test_train_makes_the_models_of_all_folds(project, capsys):
    assert run_cli(["train", "tuned", "--dry-run"]) == 0
    assert "faq (without-fold-2)" in capsys.readouterr().out
    assert run_cli(["train", "tuned"]) == 0
    made = sorted(cache_root().glob("models/*/audit.json"))
    assert len(made) == 3
    for path in made:
        [audit] = json.loads(path.read_text())
        assert audit["split"].startswith("fold-")
        counted = {finding["kind"]: finding["count"] for finding in audit["findings"]}
        assert counted["queries_in_training_normalised"] == 0
