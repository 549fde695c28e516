"""Reading a task's data from a folder or file, whatever its layout."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

from bench.errors import did_you_mean
from bench.paths import entries, is_file
from bench.tasks.beir import read_beir, splits_of
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.hub_layout import ALSO, is_hub_layout
from bench.tasks.mteb_bridge import MtebDefinition, definition
from bench.tasks.mteb_data import MtebData, load_mteb
from bench.tasks.pairs import read_pair_files
from bench.tasks.readers.files import DataFile, find_table, foreign_hint, listed, local_file, local_files, whole_tables
from bench.tasks.tables.read import read_table

TaskData: TypeAlias = RetrievalData | PairData | MtebData

DEFAULT_SUBSET = "default"
_SHOWN = 5


def read_data(card: TaskCard, path: Path, split: str, subset: str, also: Collection[str] = ()) -> TaskData:
    """The data of one split and subset.

    Args:
        card: The task's card.
        path: A BEIR folder, a folder or file of pairs, a folder or file of tables, or a data set in the
            Hub's file layout.
        split: The split.
        subset: The subset, DEFAULT_SUBSET where the task has none.
        also: Of a retrieval folder, ids of queries that labels beside the data judge (bench.tasks.labels).

    Raises:
        NotHereError: It is not in there.
        BenchError: It is there and broken.
    """
    if card.table is not None:
        return read_table(local_files(path), card, split)
    if card.mteb is not None and (card.type == "mteb" or (is_hub_layout(path) and not _is_whole_beir(path))):
        return _read_hub_layout(definition(card.mteb), path, split, subset, strict=card.strict)
    if card.type == "retrieval":
        return read_beir(
            path if subset == DEFAULT_SUBSET else path / subset,
            split,
            ignore_identical_ids=card.ignore_identical_ids,
            allow_empty=card.allow_empty,
            strict=card.strict,
            also=also,
        )
    return read_pair_files(_pair_files(card, path, split, subset), allow_empty=card.allow_empty)


def _is_whole_beir(path: Path) -> bool:
    """Whether a folder has BEIR's own files, whatever its README says."""
    return bool(find_table(path, ["corpus"])) and bool(splits_of(path))


def _read_hub_layout(task: MtebDefinition, path: Path, split: str, subset: str, *, strict: bool) -> TaskData:
    try:
        return load_mteb(task, path, split, subset, strict=strict)
    except NotHereError:
        other = ALSO.get(split)
        if other is None:
            raise
        try:
            return load_mteb(task, path, other, subset, strict=strict)
        except NotHereError:
            pass
        raise


def _pair_files(card: TaskCard, path: Path, split: str, subset: str) -> list[DataFile]:
    if is_file(path):
        if split == card.splits[0]:
            return whole_tables([local_file(path)])
        raise NotHereError(f"one file has no split `{split}`", where=str(path))
    stems = [f"{folder}{name}" for name in (split, ALSO.get(split, split)) for folder in ("", "data/", "default/")]
    if subset != DEFAULT_SUBSET:
        # Subsets of the only split need no folder for it.
        own = [subset] if split == card.splits[0] else []
        stems = [f"{split}/{subset}", *own, f"{subset}/{split}", f"data/{subset}/{split}"]
    if found := find_table(path, stems):
        return found
    stem = split if subset == DEFAULT_SUBSET else subset
    files = [file for folder in (path, path / "data") for file in listed(folder, path)]
    there = list(dict.fromkeys(file.parts.stem for file in files if file.parts.tabular))
    others = ", ".join(entry.name for entry in entries(path)[:_SHOWN]) or "nothing"
    shown = f"files of pairs found: {', '.join(there)}" if there else f"no file of pairs; in the folder: {others}"
    close = did_you_mean(stem, there)
    raise NotHereError(
        f"no file {stem}.jsonl, nor one of another format",
        where=str(path),
        hint=foreign_hint(path, *stems) or (f"{close} {shown}" if close else shown),
    )
