"""A FIFO, a device or a socket in the place of any file: refused by kind, at once, with the file's name."""

from __future__ import annotations

import shutil

import pytest
from special_files import KINDS, device, fifo, in_time
from support import random_beir, rewrite_record, write_pairs, write_scored

from bench.cli import run_cli
from bench.errors import BenchError
from bench.exchange.published import find_publications, read_task
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.training.record import RECORD, read_record

SCORES = {(dim, "float32"): {"q1": 0.5, "q2": dim / 40} for dim in (8, 32)}
REGISTRY = "tasks: [shop, talk]\nmodels:\n  - {name: bm25, kind: baseline, source: bm25s}\n"


@pytest.fixture(autouse=True)
def alarm():
    with in_time(120):
        yield


@pytest.fixture
def project(tmp_path, monkeypatch):
    random_beir(tmp_path / "tasks" / "shop")
    (tmp_path / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(tmp_path / "tasks" / "talk" / "test.jsonl")
    (tmp_path / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    (tmp_path / "models.yaml").write_text(REGISTRY)
    (tmp_path / "gates.yaml").write_text("gates: [{name: a, max_drop: 0.01}]\n")
    write_scored(tmp_path / "results", SCORES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The file, what reads it, and the exit status: 2 of what a user configures.
PLACES = [
    ("models.yaml", ["run", "--no-cost"], 2),
    ("models.yaml", ["models"], 2),
    ("tasks/shop/task.yaml", ["tasks", "check", "shop"], 2),
    ("tasks/shop/corpus.jsonl", ["tasks", "check", "shop"], 1),
    ("tasks/shop/queries.jsonl", ["tasks", "check", "shop"], 1),
    ("tasks/shop/qrels/test.tsv", ["tasks", "check", "shop"], 1),
    ("tasks/talk/test.jsonl", ["tasks", "check", "talk"], 1),
    ("more.csv", ["tasks", "add", "more.csv", "--name", "more"], 2),
    ("RECORD", ["results"], 1),
    ("RECORD", ["report"], 1),
    ("TABLE", ["compare", "mini@8", "mini@32"], 1),
    ("packed.zip", ["gate", "--baseline", "packed.zip"], 3),
    ("packed.zip", ["compare", "packed.zip", "results"], 1),
    ("gates.yaml", ["gate", "--baseline", "results"], 2),
]


@pytest.mark.parametrize(("make", "kind"), KINDS)
@pytest.mark.parametrize(("name", "command", "status"), PLACES)
def test_in_each_place(project, capsys, make, kind, name, command, status):
    known = {"RECORD": "results/quality/*/*.json", "TABLE": "results/quality/*/*.parquet"}
    path = next(iter(project.glob(known.get(name, name))), project / name)
    make(path)
    assert run_cli(command) == status
    shown = " ".join("".join(capsys.readouterr()).split())
    assert f"neither a file nor a folder ({kind})" in shown
    assert path.name in shown


OF_MODELS = (
    "LICENSE config.json modules.json tokenizer.json model.safetensors 1_Pooling/config.json chat_template.jinja x/y"
).split()


@pytest.mark.parametrize("name", OF_MODELS)
@pytest.mark.parametrize("make", [fifo, device])
def test_in_a_models_folder(tiny_model, make, name):
    (tiny_model / name).parent.mkdir(exist_ok=True)
    make(tiny_model / name)
    with pytest.raises(BenchError) as caught:
        locate(ModelEntry(name="m", source=[str(tiny_model)]), download=False)
    assert "neither a file nor a folder (a " in str(caught.value)
    assert str(tiny_model / name) in str(caught.value)


@pytest.mark.parametrize("make", [fifo, device])
def test_among_published_results_and_records_of_training(tmp_path, make):
    make(tmp_path / "STS17.json")
    for read in (find_publications, read_task):
        with pytest.raises(BenchError, match="neither a file nor a folder"):
            read(tmp_path / "STS17.json")
    with pytest.raises(BenchError, match="neither a file nor a folder"):
        find_publications(tmp_path)
    make(tmp_path / RECORD)
    with pytest.raises(BenchError, match="neither a file nor a folder"):
        read_record(tmp_path)


@pytest.mark.parametrize("make", [fifo, device])
def test_in_place_of_a_source_and_of_a_cards_path(project, capsys, make):
    make(project / "thing")
    (project / "models.yaml").write_text("models: [{name: m, source: ./thing}]\ntasks: [talk]\n")
    (project / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\npath: ../../thing\n")
    for command in (["tasks", "check", "talk"], ["run", "--no-cost"]):
        assert run_cli(command) == 1
        assert "neither a file nor a folder (a " in " ".join("".join(capsys.readouterr()).split())
    (project / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    assert run_cli(["run", "--no-cost"]) == 1
    assert "neither a file nor a folder (a " in " ".join("".join(capsys.readouterr()).split())


@pytest.mark.parametrize("name", ["models.yaml", "tasks/shop/task.yaml", "gates.yaml"])
def test_a_configuration_without_an_end(project, capsys, name):
    with (project / name).open("wb") as handle:
        handle.truncate(50_000_000_000)
    command = ["gate", "--baseline", "results"] if name == "gates.yaml" else ["tasks", "check", "shop"]
    if name == "models.yaml":
        command = ["models"]
    assert run_cli(command) == 2
    assert "more than 10 MB, the most that is read of such a file" in " ".join(capsys.readouterr().err.split())


def test_a_record_and_a_table_without_an_end(project, capsys):
    record = next((project / "results").rglob("quality/*/*.json"))
    content = record.read_bytes()
    with record.open("ab") as handle:
        handle.truncate(50_000_000_000)
    assert run_cli(["results"]) == 1
    assert "more than 100 MB" in " ".join(capsys.readouterr().err.split())
    record.write_bytes(content)
    with record.with_suffix(".parquet").open("ab") as handle:
        handle.truncate(50_000_000_000)
    assert run_cli(["compare", "mini@8", "mini@32"]) == 0
    assert "more than 1 GB" in capsys.readouterr().out


def test_a_table_that_a_record_names_elsewhere(project, capsys):
    record = next((project / "results").rglob("quality/*/*.json"))
    shutil.copy(record.with_suffix(".parquet"), project / "other.parquet")
    for name in ("../../../other.parquet", str(project / "other.parquet"), "link.parquet"):
        rewrite_record(record, items=name)
        if name == "link.parquet":
            (record.parent / name).symlink_to(project / "other.parquet")
        assert run_cli(["compare", "mini@8", "mini@32"]) == 0
        assert "leads out of" in capsys.readouterr().out


def test_a_table_of_more_cells_than_memory_has(tmp_path, monkeypatch):
    from bench.results import store

    monkeypatch.setattr(store, "_MOST_CELLS", 5)
    write_scored(tmp_path / "results", SCORES)
    [(path, record), *_] = store.ResultStore(tmp_path / "results").records()
    with pytest.raises(BenchError, match="more than 5 cells"):
        store.read_items(path, record)
