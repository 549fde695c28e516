"""Names from files in everything that commands print and write."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from gate_results import write_latency, write_quality
from pydantic import BaseModel, ValidationError
from support import (
    audit_record,
    control_record,
    cost_record,
    fidelity_record,
    made_record,
    make_model,
    quality_record,
    rerank_record,
    write_jsonl,
    write_records,
)

from bench.cli import run_cli
from bench.results.acceptances import AcceptanceRecord
from bench.results.schema import EnvironmentRecord
from bench.results.store import ResultStore

# A line break and a command of a CI runner, escapes, overrides, invisible characters, a formula.
EVIL = "\n::error::x\r\x1b[31m\x1b]8;;u\x07\x9b2J\x7f\u202ea\u2066\u200b\ufeff\u2028##[error]\U000e0041é"
# What the names that bench takes from its own files may hold.
SOFT = "\u202ea\u2066\u200b\u2028##[error]\U000e0041é"
NAME = f"::error::m{SOFT}"
BEFORE, AFTER = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
FULL, HALF = (8, "float32"), (4, "int8")


def faults(text: str, *, commands: bool = False) -> list[str]:
    """What a terminal, a log or a CI runner would act on, found with Python's own tables of Unicode."""
    found = [
        f"U+{ord(c):04X}"
        for c in text
        if c != "\n" and (unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} or (unicodedata.category(c) == "Cf"))
    ]
    lines = [line for line in text.split("\n") if line.lstrip().startswith("::")]
    own = ("::error title=bench gate", "::warning title=bench gate", "::notice title=bench gate")
    found += [line for line in lines if not (commands and line.startswith(own))]
    return found + (["##["] if "##[" in text else [])


def evil(value: Any) -> Any:
    """Every text in a JSON value, keys of mappings left alone, with what a hostile file could add to it."""
    if isinstance(value, dict):
        return {key: evil(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [evil(inner) for inner in value]
    return f"={value}{EVIL}" if isinstance(value, str) else value


def spoiled(record: BaseModel, keep: tuple[str, ...] = ("items", "samples", "created")) -> Any:
    """A record in which every text that may be anything is hostile."""
    content = record.model_dump(mode="json")
    for path in list(_texts(content)):
        if path[0] in keep:
            continue
        before = _at(content, path)
        _set(content, path, evil(before))
        try:
            type(record).model_validate(content)
        except ValidationError:
            _set(content, path, before)
    return type(record).model_validate(content)


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*path, key))
    elif isinstance(value, str):
        yield path


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _set(value: Any, path: tuple[Any, ...], text: Any) -> None:
    _at(value, path[:-1])[path[-1]] = text


