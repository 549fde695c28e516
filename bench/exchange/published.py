"""Reading result files that MTEB publishes: of one task, of one model, or of a whole results repository."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UsageError
from bench.paths import has_file, is_file, path_exists, walk_files
from bench.reading import parse_json, read_text
from bench.regular import MOST_RECORD

MODEL_FILE = "model_meta.json"
# Where mteb keeps results of cut and quantised vectors: those are no full-width float32 scores.
EXPERIMENTS = "experiments"

_NOT_SCORES = {"hf_subset", "languages", "mteb_version", "evaluation_time", "kg_co2_emissions"}
# mteb 1.x wrote these as [correlation, p-value].
_WITH_P_VALUE = {"pearson", "spearman"}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_VERSION = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class PublishedScores:
    """The scores of one split and subset.

    Attributes:
        split: The split.
        subset: The subset, `default` where the task has none.
        metrics: By MTEB's names, numbers only.
        unreadable: What is no number: its name and why it cannot be compared.
    """

    split: str
    subset: str
    metrics: dict[str, float]
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedTask:
    """One result file.

    Attributes:
        name: MTEB's name of the task.
        path: The file.
        dataset_revision: Commit of the data set that was scored.
        scores: Its splits and subsets.
        mteb_version: The mteb that wrote it; None where that is not known.
    """

    name: str
    path: Path
    dataset_revision: str | None
    scores: list[PublishedScores]
    mteb_version: tuple[int, ...] | None = None

    @property
    def splits(self) -> list[str]:
        """The splits scored, each once."""
        return list(dict.fromkeys(scores.split for scores in self.scores))


@dataclass(frozen=True)
class Publication:
    """The result files of one model and revision.

    Attributes:
        model: MTEB's name of the model (owner/name); None where neither a file nor a folder names it.
        revision: Commit of the model, where it is known.
        folder: Where the files are.
        files: The files, one a task.
    """

    model: str | None
    revision: str | None
    folder: Path
    files: list[Path]


def find_publications(path: Path) -> list[Publication]:
    """The publications at a path: a result file, a folder of them, or folders `<model>/<revision>/` of them.

    Raises:
        UsageError: No such path, or no result file there.
    """
    if not path_exists(path):
        raise UsageError(f"no file or folder {path}", hint="give result files of MTEB: a folder, or one .json")
    if is_file(path):
        return [_publication(path.resolve().parent, [path])]
    folders: dict[Path, list[Path]] = {}
    for file in walk_files(path):
        inside = file.relative_to(path).parts[:-1]
        hidden = any(part.startswith(".") for part in inside)
        if file.suffix == ".json" and file.name != MODEL_FILE and EXPERIMENTS not in inside and not hidden:
            folders.setdefault(file.parent, []).append(file)
    if not folders:
        raise UsageError("no result files of MTEB in this folder", where=str(path), hint="expected <Task>.json files")
    return [_publication(folder, files) for folder, files in folders.items()]


def _publication(folder: Path, files: list[Path]) -> Publication:
    meta = folder / MODEL_FILE
    if has_file(meta):
        facts = _read_object(meta)
        name, revision = facts.get("name"), facts.get("revision")
        return Publication(
            name if isinstance(name, str) else None, revision if isinstance(revision, str) else None, folder, files
        )
    # Without it the folders' names say it: owner__name, or owner__name/<commit>.
    whole = folder.resolve()
    for named, revision in ((whole, None), (whole.parent, whole.name)):
        if "__" in named.name:
            commit = revision if revision and _COMMIT.fullmatch(revision) else None
            return Publication(named.name.replace("__", "/", 1), commit, folder, files)
    return Publication(None, None, folder, files)


def read_task(path: Path) -> PublishedTask:
    """Read one result file of mteb 1.11 or later.

    Raises:
        BenchError: It is not JSON, no result of MTEB, or of an older format.
    """
    content = _read_object(path)
    if "scores" not in content:
        if "mteb_dataset_name" in content or "mteb_version" in content:
            raise BenchError(
                "too old a format: written by an mteb before 1.11",
                where=str(path),
                hint="mteb converts it: mteb.results.TaskResult.from_disk(Path(OLD)).to_disk(Path(NEW))",
            )
        raise BenchError("not a result file of MTEB: no key `scores`", where=str(path), hint="give <Task>.json files")
    splits = content["scores"]
    found = []
    if not isinstance(splits, dict):
        raise _fault(path, "scores", "an object, a list for each split")
    for split, entries in splits.items():
        if not isinstance(entries, list):
            raise _fault(path, f"scores.{split}", "a list, an object for each subset")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise _fault(path, f"scores.{split}[{number}]", "an object")
            found.append(_scores(split, entry))
    keys = [(scores.split, scores.subset) for scores in found]
    for key in keys:
        if keys.count(key) > 1:
            raise BenchError(f"the subset `{key[1]}` stands twice in the split `{key[0]}`", where=str(path))
    name = content.get("task_name")
    revision = content.get("dataset_revision")
    return PublishedTask(
        name if isinstance(name, str) and name else path.stem,
        path,
        revision if isinstance(revision, str) else None,
        found,
        _version(content.get("mteb_version")),
    )


def _version(text: Any) -> tuple[int, ...] | None:
    """The numbers of a version; those of a pre-release up to its first letter."""
    found = _VERSION.match(text) if isinstance(text, str) else None
    return tuple(map(int, found[0].split("."))) if found else None


def _scores(split: str, entry: dict[str, Any]) -> PublishedScores:
    metrics: dict[str, float] = {}
    unreadable: dict[str, str] = {}
    for name, value in entry.items():
        if name in _NOT_SCORES:
            continue
        number = value[0] if name in _WITH_P_VALUE and isinstance(value, list) and len(value) == 2 else value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            unreadable[name] = "the published value is no number"
        elif not abs(number) <= sys.float_info.max:
            unreadable[name] = "the published value is not finite"
        else:
            metrics[name] = float(number)
    subset = entry.get("hf_subset")
    return PublishedScores(split, subset if isinstance(subset, str) else "default", metrics, unreadable)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, MOST_RECORD))
    except (ValueError, RecursionError) as error:
        raise BenchError(f"not JSON: {error}", where=str(path), hint="give result files of MTEB") from error
    if not isinstance(content, dict):
        raise BenchError("not a result file of MTEB: expected a JSON object", where=str(path))
    return content


def _fault(path: Path, key: str, expected: str) -> BenchError:
    return BenchError(f"not a result file of MTEB: `{key}` should be {expected}", where=str(path))
