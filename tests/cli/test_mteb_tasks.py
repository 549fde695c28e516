"""Tasks of mteb from the command line, their data in a cache of the Hub, offline."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mteb_folders import TASKS

from bench import load_results
from bench.cli import run_cli
from bench.files import safe_name
from bench.models.loaded.inspection import TRIAL_TEXTS
from bench.tasks.mteb_bridge import definition, expand

# One of each type; the last two are scored by bench itself, all others by mteb's evaluator.
TYPES = {
    "Banking77Classification": "Classification",
    "TwentyNewsgroupsClustering.v2": "Clustering",
    "SprintDuplicateQuestions": "PairClassification",
    "AskUbuntuDupQuestions": "Reranking",
    "BUCC.v2": "BitextMining",
    "SummEvalSummarization.v2": "Summarization",
    "SciFact": None,
    "STSBenchmark": None,
}


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """A cache of the Hub."""
    from huggingface_hub import constants

    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def download(hub: Path, name: str) -> None:
    """Put a task's small data set where huggingface_hub keeps what it has downloaded."""
    wanted = definition(name)
    folder = hub / f"datasets--{wanted.dataset.replace('/', '--')}" / "snapshots" / str(wanted.revision)
    folder.mkdir(parents=True)
    TASKS[name][0](folder)


@pytest.fixture
def embedded(monkeypatch) -> Counter[str]:
    """How often each text is given to the model."""
    from bench.models.encoder import SentenceEncoder

    counts: Counter[str] = Counter()
    embed = SentenceEncoder.embed

    def counting(self, texts, context):
        counts.update(context.prompt + text for text in texts)
        return embed(self, texts, context)

    monkeypatch.setattr(SentenceEncoder, "embed", counting)
    return counts


@pytest.fixture
def workplace(tmp_path, monkeypatch, tiny_model) -> Path:
    (tmp_path / "models.yaml").write_text("models:\n- {name: tiny, source: ./tiny, truncate_dims: [32, 16, 8, 4]}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_many_types_at_many_dims_are_encoded_once(workplace, hub, embedded, capsys):
    for name in TYPES:
        download(hub, name)
    tasks = ",".join(f"mteb:{name}" for name in TYPES)
    assert run_cli(["run", "--tasks", tasks, "--subsets", "fr-en", "--no-cost"]) == 0, capsys.readouterr().err
    assert max(count for text, count in embedded.items() if text not in TRIAL_TEXTS) == 1
    frame = load_results("results")
    main = {name: definition(name).main_metric for name in TYPES}
    # A task that a shipped card stands for goes by the card's name.
    cards = {"SciFact": "scifact", "STSBenchmark": "stsb"}
    for name, metric in main.items():
        rows = frame[(frame.task == cards.get(name, f"mteb:{name}")) & (frame.metric == metric) & (frame.control == "")]
        assert sorted(rows.truncate_dim) == [4, 8, 16, 32], name
        assert rows.value.nunique() > 1, name
    embedded.clear()
    capsys.readouterr()
    assert run_cli(["run", "--tasks", tasks, "--subsets", "fr-en", "--no-cost"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert embedded == Counter()
    assert run_cli(["report"]) == 0
    for name, metric in main.items():
        title = cards.get(name, f"mteb:{name}")
        page = Path(f"reports/tasks/{safe_name(title)}.md").read_text()
        assert page.startswith(f"# {title}\n")
        assert metric in page


def test_the_record_says_what_the_task_is(workplace, hub):
    download(hub, "Banking77Classification")
    assert run_cli(["run", "--tasks", "mteb:Banking77Classification", "--truncate-dims", "8"]) == 0
    import json

    [path] = Path("results/quality").rglob("*.json")
    task = json.loads(path.read_text())["task"]
    wanted = definition("Banking77Classification")
    found = {key: task[key] for key in ("type", "mteb", "mteb_type", "main_metric", "dataset", "revision", "n")}
    assert found == {
        "type": "mteb",
        "mteb": "Banking77Classification",
        "mteb_type": "Classification",
        "main_metric": "accuracy",
        "dataset": wanted.dataset,
        "revision": wanted.revision,
        "n": 40,
    }
    # Cost is not measured on what mteb scores, even where it was asked for.
    assert not Path("results/cost").exists()


def test_a_benchmark_is_its_tasks_and_what_is_missing_stops_nothing(workplace, hub, capsys):
    name = "MTEB(eng, v2)"
    parts = [part.name for part in expand(name)]
    assert "Banking77Classification" in parts
    download(hub, "Banking77Classification")
    assert run_cli(["run", "--tasks", f"mteb:{name}", "--no-cost", "--truncate-dims", "8"]) == 1
    frame = load_results("results")
    assert set(frame.task) == {"mteb:Banking77Classification"}
    told = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("all models") for line in told) == len(parts) - 1


def test_an_unknown_name(workplace, capsys):
    assert run_cli(["run", "--tasks", "mteb:Banking77Clasification"]) == 2
    told = capsys.readouterr().err
    assert "has no task or benchmark `Banking77Clasification`" in told
    assert "did you mean `Banking77Classification`?" in told
