"""Every place that opens, copies or joins a path goes through the functions that check it, or says why not."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

from support import ROOT

OPENS = frozenset("open read_text read_bytes write_text write_bytes copy copy2 copyfile copytree symlink_to".split())
# Receivers whose method of this name opens no path of the file system by itself.
NO_PATHS = frozenset({"zipfile", "distribution"})
# Where these functions are: everything else calls them.
HOMES = {"bench/regular.py", "bench/inside.py", "bench/files.py", "bench/reading.py"}
SYSTEM = "a fixed file of the system"
OWN = "a temporary file of this process"
ALLOWED = {
    ("bench/cli/output.py", "os.open"): "the null device, in place of a closed output",
    ("bench/__main__.py", "os.open"): "the null device, in place of a closed stream",
    ("bench/__main__.py", "open"): "a stream that is open, by its number",
    ("bench/cost/child.py", "job_file.read_text"): OWN,
    ("bench/cost/child.py", "answer_file.write_text"): OWN,
    ("bench/cost/process.py", "job_file.write_text"): OWN,
    ("bench/cost/process.py", "answer_file.read_text"): OWN,
    ("bench/cost/corpus.py", "Path(job[name]).read_bytes"): OWN,
    ("bench/cost/probes/rerank_quality.py", "Path(job[name]).read_bytes"): OWN,
    ("bench/cost/searching.py", "(workspace / f'{name}.keys').write_bytes"): OWN,
    ("bench/cost/energy.py", "(folder / name).read_text"): SYSTEM,
    ("bench/cost/energy.py", "path.read_text"): SYSTEM,
    ("bench/cost/memory.py", "_STATUS.read_text"): SYSTEM,
    ("bench/cost/memory.py", "_CLEAR.write_text"): SYSTEM,
    ("bench/cost/noise.py", "path.read_text"): SYSTEM,
    ("bench/environment.py", "_GOVERNOR.read_text"): SYSTEM,
    ("bench/environment.py", "_CPU_INFO.read_text"): SYSTEM,
    ("bench/hub.py", "_file_system().open"): "a file on the Hub, not of this machine",
    ("bench/models/folders/gathered.py", "(draft / name).symlink_to"): "links in the cache, to files that were hashed",
    ("bench/results/archives.py", "path.open"): "a new file in a temporary folder, under a checked name",
    ("bench/results/archives.py", "tarfile.open"): "reads a file that open_regular opened",
    ("bench/results/revisions.py", "path.write_bytes"): "a new file in a temporary folder, under a checked name",
    ("bench/scaffold/needs.py", "metadata.distribution(DISTRIBUTION).read_text"): "a file of bench's own installation",
    ("bench/tasks/readers/streams.py", "file.open"): "DataFile.open: open_regular, or the Hub",
}
# Joining with a key of a file's content (`folder / module["path"]`) or a text made of one.
LIBRARIES_ALLOWED = {
    ("bench/models/loaded/model2vec.py", "load_file"): "weights of a folder that was checked, mapped into memory",
    ("bench/results/store.py", "pq.ParquetFile"): "bytes in memory, whose digest was checked",
    ("bench/vectors/store.py", "pa.memory_map"): "a chunk of the cache whose content was checked",
}
JOINS_ALLOWED = {
    ("bench/cost/probes/energy.py", "1000 * joules / (passes * len(job['texts']))"): "a quotient of numbers",
    ("bench/scaffold/tasks.py", "task.path.parent / task.content['path']"): "the user's own path, in a card just made",
    ("bench/tasks/sources.py", "self.base / user_path(str(self.card.path))"): "the card's `path` is the user's own",
}


@cache
def sources():
    paths = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "bench").rglob("*.py"))}
    return [(name, ast.parse(path.read_text(encoding="utf-8"))) for name, path in paths.items() if name not in HOMES]


def opened(tree):
    """The calls by which a module opens paths itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield "open"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in OPENS:
            # A copy of an array or of a mapping takes no path.
            if node.func.attr == "copy" and not (
                isinstance(node.func.value, ast.Name) and node.func.value.id == "shutil"
            ):
                continue
            yield ast.unparse(node.func)


def joins(tree):
    """The joins of paths with something looked up by a key, or turned into a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            for part in ast.walk(node.right):
                keyed = isinstance(part, ast.Subscript) and isinstance(getattr(part.slice, "value", None), str)
                got = isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "get"
                text = isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "str"
                if keyed or got or text:
                    yield ast.unparse(node)
                    break


def test_no_module_opens_paths_by_itself():
    found = Counter((name, call) for name, tree in sources() for call in opened(tree))
    unknown = sorted(set(found) - set(ALLOWED))
    assert unknown == [], "use bench.reading, bench.regular, bench.inside or bench.files, or give the reason above"
    assert sorted(set(ALLOWED) - set(found)) == [], "no longer there: remove these from the list"


def test_no_module_joins_what_a_file_states_by_itself():
    found = {(name, join) for name, tree in sources() for join in joins(tree)}
    assert sorted(found - set(JOINS_ALLOWED)) == [], "use bench.inside.inside"
    assert sorted(set(JOINS_ALLOWED) - found) == []


def test_libraries_that_open_paths_get_handles():
    """ParquetFile, ZipFile, json.load and their like take a path too: it would be opened unchecked."""
    openers = "ParquetFile ZipFile is_zipfile is_tarfile read_csv memory_map load_file safe_open".split()
    loaders = {f"{library}.load" for library in ("json", "pickle", "torch", "yaml")} | {"yaml.safe_load"}
    calls = [(name, node) for name, tree in sources() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = {
        (name, ast.unparse(node.func))
        for name, node in calls
        if (getattr(node.func, "attr", getattr(node.func, "id", "")) in openers or ast.unparse(node.func) in loaders)
        and node.args
        and ast.unparse(node.args[0]) != "handle"
    }
    assert sorted(found - set(LIBRARIES_ALLOWED)) == []
    assert sorted(set(LIBRARIES_ALLOWED) - found) == []


def test_a_place_that_opens_a_path_is_found():
    tree = ast.parse("path.read_text()\nopen(x)\nshutil.copyfile(a, b)\nrow.copy()\nfolder / str(entry.get('path'))")
    assert sorted(opened(tree)) == ["open", "path.read_text", "shutil.copyfile"]
    assert list(joins(tree)) == ["folder / str(entry.get('path'))"]


def test_the_homes_are_there():
    assert all((Path(ROOT) / name).is_file() for name in HOMES)
