"""What cannot be read is an error, never nothing; and no code of bench asks the file system past bench.paths."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import ROOT, quality_record, write_jsonl

from bench.errors import BenchError
from bench.paths import (
    bytes_if_there,
    entries,
    files_below,
    has_file,
    is_file,
    is_folder,
    matching,
    path_exists,
    size_below,
    walk_files,
)
from bench.results.sources import holds_results
from bench.results.store import ResultStore
from bench.tasks.catalog import find_cards
from bench.tasks.readers.files import listed, local_files
from bench.vectors.store import VectorSpace, space_sizes

# Modules that ask the file system themselves, and why nothing is lost by it.
ALLOWED = {
    "bench/paths.py": "it is the place",
    "bench/shipped.py": "files of the program itself; it comes before everything",
    "bench/scaffold/folders.py": "looks around in a user's project, and proposes nothing for what it cannot read",
    "bench/results/archives.py": "members of an archive, which are no paths yet",
    "bench/cost/energy.py": "counters of the kernel, which may be missing",
    "bench/cost/noise.py": "counters of the kernel, which may be missing",
    "bench/cost/memory.py": "counters of the kernel, which may be missing",
    "bench/environment.py": "facts of the kernel, which may be missing",
    "bench/leftovers.py": "removes what it can of what killed runs left; what it cannot see stays",
}
ASKING = {
    "exists",
    "is_file",
    "is_dir",
    "is_symlink",
    "iterdir",
    "glob",
    "rglob",
    "walk",
    "scandir",
    "listdir",
    "lexists",
}
OF_OS = {"isfile", "isdir", "islink", "access"}
# A data set on the Hub has a glob of its own.
OF_THE_HUB = {
    ("bench/tasks/readers/files.py", "folder.glob(pattern)"),
    ("bench/hub.py", "_file_system().glob(f'{self._root}/{pattern}')"),
}
# Errors of the file system that are passed over must be named here.
PASSED_OVER = {
    ("bench/files.py", "_write"): "a temporary file that cannot be removed is left for the next run",
    ("bench/files.py", "check_writable"): "as above",
    ("bench/reading.py", "read_text"): "the file is read again by lines, which raises",
    ("bench/regular.py", "special_kind"): "what cannot be asked for is refused when it is opened",
    ("bench/cli/gate.py", "_tell"): "it is reported once all else is printed",
    ("bench/cli/output.py", "close_output"): "an output that is closed already",
    ("bench/cli/guard.py", "_print"): "standard error itself cannot be written: nothing is left to say it on",
    ("bench/cli/guard.py", "report_fault"): "as above",
    ("bench/results/verify.py", "_committed_otherwise"): "the damage is listed, only the way to heal it is another",
    ("bench/scaffold/models.py", "_from_card"): "init proposes a kind, and reads cards for a hint alone",
    ("bench/cli/doctor.py", "_hub_state"): "the Hub cannot be asked, which is what the command shows",
    ("bench/training/inventory.py", "_locked"): "in a cache that cannot be written nothing trains",
}


def asks(name, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING | OF_OS:
            # ast.walk asks no file system.
            of_ast = isinstance(node.func.value, ast.Name) and node.func.value.id == "ast"
            if not of_ast and (name, ast.unparse(node)) not in OF_THE_HUB:
                yield node.lineno


def passes_over(tree):
    """Functions that drop an error of the file system: suppress(OSError), or a handler that does not raise."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            names = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "suppress":
                names = [ast.unparse(argument) for argument in node.args]
            elif isinstance(node, ast.ExceptHandler) and node.type is not None:
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                names = [] if raises else [name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)]
            if "OSError" in names:
                yield function.name


