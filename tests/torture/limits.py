"""Part: commands that lack memory, files, disk, permissions, a home, a folder, or an output."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import ROOT

from torture.beds import READERS, Project, ResultsBed, contents, copied, project, results_bed
from torture.campaign import Case, shuffled
from torture.forked import Outcome, limit_memory, open_again
from torture.same import difference, entries
from torture.verdicts import fault_of

NOBODY = 65534
_RUN_SECONDS = 120


@dataclass(frozen=True)
class Limit:
    """Something that a command lacks.

    Attributes:
        kind: The line of the table.
        name: What.
        before: What is done in its process.
        environment: Variables, None for one that is taken away.
        streams: Where standard output and error go; None as ever.
        heard: Whether its messages can be read.
    """

    kind: str
    name: str
    before: Callable[[], None] = lambda: None
    environment: dict[str, str | None] = field(default_factory=dict)
    streams: tuple[str, str] | None = None
    heard: bool = True


def _no_network() -> None:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        address = arguments[1] if event == "socket.connect" else None
        if event in {"socket.getaddrinfo", "socket.gethostbyname"} or isinstance(address, tuple):
            os.write(2, f"Traceback (most recent call last): a connection is opened: {arguments}\n".encode())

    sys.addaudithook(hook)


def _resource(kind: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (value, value))


def _gone_folder() -> None:
    folder = Path("gone").absolute()
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    folder.rmdir()


def _close(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)
        if 1 in descriptors:
            sys.stdout = None
        if 2 in descriptors:
            sys.stderr = None

    return close


def _broken_pipe() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    open_again()


def limits() -> Iterator[Limit]:
    """All limits."""
    for value in (0, 1, 100, 5_000, 100_000):
        yield Limit("size of files", f"files of {value} bytes at most", _resource(resource.RLIMIT_FSIZE, value),
                    heard=False)  # fmt: skip
    for value in (0, 1 << 20, 1 << 24, 1 << 26, 1 << 28):
        yield Limit("memory", f"{value:,} bytes more", lambda value=value: limit_memory(value))
    for value in (3, 4, 6, 10, 20, 40):
        yield Limit("open files", f"{value} open files", _resource(resource.RLIMIT_NOFILE, value))
    yield Limit("output", "a full disk behind stdout", streams=("/dev/full", "/dev/null"), heard=False)
    yield Limit("output", "a full disk behind both", streams=("/dev/full", "/dev/full"), heard=False)
    yield Limit("output", "no stdout", _close(1), heard=False)
    yield Limit("output", "no stderr", _close(2), heard=False)
    yield Limit("output", "neither", _close(1, 2), heard=False)
    yield Limit("output", "a reader that has gone", _broken_pipe, heard=False)
    yield Limit("network", "no network", _no_network)
    yield Limit("place", "a working folder that is gone", _gone_folder)
    yield from _environments()


def _environments() -> Iterator[Limit]:
    values: dict[str, tuple[str | None, ...]] = {
        "HOME": (None, "", "~", "/nowhere", "/dev/null", "relative"),
        "BENCH_CACHE": ("", "~nobody-at-all/x", "/dev/null", "/dev/null/x", "/proc/nowhere", "relative", "x" * 300),
        "XDG_CACHE_HOME": ("relative", "/dev/null"),
        "TMPDIR": ("/nowhere", "/dev/null", ""),
        "COLUMNS": ("1", "0", "-1", "many", "100000"),
        "LINES": ("0", "x"),
        "TERM": ("", "dumb", "nonsense"),
        "TZ": ("Nowhere/Never", ":"),
        "BENCH_DEBUG": ("maybe",),
        "OMP_NUM_THREADS": ("none", "0", "-1"),
        "GITHUB_STEP_SUMMARY": ("/nowhere/summary", "/dev/full", "", "/"),
        "GITHUB_ACTIONS": ("true", "?"),
        "HF_HUB_CACHE": ("/dev/null", ""),
        "HF_HOME": ("/dev/null", "relative"),
        "PATH": (None, ""),
        "GIT_DIR": ("/nowhere",),
        "USER": (None,),
        "PYTHONHASHSEED": ("x",),
    }  # fmt: skip
    for name, several in values.items():
        for value in several:
            changed = {name: value}
            if name == "XDG_CACHE_HOME":
                changed["BENCH_CACHE"] = None
            yield Limit("environment", f"{name}={value!r:.40}", environment=changed)


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Every limit to every command, once."""
    bed, own = results_bed(folder / "bed"), project(folder / "project")
    expected = entries(own.results)
    todo = [(limit, command) for limit in limits() for command in (*READERS, "run")]
    for limit, command in shuffled(todo, seed):
        name = f"{limit.name}, {command}"
        if command == "run":
            yield Case(limit.kind, name, lambda one=limit: _run(own, expected, folder / "tried", one))
        else:
            yield Case(limit.kind, name, lambda one=limit, c=command: _read(bed, c, one))
    yield from _permissions(bed, own, folder)
    yield from _locales(bed)


