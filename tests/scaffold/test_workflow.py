from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support import ROOT
from test_docs import resolve

from bench.errors import UsageError
from bench.scaffold.plan import make_scaffold
from bench.scaffold.repository import Repository, find_repository
from bench.scaffold.workflow import workflow

TOP = Repository(Path("/x"), ".", "main", known=True)
INNER = Repository(Path("/x"), "apps/search", "trunk", known=True, lfs=True)


@pytest.fixture(autouse=True)
def _no_git(monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT")]:
        monkeypatch.delenv(name)


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]
    found = subprocess.run(
        ["git", "-C", str(folder), *settings, *arguments], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def repository(folder: Path, branch: str = "main") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    return folder


def parsed(where: Repository = TOP) -> dict:
    path, text = workflow(where, ["mrl-bench[bm25]==0.1"], ["models.yaml", "it's/**"])
    assert path.startswith(".github/workflows/bench")
    return yaml.safe_load(text)


def steps(document: dict, job: str) -> list[dict]:
    return document["jobs"][job]["steps"]


def script(document: dict, job: str, name: str) -> str:
    return next(step["run"] for step in steps(document, job) if step.get("name", "").startswith(name))


WORKFLOWS = {
    "top": parsed,
    "inner": lambda: parsed(INNER),
    "own": lambda: yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text()),
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_are_safe(name):
    document = WORKFLOWS[name]()
    # YAML 1.1 reads the key `on` as true.
    assert set(document[True]) >= {"pull_request", "push"}
    assert document["permissions"] in ({}, {"contents": "read"})
    assert document["concurrency"]["group"].count("github.ref ") == 1
    for job, content in document["jobs"].items():
        rights = content.get("permissions", document["permissions"])
        assert rights == {"contents": "write" if job == "publish" else "read"}
        for step in content["steps"]:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
            # What a stranger names (branches, titles) must not become part of a script.
            assert "${{" not in step.get("run", "")
            subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)
            if "checkout" in step.get("uses", "") and job != "publish":
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("where", [TOP, INNER])
def test_every_command_of_the_workflow_exists(where):
    runs = "\n".join(step.get("run", "") for job in parsed(where)["jobs"].values() for step in job["steps"])
    commands = re.findall(r"^\s*(bench .*)$", runs, re.MULTILINE)
    assert [command.split(" --")[0] for command in commands] == [
        "bench report",
        "bench run",
        "bench gate",
        "bench report",
    ]
    for command in commands:
        resolve(command)


def test_only_git_runs_where_the_workflow_may_write():
    document = parsed()
    assert "pull_request" in document["jobs"]["publish"]["if"]
    assert document["jobs"]["publish"]["needs"] == "gate"
    runs = [step["run"] for step in steps(document, "publish") if "run" in step]
    assert {line.split()[0] for run in runs for line in run.splitlines() if not line.startswith("#")} == {
        "git",
        "if",
        "fi",
        "rm",
        "cp",
    }


def test_a_project_below_the_top_of_its_repository():
    document = parsed(INNER)
    assert document["defaults"]["run"]["working-directory"] == "apps/search"
    assert document[True]["push"]["branches"] == ["trunk"]
    cache = next(step["with"] for step in steps(document, "gate") if "actions/cache@" in step.get("uses", ""))
    assert "hashFiles('apps/search/models.yaml', 'apps/search/it?s/**')" in cache["key"]
    assert cache["key"].startswith(cache["restore-keys"])
    assert steps(document, "gate")[0]["with"]["lfs"] is True
    paths = [step["with"]["path"] for step in steps(document, "gate") if "upload" in step.get("uses", "")]
    assert paths == ["apps/search/gate.xml", "apps/search/results\napps/search/reports\n"]


@pytest.mark.parametrize("name", ["1.10", "true", "null", "on", "0x1f"])
def test_names_that_yaml_reads_as_something_else_stay_names(name):
    document = parsed(Repository(Path("/x"), name, name, known=True))
    assert document[True]["push"]["branches"] == [name]
    assert document["defaults"]["run"]["working-directory"] == name
    assert steps(document, "publish")[0]["with"]["ref"] == name


def test_projects_of_one_repository_do_not_cancel_each_other():
    documents = [parsed(), parsed(INNER), parsed(Repository(Path("/x"), "apps/chat", "main", known=True))]
    assert len({document["name"] for document in documents}) == 3
    assert {document["concurrency"]["group"] for document in documents} == {"${{ github.workflow }}-${{ github.ref }}"}


