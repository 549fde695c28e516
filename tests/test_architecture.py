"""The house as docs/architecture.md draws it: which room may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support import ROOT

# From the bottom up: a room imports its own and those below, never one above.
LAYERS = [
    {"neutral"},
    {"errors", "views", "metrics", "shipped", "markdown", "statistics"},
    {"regular"},
    {"paths"},
    {"reading", "inside"},
    {"files", "faults", "index_layout"},
    {"sealed"},
    {"cache", "config"},
    {"leftovers", "hub", "mteb_import"},
    {"models", "environment"},
    {"tasks"},
    {"vectors", "results"},
    {"quality", "audit"},
    {"training"},
    {"cost", "report", "exchange", "choosing", "comparing", "gate"},
    {"publish", "scaffold"},
    {"plan", "examples"},
    {"measuring", "listener", "inputs"},
    {"records", "loaded"},
    {"studies"},
    {"planning", "pooling"},
    {"runner", "labelling"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# The package's own face loads what it shows.
ALLOWED_UP = {("__init__", "results"), ("__init__", "choosing"), ("__init__", "errors")}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports() -> list[tuple[str, str, str]]:
    found = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        relative = path.relative_to(ROOT).with_suffix("")
        here = room_of(".".join(relative.parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bench":
                names = [node.module] if node.module != "bench" else [f"bench.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.split(".")[0] == "bench"]
            found += [(str(relative), here, room_of(name)) for name in names]
    return found


def test_every_room_is_in_the_picture():
    rooms = {path.stem for path in (ROOT / "bench").iterdir() if path.name not in {"__pycache__", "py.typed"}}
    assert rooms - {"__init__"} == set(LEVEL)


def test_imports_go_one_way():
    wrong = [
        f"{path} imports bench.{there}"
        for path, here, there in imports()
        if here != there
        and there != "__version__"
        and (here, there) not in ALLOWED_UP
        and LEVEL.get(there, -1) >= LEVEL.get(here, 99)
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["report", "choosing", "comparing"])
def test_reports_read_results_only(room):
    there = {there for _, here, there in imports() if here == room} - {room, "neutral"}
    assert there <= {
        "results",
        "errors",
        "files",
        "paths",
        "regular",
        "inside",
        "reading",
        "views",
        "markdown",
        "statistics",
        "index_layout",
    }


def test_the_gate_reads_results_and_its_rules_only():
    there = {there for _, here, there in imports() if here == "gate"} - {"gate", "neutral"}
    assert there <= {
        "results",
        "errors",
        "files",
        "paths",
        "regular",
        "inside",
        "reading",
        "views",
        "markdown",
        "statistics",
        "metrics",
        "config",
    }


def test_exchange_reads_results_and_tasks_only():
    there = {there for _, here, there in imports() if here == "exchange"} - {"exchange"}
    assert there <= {
        "results",
        "tasks",
        "hub",
        "mteb_import",
        "errors",
        "files",
        "paths",
        "reading",
        "regular",
        "inside",
        "views",
        "neutral",
    }


def test_modules_stay_small():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "bench").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 380
    }
    assert long == {}


def test_product_code_checks_with_errors_not_assert():
    asserts = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in Path(ROOT / "bench").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert asserts == []
