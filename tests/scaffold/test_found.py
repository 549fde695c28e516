from __future__ import annotations

import json
import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from support import make_model, random_beir, write_jsonl, write_pairs, write_parquet

from bench import __version__
from bench.cli import run_cli
from bench.errors import BenchError, UsageError
from bench.models.registry_file import load_registry
from bench.scaffold import models, tasks
from bench.scaffold.models import find_models
from bench.scaffold.needs import extras_of, folders_of, packages_of, requirement
from bench.scaffold.plan import make_scaffold
from bench.scaffold.tasks import find_tasks

FAQ = [{"Question": "how?", "Answer": "so"}, {"Question": "why?", "Answer": "because"}]


@pytest.fixture
def alone(monkeypatch):
    """No installed package carries a model."""
    monkeypatch.setattr(models, "_packaged", lambda: iter(()))


def found(folder: Path) -> dict[str, dict]:
    return {str(task.content["name"]): task.content for task in find_tasks(folder).new}


def test_models_of_the_project_with_what_their_files_tell(alone, tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "models" / "second" / "tiny")
    shutil.copytree(tiny_model, tmp_path / "models" / "checkpoint-20")
    shutil.copytree(tiny_model, tmp_path / ".cache" / "tiny")
    (tmp_path / "env-3").mkdir()
    (tmp_path / "env-3" / "pyvenv.cfg").touch()
    shutil.copytree(tiny_model, tmp_path / "env-3" / "lib" / "tiny")
    assert find_models(tmp_path).entries == [
        {"name": "tiny", "kind": "pretrained", "source": "./models/second/tiny", "truncate_dims": [32, 16, 8]},
        {"name": "tiny-2", "kind": "pretrained", "source": "./tiny", "truncate_dims": [32, 16, 8]},
    ]


@pytest.mark.parametrize(
    ("card", "kind", "dims"),
    [
        ("---\ntags: [loss:MatryoshkaLoss, loss:CoSENTLoss]\n---\n", "mrl", [32, 16, 8]),
        ('---\ntags: [loss:MatryoshkaLoss]\n---\n```json\n{"matryoshka_dims": [\n 8,\n 32]}\n```\n', "mrl", [32, 8]),
        ("---\ntags: [matryoshka]\n---\n", "mrl", [32, 16, 8]),
        ("---\ntags: [generated_from_trainer]\n---\n", "fine-tuned", [32, 16, 8]),
        ("---\ntags: [loss:CoSENTLoss]\n---\n", "fine-tuned", [32, 16, 8]),
        ("---\ntags: 7\n---\n", "pretrained", [32, 16, 8]),
        ("---\n- [\n---\n", "pretrained", [32, 16, 8]),
        ("no metadata", "pretrained", [32, 16, 8]),
    ],
)
def test_the_kind_is_what_the_models_card_says(alone, tiny_model, tmp_path, card, kind, dims):
    (tiny_model / "README.md").write_text(card)
    (entry,) = find_models(tmp_path).entries
    assert (entry["kind"], entry["truncate_dims"]) == (kind, dims)


def test_the_width_is_that_of_the_last_module_that_changes_it(alone, tiny_model, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    loaded = SentenceTransformer(str(tiny_model), device="cpu")
    SentenceTransformer(modules=[*loaded, Dense(32, 20)], device="cpu").save(str(tmp_path / "wider"))
    entries = {entry["name"]: entry["truncate_dims"] for entry in find_models(tmp_path).entries}
    assert entries == {"tiny": [32, 16, 8], "wider": [20, 10, 5]}


def test_a_folder_without_weights_is_told_and_not_taken(alone, tiny_model, tmp_path):
    (tiny_model / "model.safetensors").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "modules.json").write_text('{"not": "modules"}')
    looked = find_models(tmp_path)
    assert [entry["name"] for entry in looked.entries] == ["all-MiniLM-L6-v2"]
    assert "model tiny is not taken" in looked.notes[0]
    assert "no weights" in looked.notes[0]
    assert "Hub" in looked.notes[1]


def test_packages_that_carry_a_model(tmp_path, monkeypatch):
    site = tmp_path / "site"
    make_model(site / "tiny_embeddings" / "data" / "tiny")
    (site / "tiny_embeddings" / "__init__.py").write_text("raise SystemExit('it was imported')")
    info = site / "tiny_embeddings-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-embeddings\nVersion: 1.5\n")
    names = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    monkeypatch.syspath_prepend(str(site))
    entries = {
        entry["name"]: entry for entry in find_models(tmp_path / "site" / "tiny_embeddings-1.5.dist-info").entries
    }
    assert entries["tiny-embeddings"] == {
        "name": "tiny-embeddings", "kind": "pretrained", "source": "package:tiny_embeddings",
        "truncate_dims": [32, 16, 8],
    }  # fmt: skip
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": [entries["tiny-embeddings"]]}))
    assert list(packages_of(load_registry(tmp_path / "models.yaml").models)) == ["tiny-embeddings==1.5"]