class Checked:
    """Runs commands and looks at all that they print, and at every text file that they write or change."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def __call__(self, *arguments: str, status: set[int] | None = None, commands: bool = False) -> str:
        before = {path: path.stat().st_mtime_ns for path in self.folder.rglob("*") if path.is_file()}
        self.capsys.readouterr()
        found = run_cli(list(arguments))
        out, err = self.capsys.readouterr()
        assert found in (status or {0}), f"{arguments}: {found}\n{out}\n{err}"
        assert "Traceback" not in err
        assert "this is a fault of bench" not in err + out, f"{arguments}: {err}"
        for name, text in (("stdout", out), ("stderr", err)):
            assert faults(text, commands=commands) == [], f"{name} of {arguments}:\n{text!a}"
        for path in self.folder.rglob("*"):
            if path.is_file() and before.get(path) != path.stat().st_mtime_ns:
                self._check_file(path)
        return out + err

    @staticmethod
    def _check_file(path: Path) -> None:
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            return
        if path.suffix not in {".parquet", ".arrow", ".safetensors", ".lock"}:
            assert faults(text) == [], f"{path}:\n{text!a}"[:3000]


@pytest.fixture
def bench(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Checked(tmp_path, capsys)


def write_side(folder: Path, shift: float) -> None:
    """Results in which every name is hostile; `shift` makes them worse."""
    names = {"model": f"=mini{EVIL}", "task": f"=shop{EVIL}", "subset": f"=sub{EVIL}", "notes": [f"=note{EVIL}"]}
    scores = {FULL: [0.9 - shift, 0.8 - shift] * 20, HALF: [0.7 - shift, 0.6 - shift] * 20}
    ids = [f"=q{row}{EVIL}" for row in range(40)]
    write_quality(folder, scores, ids=ids, created=AFTER if shift else BEFORE, **names)
    plain = {"model": names["model"], "task": names["task"]}
    write_latency(folder, [[1.0, 1.1], [1.2, 1.3]], environment="env", noisy=True, **plain)
    records = [
        quality_record("other", task="pairs", metric="cosine_spearman", notes=["a note"]),
        quality_record("third", task="hall"),
        cost_record(
            "third",
            [("index_bytes", 10.0, 8, "float32")],
            not_measured={"energy": "none"},
            noisy=True,
            task="hall",
        ),
    ]
    write_records(folder, map(spoiled, records))
    store = ResultStore(folder)
    store.write_controls(spoiled(control_record("third", task="hall")), {"value": [1.0]})
    store.write_fidelity(spoiled(fidelity_record("third", task="hall")), {"value": [1.0]})
    store.write_rerank(spoiled(rerank_record("third", task="hall")), {"value": [1.0]})
    store.write_audit(spoiled(audit_record(["a leak"], task="hall")))
    store.write_environment("env", evil({"cpu": "x", "os": "y", "gpus": [{"name": "z"}], "libraries": {"a": "b"}}))


@pytest.fixture
def results(bench):
    write_side(bench.folder / "results", 0.1)
    write_side(bench.folder / "before", 0.0)
    return bench


def test_the_check_finds_what_is_hostile():
    found = faults(EVIL)
    assert {"U+000D", "U+001B", "U+0007", "U+009B", "U+202E", "U+2066", "U+200B", "U+FEFF", "U+2028", "##["} <= {*found}
    assert any("::error" in fault for fault in found)


def test_results(results):
    for output in ("table", "csv", "json"):
        results("results", "--format", output, "--all")
    shown = results("results", "--format", "csv")
    assert "\n'=mini" in shown
    assert "\n=mini" in results("results", "--format", "csv", "--raw")
    for option in ("--model", "--task", "--metric"):
        results("results", option, "nothing", status={2})
    rows = json.loads(results("results", "--format", "json"))
    assert f"=mini{EVIL}" in {row["model"] for row in rows}


def test_report(results):
    results("report")
    assert {path.suffix for path in Path("reports").rglob("*") if path.is_file()} >= {".md", ".html", ".svg"}
    results("report", "--check")


def test_compare(results):
    sides = f"before:=mini{EVIL}", f"results:=mini{EVIL}"
    for output in ("table", "json", "markdown"):
        results("compare", *sides, "--format", output, "--queries", "5", status={0, 1})
        results("compare", "before", "results", "--format", output, status={0, 1, 2})
    results("compare", "nothing", f"=mini{EVIL}", status={2})


def test_choose(results):
    for output in ("text", "json"):
        results("choose", "--task", f"=shop{EVIL}", "--subset", f"=sub{EVIL}", "--format", output, status={0, 1, 2})
        results("choose", "--task", f"=shop{EVIL}", "--max-storage", "1B", "--format", output, status={0, 1, 2})
    results("choose", "--task", "nothing", status={2})


@pytest.mark.parametrize("output", ["table", "json", "markdown"])
def test_gate(results, monkeypatch, output):
    name = f"::error::=rule{SOFT}"
    rules = [{"name": name, "max_drop": 0.01}, {"name": "costs", "max_increase": "10%", "figure": "search_p50_ms"}]
    Path("gates.yaml").write_text(yaml.safe_dump({"gates": rules}))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(results.folder / "summary.md"))
    shown = results(
        "gate", "--baseline", "before", "--format", output, "--junit", "junit.xml", status={0, 1, 2, 3}, commands=True
    )
    assert Path("summary.md").exists(), shown
    results("gate", "--baseline", "before", "--explain", name, status={0, 1, 3})
    results("gate", "--baseline", "before", "--explain", "nothing", status={2})


def test_baseline(results):
    results("baseline", "update", "--baseline", "before", "--message", f"=meant{EVIL}", status={0, 1, 3})
    results("results", "--format", "csv")


def test_export_results(results):
    pytest.importorskip("mteb")
    results("export", "mteb", "--output", "out", status={0, 1})


def test_reproduce(results, tiny_model):
    folder = results.folder / "published"
    folder.mkdir()
    content = {"task_name": f"=Talk{EVIL}", "dataset_revision": f"=r{EVIL}", "mteb_version": f"=v{EVIL}"}
    scores = {"cosine_spearman": 0.5, f"=m{EVIL}": 0.5, "main_score": 0.5, "hf_subset": f"=s{EVIL}", "languages": ["e"]}
    (folder / "Talk.json").write_text(json.dumps(content | {"scores": {f"=test{EVIL}": [scores]}}))
    (folder / "model_meta.json").write_text(json.dumps({"name": f"=owner{EVIL}/tiny", "revision": f"=r{EVIL}"}))
    for more in ([], ["--model", "./tiny"], ["--model", "./tiny", "--format", "json"], ["--model", "./tiny", "--all"]):
        results("reproduce", "--published", "published", *more, status={0, 1, 2})


def test_errors_name_files(results):
    name = EVIL.replace("/", "") + ".json"
    (results.folder / "results" / "quality" / name).write_text("{")
    shown = results("results", status={1})
    assert "\\n\\x3a:error" in shown or "\\n::error" in shown
    for command in ("report", "compare"):
        results(command, *(["before", "results"] if command == "compare" else []), status={1, 2})
    results("gate", "--baseline", "before", status={1, 2, 3})


@pytest.fixture
def project(bench):
    """A folder of models and tasks whose names and texts are hostile."""
    make_model(bench.folder / NAME, prompts={"query": f"=p{EVIL}"})
    folder = bench.folder / "tasks" / "shop"
    texts = [f"=text {row}{EVIL}" for row in range(6)]
    corpus = [{"_id": f"=d{row}{EVIL}", "title": f"=t{EVIL}", "text": text} for row, text in enumerate(texts)]
    write_jsonl(folder / "corpus.jsonl", corpus)
    write_jsonl(folder / "queries.jsonl", ({"_id": f"=q{i}{EVIL}", "text": f"{t} ?"} for i, t in enumerate(texts[:4])))
    write_jsonl(
        folder / "qrels" / "test.jsonl",
        ({"query-id": f"=q{i}{EVIL}", "corpus-id": f"=d{i}{EVIL}", "score": 1} for i in range(4)),
    )
    card = {"name": "shop", "type": "retrieval", "description": f"=about{EVIL}"}
    (folder / "task.yaml").write_text(yaml.safe_dump(card))
    write_jsonl(
        bench.folder / "rows.jsonl",
        ({"question": f"=q {row}{EVIL}", "answer": f"=a {row}{EVIL}", f"=other{EVIL}": "x"} for row in range(8)),
    )
    models = [{"name": NAME, "source": f"./{NAME}"}, {"name": "gone", "source": f"./gone{EVIL}"}]
    (bench.folder / "models.yaml").write_text(yaml.safe_dump({"models": models, "tasks": ["shop"]}))
    return bench


def test_tasks(project):
    project("tasks")
    project("tasks", "check", "shop", status={0, 1})
    project("tasks", "audit", "shop", status={0, 1})
    project("tasks", "add", "rows.jsonl", "--name", "rows", "--description", f"=words{EVIL}", status={0, 1, 2})
    project("tasks", "check", "rows", status={0, 1, 2})
    project("tasks", "check", f"none{EVIL}", status={1, 2})


def test_models(project):
    project("models", status={0, 1, 2})
    project("models", "add", f"./{NAME}", "--name", f"::new{SOFT}", "--models", "more.yaml", status={0, 1, 2})
    project("export", "model", NAME, f"out{EVIL}", status={0, 1, 2})
    project("export", "model", "nothing", "out", status={2})


def test_run(project):
    project("run", "--no-cost", "--truncate-dims", "8", status={0, 1, 2})
    project("run", "--no-cost", "--dry-run", status={0, 1, 2})
    project("report", status={0, 1})
    project("cache")
    project("run", "--model", f"nobody{EVIL}/x", status={1, 2})


def test_init(project):
    Path("models.yaml").unlink()
    project("init", "--dry-run", status={0, 1, 2})
    project("init", status={0, 1, 2})


def test_cache_of_made_models(bench, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(bench.folder / "cache"))
    folder = bench.folder / "cache" / "models" / ("a" * 32)
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(json.dumps(made_record(name=f"=made{EVIL}", device=f"=cpu{EVIL}")))
    bench("cache")
    bench("cache", "clear", "--model", f"={EVIL}", status={2})


def test_doctor(bench, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(bench.folder / f"cache{EVIL}"))
    bench("doctor")


def test_records_of_every_kind_are_in_the_check():
    known = {kind.__name__ for kind in RECORDS}
    from bench.results import schema

    members = {kind.__name__ for kind in schema.AnyRecord.__args__} | {AcceptanceRecord.__name__}
    assert members <= known


RECORDS = [
    type(quality_record()), type(cost_record()), type(control_record()), type(fidelity_record()),
    type(rerank_record()), type(audit_record([])), EnvironmentRecord, AcceptanceRecord,
]  # fmt: skip


def test_logs_of_libraries(bench, monkeypatch):
    """What others write to the streams while a command works."""
    import logging
    import sys
    import warnings

    from bench.cli import doctor

    def noisy(*_: object, **__: object) -> dict[str, Any]:
        logging.getLogger("some.library").warning("read %s", EVIL)
        warnings.warn(f"odd: {EVIL}", stacklevel=1)
        print(f"progress {EVIL}", file=sys.stderr)
        print(EVIL)
        raise ValueError(EVIL)

    monkeypatch.setattr("bench.environment.describe", noisy)
    bench.capsys.readouterr()
    assert run_cli(["doctor"]) == 1
    out, err = bench.capsys.readouterr()
    assert faults(out) == faults(err) == []
    assert "this is a fault of bench" in err
    assert doctor is not None


def test_raw_is_of_csv_alone(results):
    results("results", "--raw", status={2})