def sources():
    for path in sorted((ROOT / "bench").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_the_file_system_is_asked_in_one_place():
    wrong = [f"{name}:{line}" for name, tree in sources() if name not in ALLOWED for line in asks(name, tree)]
    assert wrong == []


def test_errors_of_the_file_system_are_not_passed_over():
    found = {(name, function) for name, tree in sources() if name not in ALLOWED for function in passes_over(tree)}
    assert found == set(PASSED_OVER)


PROBES = [path_exists, is_file, is_folder, has_file, bytes_if_there]
LISTS = [entries, lambda path: list(walk_files(path)), lambda path: files_below(path, ".json"),
         lambda path: matching(path, "**/*.json"), size_below]  # fmt: skip


def test_absent_is_absent(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in [tmp_path / "none", tmp_path / "none" / "x", tmp_path / "file" / "x", tmp_path / ("n" * 5000)]:
        assert [bool(probe(path)) for probe in PROBES] == [False] * 5
    assert not path_exists(Path("a\0b"))
    assert entries(tmp_path / "none") == files_below(tmp_path / "none", ".json") == []
    assert matching(tmp_path / "none", "**/*") == []


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("target", ["nowhere", "loop", "../nowhere/deeper"])
def test_a_link_that_leads_nowhere_or_in_a_circle_is_an_error(tmp_path, probe, target):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to(target)
    for path in [tmp_path / "link", tmp_path / "link" / "below"]:
        with pytest.raises(BenchError) as caught:
            probe(path)
        assert str(tmp_path / "link") in str(caught.value.where)
        assert caught.value.hint


@pytest.mark.parametrize("probe", PROBES)
def test_what_may_not_be_asked_is_an_error(tmp_path, probe, monkeypatch):
    def refused(self, **_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(BenchError, match="Permission denied"):
        probe(tmp_path / "x")


@pytest.mark.parametrize("look", LISTS)
def test_folders_that_cannot_be_listed_are_errors(tmp_path, look, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.json").write_text("{}")
    scan = os.scandir
    hidden = tmp_path / "a" if look is entries else tmp_path / "a" / "b"

    def refuse(path):
        if Path(path) == hidden:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(BenchError, match="Permission denied") as caught:
        look(tmp_path / "a")
    assert caught.value.where == str(hidden)


@pytest.mark.parametrize("look", LISTS)
def test_a_name_that_cannot_be_decoded_is_an_error(tmp_path, look):
    (tmp_path / os.fsdecode(b"caf\xe9.json")).write_text("{}")
    with pytest.raises(BenchError, match=r"not UTF-8: b'caf\\xe9.json'"):
        look(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "nowhere", "circle", "fifo"])
def test_what_is_no_file_but_has_a_files_name_is_an_error(tmp_path, kind):
    path = tmp_path / "x.json"
    {"folder": path.mkdir, "fifo": lambda: os.mkfifo(path), "nowhere": lambda: path.symlink_to("none"),
     "circle": lambda: path.symlink_to(path)}[kind]()  # fmt: skip
    with pytest.raises(BenchError):
        files_below(tmp_path, ".json")
    with pytest.raises(BenchError):
        has_file(path)


def test_a_folder_below_a_link_is_read_and_a_circle_of_folders_ends(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.json").write_text("{}")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "linked").symlink_to("../far")
    (tmp_path / "far" / "up").symlink_to("../results")
    found = files_below(tmp_path / "results", ".json")
    assert found == [tmp_path / "results" / "linked" / "x.json"]


def test_a_link_to_a_folder_above_is_no_file(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "x.json").symlink_to("..")
    with pytest.raises(BenchError, match="a folder, where a file belongs"):
        files_below(tmp_path, ".json")


def test_what_is_neither_file_nor_folder_is_refused_by_any_name(tmp_path):
    (tmp_path / "shop").symlink_to("/dev/null")
    with pytest.raises(BenchError, match="neither a file nor a folder"):
        files_below(tmp_path, ".json")


NAMES = st.lists(st.sampled_from(["a", "b", "c.json", "d.tsv", ".e.json", "[f].json"]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, max_size=8), st.sampled_from(["*.json", "**/*", "**/*.json", "a/*", "*/b/*.json", "a/**/*.tsv",
       "**/a/*", "c.json", "[ab]/*.tsv", "**", "*"]))  # fmt: skip
def test_patterns_find_what_pathlib_finds(tmp_path_factory, names, pattern):
    folder = tmp_path_factory.mktemp("p")
    for parts in names:
        path = folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except (FileExistsError, NotADirectoryError):
            continue
    assert matching(folder, pattern) == sorted({path for path in folder.glob(pattern) if path.is_file()})


def results_with(folder):
    store = ResultStore(folder)
    path = store.write_quality(quality_record(), {"ids": ["q"]})
    return store, path


@pytest.mark.parametrize("place", ["quality", "quality/shop", "cost", "environments"])
def test_a_part_of_results_that_cannot_be_read_stops_reading_them(tmp_path, place, monkeypatch):
    store, _ = results_with(tmp_path / "results")
    hidden = tmp_path / "results" / place
    hidden.mkdir(parents=True, exist_ok=True)
    scan = os.scandir

    def refuse(path):
        if Path(path) == hidden:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BenchError, match="Permission denied"):
        store.records()
    if place.startswith("quality"):
        with pytest.raises(BenchError, match="Permission denied"):
            holds_results(tmp_path / "results")


@pytest.mark.parametrize("damage", ["file", "lost link", "circle", "record is a folder", "record is a lost link"])
def test_results_that_are_something_else_are_refused(tmp_path, damage):
    store, path = results_with(tmp_path / "results")
    folder = tmp_path / "results" / "cost"
    match damage:
        case "file":
            folder.write_text("")
        case "lost link":
            folder.symlink_to("nowhere")
        case "circle":
            folder.symlink_to("cost")
        case "record is a folder":
            (path.parent / "y.json").mkdir()
        case "record is a lost link":
            (path.parent / "y.json").symlink_to("z.json")
    with pytest.raises(BenchError):
        store.records()


def test_results_that_are_a_link_to_nothing_are_refused(tmp_path):
    (tmp_path / "results").symlink_to("gone")
    with pytest.raises(BenchError, match="gone, which is not there"):
        ResultStore(tmp_path / "results").records()


@pytest.mark.parametrize("damage", ["unreadable", "card is a folder", "lost link", "name"])
def test_cards_that_cannot_be_read_are_not_passed_over(tmp_path, damage, monkeypatch):
    folder = tmp_path / "tasks"
    folder.mkdir()
    match damage:
        case "unreadable":
            monkeypatch.setattr(os, "listdir", lambda path: (_ for _ in ()).throw(PermissionError(13, "no")))
        case "card is a folder":
            (folder / "x.yaml").mkdir()
        case "lost link":
            (folder / "x.yaml").symlink_to("gone.yaml")
        case "name":
            (folder / os.fsdecode(b"\xff.yaml")).write_text("name: x")
    with pytest.raises(BenchError):
        find_cards([folder])


def test_data_behind_a_lost_link_is_not_absent(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"x": 1}])
    (tmp_path / "b.jsonl").symlink_to("gone.jsonl")
    for look in [lambda: listed(tmp_path, tmp_path), lambda: local_files(tmp_path)(["*.jsonl"])]:
        with pytest.raises(BenchError, match="gone"):
            look()


def test_vectors_that_cannot_be_listed_are_not_encoded_again(tmp_path, monkeypatch):
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "x.arrow").write_bytes(b"")
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, lambda path: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(BenchError):
        VectorSpace(tmp_path, "space").refresh()
    with pytest.raises(BenchError):
        space_sizes(tmp_path)