def test_data_that_looks_like_a_task(tmp_path):
    random_beir(tmp_path / "data" / "shop")
    write_jsonl(tmp_path / "data" / "faq.jsonl", FAQ)
    write_pairs(tmp_path / "data" / "pairs" / "dev.jsonl")
    write_jsonl(tmp_path / "data" / "pairs" / "other.jsonl", FAQ)
    (tmp_path / "test.json").write_text("{}")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    write_jsonl(tmp_path / os.fsdecode(b"\xff.jsonl"), FAQ)
    write_parquet(tmp_path / "deep" / "a b!.parquet", FAQ)
    write_jsonl(tmp_path / "sales.csv", [])
    (tmp_path / "sales.csv").write_text("month,sum\n1,2\n")
    (tmp_path / "package.json").write_text('{"name": "x"}')
    write_jsonl(tmp_path / "train.jsonl", FAQ)
    (tmp_path / "train_set.json").write_text(json.dumps(FAQ))
    (tmp_path / "faqs.json").write_text(json.dumps(FAQ))
    write_jsonl(tmp_path / "results" / "faq.jsonl", FAQ)
    write_jsonl(tmp_path / "node_modules" / "faq.jsonl", FAQ)
    contents = found(tmp_path)
    assert {name: (content["type"], content["path"]) for name, content in contents.items()} == {
        "shop": ("retrieval", "../data/shop"),
        "faq": ("retrieval", "../data/faq.jsonl"),
        "pairs": ("sts", "../data/pairs"),
        "faqs": ("retrieval", "../faqs.json"),
        "other": ("retrieval", "../data/pairs/other.jsonl"),
        "a_b_": ("retrieval", "../deep/a b!.parquet"),
    }
    assert find_tasks(tmp_path).notes == []


def test_a_card_is_the_one_that_bench_tasks_add_writes(tmp_path, monkeypatch):
    write_jsonl(tmp_path / "faq.jsonl", FAQ)
    monkeypatch.chdir(tmp_path)
    (task,) = find_tasks(tmp_path).new
    assert run_cli(["tasks", "add", "faq.jsonl", "--name", "faq"]) == 0
    assert task.text == (tmp_path / "tasks" / "faq.yaml").read_text()


def test_what_a_card_is_about_gets_no_other(tmp_path):
    write_jsonl(tmp_path / "faq.jsonl", FAQ)
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: store\ntype: retrieval\n")
    (tmp_path / "tasks" / "mine.yaml").write_text(
        "name: mine\ntype: retrieval\npath: ../faq.jsonl\ntable: {shape: qa, files: {test: faq.jsonl}}\n"
    )
    (tmp_path / "tasks" / "broken.yaml").write_text("name: [\n")
    looked = find_tasks(tmp_path)
    assert set(looked.names) == {"store", "mine"}
    assert looked.new == []
    assert len(looked.notes) == 1
    assert "broken" in looked.notes[0]


def test_broken_and_large_data_is_told(tmp_path, monkeypatch):
    shutil.rmtree(random_beir(tmp_path / "shop") / "qrels" / "test.tsv", ignore_errors=True)
    (tmp_path / "shop" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tnone\t1\n")
    write_jsonl(tmp_path / "faq.jsonl", FAQ)
    notes = find_tasks(tmp_path).notes
    assert len(notes) == 1
    assert notes[0].startswith("shop is not taken: ")
    monkeypatch.setattr(tasks, "MOST_BYTES", 10)
    looked = find_tasks(tmp_path)
    assert looked.new == []
    assert looked.notes == [
        "faq.jsonl was not looked at, it is large: bench tasks add faq.jsonl --name NAME",
        "shop was not looked at, it is large: bench tasks add shop --name NAME",
    ]


class Installed:
    def __init__(self, origin: object) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "wanted", "noted"),
    [
        (None, f"mrl-bench[bm25,train]=={__version__}", False),
        ({"url": "file:///x", "dir_info": {"editable": True}}, f"mrl-bench[bm25,train]=={__version__}", True),
        (
            {"url": "https://example.org/bench.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "mrl-bench[bm25,train] @ git+https://example.org/bench.git@abc",
            False,
        ),
        ({"url": "https://e.org/b.whl", "archive_info": {}}, "mrl-bench[bm25,train] @ https://e.org/b.whl", False),
    ],
)  # fmt: skip
def test_ci_installs_the_bench_that_runs_here(monkeypatch, origin, wanted, noted):
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed(origin))
    text, note = requirement({"train", "bm25"})
    assert (text, note is not None) == (wanted, noted)


def test_what_models_and_tasks_need(tmp_path, tiny_model):
    (tmp_path / "models.yaml").write_text(
        "models:\n- {name: a, source: ./tiny}\n- {name: b, kind: baseline, source: bm25s}\n"
        "- {name: c, kind: fine-tuned, recipe: {base: a, data: faq, epochs: 1}}\n"
        "- {name: d, source: ./tiny, backend: onnx}\n"
    )
    entries = load_registry(tmp_path / "models.yaml").models
    assert extras_of(entries, [], ["mteb:STS12"]) == {"bm25", "train", "onnx", "mteb"}
    assert extras_of(entries[:1], [], ["faq"]) == set()
    assert folders_of(entries, tmp_path.resolve()) == ["tiny"]


def test_a_projects_own_registry_is_kept_and_says_what_ci_needs(tmp_path, tiny_model):
    (tmp_path / "models.yaml").write_text(
        "tasks: [mteb:STS12]\nmodels: [{name: a, source: ./tiny}]\ngates: [{name: q, max_drop: 0.1}]\n"
    )
    write_jsonl(tmp_path / "faq.jsonl", FAQ)
    scaffold = make_scaffold(tmp_path)
    assert [file.shown for file in scaffold.files] == ["models.yaml", ".github/workflows/bench.yml"]
    assert "'mrl-bench[mteb]==" in scaffold.files[-1].text
    assert "hashFiles('models.yaml', 'tasks/**', 'tiny/**')" in scaffold.files[-1].text


@pytest.mark.parametrize("text", ["models: [", "models: [{name: a}]", "{}"])
def test_a_broken_registry_is_told_before_anything_is_written(tmp_path, text):
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"models\.yaml|source"):
        make_scaffold(tmp_path)


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for name in ("none", "file", "a\x00b"):
        with pytest.raises(BenchError):
            make_scaffold(tmp_path / name)
