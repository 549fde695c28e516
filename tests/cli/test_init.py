from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import run_cli
from bench.scaffold import models


@pytest.fixture
def project(tmp_path_factory, monkeypatch):
    """An empty project, the working folder, on a machine without installed models."""
    folder = tmp_path_factory.mktemp("project")
    monkeypatch.chdir(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_project_can_be_run_and_gated_at_once(project, tiny_model, monkeypatch, capsys):
    monkeypatch.setattr(models, "_packaged", lambda: iter(()))
    tiny_model.rename(project / "tiny")
    assert run_cli(["init"]) == 0
    assert run_cli(["run", "--no-cost"]) == 0
    assert run_cli(["report"]) == 0
    assert run_cli(["report", "--check"]) == 0
    capsys.readouterr()
    assert run_cli(["gate", "--baseline", "results", "--junit", "gate.xml"]) == 0
    assert "pass: " in capsys.readouterr().out
    written = contents(project)
    assert run_cli(["init"]) == 0
    shown = capsys.readouterr().out
    assert "wrote" not in shown
    assert shown.count("(there already)") == 7
    assert contents(project) == written


@pytest.mark.model
def test_an_empty_folder_gets_an_example_that_works(project, capsys):
    assert run_cli(["init"]) == 0
    assert {name.split("/")[0] for name in contents(project)} == {"models.yaml", "gates.yaml", "tasks", ".github"}
    for command in (["run", "--no-cost"], ["report"], ["gate", "--baseline", "results"]):
        assert run_cli(command) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("pass: ")


def test_nothing_is_written_over(project, capsys):
    mine = {"gates.yaml": b"gates: [{name: mine, coverage: true}]\n", ".github/workflows/bench.yml": b"name: mine\n"}
    for name, content in mine.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    (project / "tasks" / "example").mkdir(parents=True)
    (project / "tasks" / "example" / "task.yaml").symlink_to(project / "nowhere")
    assert run_cli(["init"]) == 0
    shown = capsys.readouterr().out
    assert "kept gates.yaml (there already)" in shown
    assert "kept tasks/example/task.yaml (there already)" in shown
    assert contents(project).items() >= mine.items()
    assert not (project / "nowhere").exists()


def test_a_dry_run_writes_nothing(project, capsys):
    (project / "gates.yaml").write_text("gates: [{name: mine, coverage: true}]\n")
    before = contents(project)
    assert run_cli(["init", "--dry-run", str(project)]) == 0
    shown = capsys.readouterr().out
    assert "would write models.yaml" in shown
    assert "kept gates.yaml (there already)" in shown
    assert contents(project) == before


@pytest.mark.parametrize(
    ("make", "status", "message"),
    [
        (lambda folder: (folder / "models.yaml").write_text("models: 7\n"), 2, "models.yaml, line 1"),
        (lambda folder: (folder / "tasks").write_text(""), 1, "a folder belongs there"),
        (lambda folder: (folder / ".github").write_text(""), 1, "a file stands where a folder is needed"),
    ],
)
def test_what_stands_in_the_way_is_told(project, capsys, make, status, message):
    make(project)
    assert run_cli(["init"]) == status
    assert message in capsys.readouterr().err


def test_no_folder(project, capsys):
    assert run_cli(["init", "none"]) == 2
    (project / "file").touch()
    assert run_cli(["init", "file"]) == 2
    assert "not a folder" in capsys.readouterr().err
