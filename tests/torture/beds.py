"""Small projects to try things on: results alone, and a project that runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from report_results import write_results
from support import make_model, random_beir, write_pairs

from bench.results.acceptances import AcceptanceRecord, AcceptedCheck
from bench.results.store import ResultStore
from torture.forked import Outcome, Running, bench, call

MODEL = "org/big|model_*<b>"
GATES = """gates:
  - {name: quality, max_drop: 0.02}
  - {name: coverage, coverage: true}
"""
# What reads results, and how it is asked for all its numbers.
READERS: dict[str, list[str]] = {
    "results": ["results", "--format", "json", "--all"],
    "report": ["report", "--reports", "out"],
    "compare": ["compare", "mini", MODEL, "--all-views", "--format", "json"],
    "choose": ["choose", "--task", "shop", "--min-share", "0.5", "--format", "json"],
    "gate": ["gate", "--baseline", "baseline", "--format", "json"],
}
REGISTRY = """defaults:
  truncate_dims: [16, 8]
  precisions: [float32, int8]
tasks: [shop, talk]
models:
  - {name: tiny, source: ./tiny}
  - {name: bm25, kind: baseline, source: bm25s}
"""
MADE = """  - name: made
    kind: mrl
    recipe: {base: tiny, data: train.jsonl, matryoshka: {dims: [16, 8]}, epochs: 1, batch_size: 8}
"""
RUN = ["run", "--models", "models.yaml", "--no-cost"]


@dataclass(frozen=True)
class Seen:
    """What a command did.

    Attributes:
        outcome: How it ended and what it printed.
        pages: The files that it wrote for its user, by name.
    """

    outcome: Outcome
    pages: dict[str, bytes]

    def shows_the_same(self, other: Seen) -> bool:
        """Whether a reader sees the same."""
        same = self.outcome.status == other.outcome.status and self.outcome.out == other.outcome.out
        return same and self.pages == other.pages


@dataclass
class ResultsBed:
    """A folder with results of every kind, their baseline and rules.

    Attributes:
        folder: It.
        whole: What each command shows of the results as they are.
    """

    folder: Path
    whole: dict[str, Seen] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        """The results."""
        return self.folder / "results"

    def files(self, *names: str) -> list[Path]:
        """Files of the results, or of some of its folders."""
        return files_of(*(self.results / name for name in names or ("",)))

    def see(self, command: str, **how: Any) -> Seen:
        """Run a command of READERS."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        outcome = call(self.folder, *READERS[command], **how)
        return Seen(outcome, contents(out))

    def expected(self, command: str) -> Seen:
        """What a command shows of the results as they are."""
        if command not in self.whole:
            found = self.see(command)
            if found.outcome.status != 0:
                raise RuntimeError(f"{command} fails on whole results: {found.outcome}")
            self.whole[command] = found
        return self.whole[command]


def results_bed(folder: Path) -> ResultsBed:
    """Results of every kind that there is, in a folder that is not there yet."""
    write_results(folder / "results")
    write_results(folder / "baseline", search_ms=0.0039)
    check = AcceptedCheck(
        rule="quality", model="mini", model_fingerprint="mini0000" * 4, task="shop", split="test", subset="default",
        task_fingerprint="a" * 32, truncate_dim=8, precision="float32", measure="ndcg_at_10", verdict="regressed",
        score=0.35, drop=0.05,
    )  # fmt: skip
    record = AcceptanceRecord(
        bench_version="0", created="2026-01-02T03:04:05.000000+00:00", message="known", accepted=[check]
    )
    ResultStore(folder / "results").write_acceptance(record)
    (folder / "gates.yaml").write_text(GATES)
    (folder / "models.yaml").write_text("models:\n  - {name: bm25, kind: baseline, source: bm25s}\n")
    return ResultsBed(folder)


@dataclass
class Project:
    """A folder with models, tasks, a cache of their vectors, and results."""

    folder: Path

    @property
    def results(self) -> Path:
        """The results of its whole run."""
        return self.folder / "results"

    def run(self, *more: str, **how: Any) -> Outcome:
        """`bench run`."""
        return call(self.folder, *RUN, *more, **how)

    def start(self, *more: str, **how: Any) -> Running:
        """`bench run`, while this process goes on."""
        return bench(self.folder, *RUN, *more, **how)


def project(folder: Path, *, made: bool = False, run: bool = True) -> Project:
    """A small project, run once.

    Args:
        folder: Where; it is not there yet.
        made: With a model that is trained from the other.
        run: Whether it is run.
    """
    folder.mkdir(parents=True)

    def build() -> None:
        make_model(folder / "tiny", width=16)

    built = Running(build).wait()
    if built.status != 0:
        raise RuntimeError(f"cannot make a model: {built}")
    random_beir(folder / "tasks" / "shop")
    (folder / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
    write_pairs(folder / "tasks" / "talk" / "test.jsonl")
    (folder / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
    write_pairs(folder / "train.jsonl", count=24, seed=5)
    (folder / "models.yaml").write_text(REGISTRY + (MADE if made else ""))
    (folder / "gates.yaml").write_text(GATES)
    found = Project(folder)
    if run:
        outcome = found.run(seconds=300)
        if outcome.status != 0:
            raise RuntimeError(f"the project cannot be run: {outcome}")
    return found


def copied(source: Project, folder: Path, *, without: tuple[str, ...] = ()) -> Project:
    """A copy of a project, without some of its folders."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source.folder, folder, symlinks=True, ignore=lambda place, _: [
        name for name in without if (Path(place) / name).parent == source.folder
    ])  # fmt: skip
    return Project(folder)


def files_of(*folders: Path) -> list[Path]:
    """All files in folders, sorted."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}


@contextmanager
def changed(path: Path, change: Callable[[Path], None]) -> Iterator[None]:
    """Change a file, link or folder, and put it back as it was."""
    aside = path.with_name(f"{path.name}.aside") if len(path.name) < 200 else path.with_name("aside")
    parked = path.parents[1] / f"aside-{aside.name}"[:200]
    shutil.move(path, parked)
    if parked.is_dir():
        shutil.copytree(parked, path, symlinks=True)
    else:
        shutil.copy2(parked, path)
    try:
        change(path)
        yield
    finally:
        remove(path)
        shutil.move(parked, path)


def remove(path: Path) -> None:
    """Whatever it is."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