def test_packages_are_one_word_each():
    _, text = workflow(TOP, ["a; rm -rf x", "b[c] @ git+https://e.org/$(x)@1"], [])
    install = next(step["run"] for step in steps(yaml.safe_load(text), "gate") if "pip" in step.get("run", ""))
    found = subprocess.run(
        ["bash", "-c", install.replace("python -m pip install", "printf '%s\\n'")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert found == ["a; rm -rf x", "b[c] @ git+https://e.org/$(x)@1"]


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_the_gate_is_asked_where_there_is_a_baseline_and_decides(tmp_path, status):
    upstream = repository(tmp_path / "upstream")
    subprocess.run(["git", "clone", "--quiet", upstream.as_uri(), tmp_path / "here"], check=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bench").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexit {status}\n')
    (tools / "bench").chmod(0o755)
    settings = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}

    def compare() -> int:
        # As GitHub runs scripts.
        command = ["bash", "-e", "-c", script(parsed(), "gate", "Compare")]
        return subprocess.run(command, cwd=tmp_path / "here", env=settings, capture_output=True, check=False).returncode

    assert compare() == 0
    assert "nothing to compare with" in (tmp_path / "summary").read_text()
    (upstream / "results").mkdir()
    (upstream / "results" / ".gitkeep").touch()
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "a folder without results")
    git(tmp_path / "here", "fetch", "--quiet")
    assert compare() == 0
    (upstream / "results" / "quality").mkdir()
    (upstream / "results" / "quality" / "x.json").write_text("{}")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "results")
    git(tmp_path / "here", "fetch", "--quiet")
    assert not (tmp_path / "asked").exists()
    assert compare() == status
    assert (tmp_path / "asked").read_text() == "gate --baseline git:origin/main --junit gate.xml\n"


def test_results_and_reports_are_committed_once(tmp_path):
    upstream = repository(tmp_path / "upstream")
    (upstream / "reports").mkdir()
    (upstream / "reports" / "old.md").touch()
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "old page")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", upstream.as_uri(), str(bare))
    here = tmp_path / "here"
    git(tmp_path, "clone", "--quiet", bare.as_uri(), str(here))
    document = parsed()
    settings = os.environ | {"RUNNER_TEMP": str(tmp_path / "temp")}
    brought = tmp_path / "temp" / "bench"
    for name in ("results", "reports", ".git/hooks"):
        (brought / name).mkdir(parents=True)
        (brought / name / "new").write_text("x")
    # What could run where the job may write.
    (brought / ".git" / "hooks" / "pre-commit").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (brought / ".git" / "hooks" / "pre-commit").chmod(0o755)
    (brought / "stray").touch()
    download = next(step for step in steps(document, "publish") if "download" in step.get("uses", ""))
    assert download["with"]["path"] == "${{ runner.temp }}/bench"
    runs = [step["run"] for step in steps(document, "publish") if "run" in step]
    for _ in range(2):
        for run in runs:
            subprocess.run(["bash", "-e", "-c", run], cwd=here, check=True, capture_output=True, env=settings)
        assert git(bare, "rev-list", "--count", "main") == "3"
    assert git(bare, "ls-tree", "-r", "--name-only", "main").split() == ["reports/new", "results/new"]
    assert not (tmp_path / "ran").exists()


def test_the_default_branch_is_found_out(tmp_path):
    trunk = repository(tmp_path / "trunk", "trunk")
    assert find_repository(trunk, []).branch == "trunk"
    git(tmp_path, "clone", "--quiet", trunk.as_uri(), "clone")
    git(tmp_path / "clone", "checkout", "--quiet", "-b", "feature")
    assert find_repository(tmp_path / "clone", []).branch == "trunk"
    old = repository(tmp_path / "old", "master")
    git(old, "checkout", "--quiet", "-b", "feature")
    assert find_repository(old, []).branch == "master"
    unborn = tmp_path / "unborn"
    git(tmp_path, "init", "--quiet", "--initial-branch=dev", str(unborn))
    assert find_repository(unborn, []).branch == "dev"
    alone = tmp_path / "alone"
    alone.mkdir()
    found = find_repository(alone, [])
    assert (found.branch, found.known, found.top, found.inner) == ("main", False, alone, ".")


def test_names_that_could_become_code_are_refused(tmp_path):
    odd = repository(tmp_path / "odd", "a$(x)")
    with pytest.raises(UsageError, match="default branch"):
        find_repository(odd, [])
    inner = repository(tmp_path / "fine") / "b'c"
    inner.mkdir()
    with pytest.raises(UsageError, match="folder of this name"):
        find_repository(inner, [])


def test_what_git_says_of_the_project(tmp_path, tiny_model):
    top = repository(tmp_path / "top")
    project = top / "apps" / "search"
    shutil.copytree(tiny_model, project / "models" / "mine")
    (top / ".gitignore").write_text("*.parquet\nreports/\nmine\n")
    (top / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    scaffold = make_scaffold(project)
    assert scaffold.files[-1].path == top / ".github" / "workflows" / "bench-apps-search.yml"
    assert "lfs: true" in scaffold.files[-1].text
    assert [note for note in scaffold.notes if note.startswith("git ignores")] == [
        "git ignores files like results/quality/record.parquet, which are to be committed: change .gitignore",
        "git ignores files like reports/README.md, which are to be committed: change .gitignore",
        "git ignores files like reports/index.html, which are to be committed: change .gitignore",
        "git ignores the model models/mine: CI will not have it; commit it, or name a source that CI can reach",
    ]