def _read(bed: ResultsBed, command: str, limit: Limit) -> str | None:
    expected, before = bed.expected(command), contents(bed.results)
    with _open_streams(limit) as streams:
        seen = bed.see(command, before=limit.before, environment=limit.environment, streams=streams)
    fault = _limited(limit, seen.outcome)
    if contents(bed.results) != before:
        return "the results have changed"
    if fault is None and limit.heard and seen.outcome.status == 0 and not seen.shows_the_same(expected):
        # The width of what is printed may differ, and the format asked for is not printed by width.
        return f"shows something else: {seen.outcome.out[:300]!r}"
    return fault


def _run(base: Project, expected: object, folder: Path, limit: Limit) -> str | None:
    bed = copied(base, folder, without=("results", "cache"))
    with _open_streams(limit) as streams:
        ended = bed.run(before=limit.before, environment=limit.environment, streams=streams, seconds=_RUN_SECONDS)
    if (fault := _limited(limit, ended)) is not None:
        return fault
    last = bed.run(seconds=_RUN_SECONDS)
    if last.status != 0:
        return f"the next run, without the limit, fails: {last.text[-500:]}"
    return difference(expected, bed.results)


def _limited(limit: Limit, outcome: Outcome) -> str | None:
    """What is wrong with the end of a limited command."""
    if limit.kind == "memory" and outcome.status in {-6, -9, -11, 127}:
        # Libraries in C++ end a process that has no memory left.
        return None if not outcome.out else f"prints and dies: {outcome}"
    return fault_of(outcome, words=limit.heard)


@contextmanager
def _open_streams(limit: Limit) -> Iterator[tuple[int, int] | None]:
    """The files behind standard output and error."""
    if limit.streams is None:
        yield None
        return
    with open(limit.streams[0], "wb") as out, open(limit.streams[1], "wb") as err:  # noqa: PTH123 - devices
        yield out.fileno(), err.fileno()


def _as_nobody() -> None:
    """Whom permissions hold for."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _permissions(bed: ResultsBed, own: Project, folder: Path) -> Iterator[Case]:
    """What may not be read or written."""
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and "torture" in place.name:
            place.chmod(0o755)
    record = next((bed.results / "quality" / "shop").glob("*.json"))
    places = [
        bed.results, bed.results / "quality", bed.results / "quality" / "shop", record, record.with_suffix(".parquet"),
        bed.results / "acceptances", bed.results / "environments", bed.results / "cost", bed.folder / "gates.yaml",
        bed.folder / "models.yaml", bed.folder / "baseline",
    ]  # fmt: skip
    for place in places:
        for command in READERS:
            name = f"{place.relative_to(bed.folder)} cannot be read, {command}"
            yield Case("permissions", name, lambda p=place, c=command: _unreadable(bed, p, c))
    for place in ("results", "cache", "tasks", "tasks/shop", "tasks/shop/corpus.jsonl", "tiny", "tiny/config.json"):
        yield Case("permissions", f"{place} cannot be read, run",
                   lambda p=place: _forbidden(own, folder / "tried", p, 0o000))  # fmt: skip
    for place in ("results", "cache", "."):
        yield Case("permissions", f"{place} cannot be written, run",
                   lambda p=place: _forbidden(own, folder / "tried", p, 0o555))  # fmt: skip


def _unreadable(bed: ResultsBed, place: Path, command: str) -> str | None:
    bed.expected(command)
    mode = place.stat().st_mode
    place.chmod(0o000)
    bed.folder.chmod(0o777)
    try:
        seen = bed.see(command, before=_as_nobody)
    finally:
        place.chmod(mode)
    if seen.outcome.status == 0 and not seen.shows_the_same(bed.expected(command)):
        return f"shows something else in silence: {seen.outcome.out[:200]!r}"
    if seen.outcome.status != 0 and place.name not in "".join(seen.outcome.text.split()):
        return f"fails without naming it: {seen.outcome.text[-300:]}"
    return fault_of(seen.outcome)


def _forbidden(base: Project, folder: Path, place: str, mode: int) -> str | None:
    bed = copied(base, folder)
    for path in folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    folder.chmod(0o777)
    (folder / place).chmod(mode)
    try:
        ended = bed.run("--force", before=_as_nobody, seconds=_RUN_SECONDS)
    finally:
        (folder / place).chmod(0o755)
    if (fault := fault_of(ended)) is not None:
        return fault
    if ended.status == 0 and mode == 0:
        return f"does not say so: {ended.text[-300:]}"
    return None


def _locales(bed: ResultsBed) -> Iterator[Case]:
    """Settings that Python reads when it starts."""
    for changed in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"},
                    {"LC_ALL": "nonsense"}, {"LANG": "", "LC_ALL": ""}, {"PYTHONOPTIMIZE": "2"}):  # fmt: skip
        for command in READERS:
            yield Case("locale", f"{changed}, {command}", lambda c=command, e=changed: _started(bed, c, e))


def _started(bed: ResultsBed, command: str, changed: dict[str, str]) -> str | None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_CACHE": str(bed.folder / "cache")} | changed
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *READERS[command]], cwd=bed.folder, env=environment, capture_output=True,
        timeout=_RUN_SECONDS, check=False,
    )  # fmt: skip
    texts = [text.decode("utf-8", "surrogateescape") for text in (ended.stdout, ended.stderr)]
    return fault_of(Outcome(ended.returncode, *texts))
