"""Checking a whole results folder: every record and every table, and how to heal what is damaged."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.paths import bytes_if_there, links_and_files
from bench.regular import MOST_TABLE
from bench.results.acceptances import AcceptanceRecord
from bench.results.parsing import read_record, table_name
from bench.results.revisions import Git
from bench.results.schema import AuditRecord, EnvironmentRecord, ModelRecord
from bench.results.store import FOLDERS, table_path
from bench.results.table_checks import check_table

# What writes the records of a folder; `bench run` those of the others.
_AGAIN = {"cost": "bench cost", "acceptances": "bench baseline update"}


@dataclass(frozen=True)
class Damage:
    """A file that is not what was written.

    Attributes:
        path: The file.
        why: What is wrong with it.
        heal: A command that heals it.
    """

    path: Path
    why: str
    heal: str


@dataclass
class Verification:
    """What a check of a results folder found.

    Attributes:
        records: Records that are sound, by folder.
        tables: Tables that are sound.
        older: Sound records from before there were digests.
        damaged: What is not sound.
        unused: Files that no reader of results reads: tables without a record, leftovers of a run that was killed.
    """

    records: Counter[str] = field(default_factory=Counter)
    tables: int = 0
    older: int = 0
    damaged: list[Damage] = field(default_factory=list)
    unused: list[Path] = field(default_factory=list)


def verify_folder(root: Path) -> Verification:
    """Check every record and every table in a results folder.

    Args:
        root: The folder.
    """
    found, named = Verification(), set()
    for path in _files(root):
        if path.suffix != ".json":
            continue
        # Of a damaged record the table is taken for the one of its name.
        named.add(path.with_suffix(".parquet"))
        try:
            record, verified = read_record(path)
        except BenchError as error:
            found.damaged.append(_damage(path, error, root, None))
            continue
        found.records[path.relative_to(root).parts[0]] += 1
        found.older += not verified
        if isinstance(record, EnvironmentRecord | AuditRecord | AcceptanceRecord) or not table_name(record):
            continue
        named.add(table_path(path, record))
        try:
            check_table(path, record)
            found.tables += 1
        except BenchError as error:
            found.damaged.append(_damage(table_path(path, record), error, root, record))
    found.unused = [path for path in _files(root) if path not in named and path.suffix != ".json"]
    return found


def _files(root: Path) -> Iterator[Path]:
    """Files in the folders of records."""
    for name in FOLDERS:
        yield from sorted(path for path, _ in links_and_files(root / name))


def _damage(path: Path, error: BenchError, root: Path, record: ModelRecord | None) -> Damage:
    why = error.message.removeprefix("damaged: ")
    if _committed_otherwise(path):
        return Damage(path, why, f"git checkout HEAD -- {shlex.quote(str(path))}")
    here = {file for file, _ in links_and_files(path.parent)}
    gone = [file for suffix in (".json", ".parquet") if (file := path.with_suffix(suffix)) in here]
    files = " ".join(shlex.quote(str(file)) for file in gone)
    return Damage(path, why, f"rm {files} && {_again(path.relative_to(root).parts[0], record)}")


def _again(folder: str, record: ModelRecord | None) -> str:
    """The command that makes a record again; of a damaged one nothing is believed, so that it makes all that lack."""
    command = _AGAIN.get(folder, "bench run")
    if record is None:
        return command
    names = shlex.quote(record.model.name), shlex.quote(record.task.name)
    return f"{command} --model {names[0]} --tasks {names[1]}"


def _committed_otherwise(path: Path) -> bool:
    """Whether the last commit has other content of a file, so that git can restore it."""
    try:
        committed = Git(path.parent).need("cat-file", "blob", f"HEAD:./{path.name}")
        return bytes_if_there(path, MOST_TABLE) != committed
    except (BenchError, OSError):
        return False
