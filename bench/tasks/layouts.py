"""Reading a task's data from a folder or file, whatever its layout."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from bench.files import read_text
from bench.tasks.beir import read_beir, splits_of
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.mteb_bridge import MtebDefinition, definition
from bench.tasks.mteb_data import MtebData, load_mteb
from bench.tasks.pairs import SUFFIXES, read_pairs
from bench.tasks.tables.files import local_files
from bench.tasks.tables.read import read_table

TaskData: TypeAlias = RetrievalData | PairData | MtebData

DEFAULT_SUBSET = "default"
# The same split under its other name.
_ALSO = {"validation": "dev", "dev": "validation"}


def read_data(card: TaskCard, path: Path, split: str, subset: str) -> TaskData:
    """The data of one split and subset.

    Args:
        card: The task's card.
        path: A BEIR folder, a folder or file of pairs, a folder or file of tables, or a data set in the
            Hub's file layout.
        split: The split.
        subset: The subset, DEFAULT_SUBSET where the task has none.

    Raises:
        NotHereError: It is not in there.
        BenchError: It is there and broken.
    """
    if card.table is not None:
        return read_table(local_files(path), card, split)
    if card.mteb is not None and (card.type == "mteb" or is_hub_layout(path)):
        return _read_hub_layout(definition(card.mteb), path, split, subset, strict=card.strict)
    if card.type == "retrieval":
        return read_beir(
            path if subset == DEFAULT_SUBSET else path / subset,
            split,
            ignore_identical_ids=card.ignore_identical_ids,
            allow_empty=card.allow_empty,
            strict=card.strict,
        )
    return read_pairs(_pair_file(card, path, split, subset), allow_empty=card.allow_empty)


def is_hub_layout(path: Path) -> bool:
    """Whether a folder is a data set as the Hub keeps it: its README says which files make which configuration."""
    if (path / "corpus.jsonl").is_file() and splits_of(path):
        return False
    readme = path / "README.md"
    return readme.is_file() and read_text(readme).startswith("---")


def _read_hub_layout(task: MtebDefinition, path: Path, split: str, subset: str, *, strict: bool) -> TaskData:
    try:
        return load_mteb(task, path, split, subset, strict=strict)
    except NotHereError:
        other = _ALSO.get(split)
        if other is None:
            raise
        try:
            return load_mteb(task, path, other, subset, strict=strict)
        except NotHereError:
            pass
        raise


def _pair_file(card: TaskCard, path: Path, split: str, subset: str) -> Path:
    if path.is_file():
        if split == card.splits[0]:
            return path
        raise NotHereError(f"one file has no split `{split}`", where=str(path))
    stems = [split, _ALSO.get(split, split)]
    if subset != DEFAULT_SUBSET:
        # Subsets of the only split need no folder for it.
        stems = [f"{split}/{subset}", *([subset] if split == card.splits[0] else [])]
    for stem in stems:
        for suffix in SUFFIXES:
            if (path / f"{stem}{suffix}").is_file():
                return path / f"{stem}{suffix}"
    found = ", ".join(sorted(file.stem for file in path.iterdir() if file.suffix in SUFFIXES)) or "none"
    stem = split if subset == DEFAULT_SUBSET else subset
    raise NotHereError(f"no file {stem}.jsonl or {stem}.csv", where=str(path), hint=f"files of pairs found: {found}")
