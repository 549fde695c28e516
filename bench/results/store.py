"""Reading and writing the results folder: append-only, each record a file written atomically."""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.files import digest_json, safe_name, write_bytes, write_text
from bench.inside import inside
from bench.paths import files_below, path_exists
from bench.regular import MOST_TABLE, read_bytes
from bench.results.acceptances import AcceptanceRecord
from bench.results.digests import TABLE_DIGEST, content_digest, damaged_record, damaged_table, record_text
from bench.results.parsing import Stored, read_record, table_name
from bench.results.schema import (
    AuditRecord,
    CostRecord,
    EnvironmentRecord,
    ModelRecord,
    QualityRecord,
    UnitRecord,
)
from bench.results.study_records import ControlRecord, FidelityRecord, RerankRecord

RECORD_FOLDERS = ("quality", "controls", "fidelity", "rerank", "cost", "audits")
_MOST_CELLS = 1_000_000_000
FOLDERS = ("environments", "acceptances", *RECORD_FOLDERS)
_UNREADABLE = "cannot read the table of this record"


class ResultStore:
    """A results folder.

    Args:
        root: The folder; it is made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._newest = ""

    def records(self) -> list[tuple[Path, UnitRecord]]:
        """All records but those of environments, oldest first.

        Raises:
            BenchError: A file that is no record, or of a newer schema.
        """
        with _no_collector():
            found = [
                (path, record)
                for path, record in self._read()
                if not isinstance(record, EnvironmentRecord | AcceptanceRecord)
            ]
        found.sort(key=lambda item: (item[1].created, item[0].name))
        self._newest = found[-1][1].created if found else ""
        return found

    def stamp(self) -> str:
        """The time for a new record, UTC; later than all records read, even where some clock ran ahead."""
        now = datetime.now(UTC)
        with suppress(ValueError, TypeError):
            now = max(now, datetime.fromisoformat(self._newest) + timedelta(microseconds=1))
        self._newest = now.isoformat(timespec="microseconds")
        return self._newest

    def environments(self) -> dict[str, dict[str, Any]]:
        """The facts of each environment, by fingerprint."""
        return {
            record.fingerprint: record.facts
            for _, record in self._read(("environments",))
            if isinstance(record, EnvironmentRecord)
        }

    def acceptances(self) -> list[AcceptanceRecord]:
        """What was accepted on purpose, oldest first.

        Raises:
            BenchError: As records.
        """
        found = [record for _, record in self._read(("acceptances",)) if isinstance(record, AcceptanceRecord)]
        return sorted(found, key=lambda record: record.created)

    def write_quality(self, record: QualityRecord, items: dict[str, npt.NDArray[Any] | list[Any]]) -> Path:
        """Write a quality record and the scores of its queries or pairs.

        Args:
            record: The record; its `items` is set here.
            items: Columns of the Parquet file.
        """
        return self._write("quality", record, "items", items)

    def write_controls(self, record: ControlRecord, items: dict[str, npt.NDArray[Any] | list[Any]]) -> Path:
        """Write a record of controls and the scores of their queries or pairs."""
        return self._write("controls", record, "items", items)

    def write_rerank(self, record: RerankRecord, items: dict[str, npt.NDArray[Any] | list[Any]]) -> Path:
        """Write a record of shortlists and the scores of their queries."""
        return self._write("rerank", record, "items", items)

    def write_fidelity(self, record: FidelityRecord, items: dict[str, npt.NDArray[Any] | list[Any]]) -> Path:
        """Write a record of fidelity and the measures of its queries or the similarities of its pairs."""
        return self._write("fidelity", record, "items", items)

    def write_cost(self, record: CostRecord, samples: dict[str, npt.NDArray[Any] | list[Any]]) -> Path:
        """Write a cost record and its raw samples."""
        return self._write("cost", record, "samples", samples)

    def write_audit(self, record: AuditRecord) -> Path:
        """Write an audit record."""
        task = record.task
        unique = digest_json(record.model_dump(mode="json"))[:8]
        parts = [safe_name(task.split), safe_name(task.subset), task.fingerprint[:8], unique]
        stem = "-".join(part for part in parts if part != "default")
        path = self.root / "audits" / safe_name(task.name) / f"{stem}.json"
        _write_record(path, record)
        return path

    def write_acceptance(self, record: AcceptanceRecord) -> Path:
        """Write what was accepted."""
        unique = digest_json(record.model_dump(mode="json"))[:8]
        path = self.root / "acceptances" / f"{safe_name(record.created)}-{unique}.json"
        _write_record(path, record)
        return path

    def write_environment(self, fingerprint: str, facts: dict[str, Any]) -> None:
        """Write the facts of an environment, once."""
        path = self.root / "environments" / f"{safe_name(fingerprint)}.json"
        if not path_exists(path):
            record = EnvironmentRecord(fingerprint=fingerprint, facts=facts)
            _write_record(path, record)

    def _write(
        self,
        folder: str,
        record: ModelRecord,
        table_key: str,
        columns: dict[str, npt.NDArray[Any] | list[Any]],
    ) -> Path:
        task, model = record.task, record.model
        # The digest makes the name unique, so that nothing is ever overwritten.
        unique = digest_json(record.model_dump(mode="json"))[:8]
        parts = [safe_name(model.name), model.fingerprint[:8], safe_name(task.split), safe_name(task.subset), unique]
        stem = "-".join(part for part in parts if part != "default")
        path = self.root / folder / safe_name(task.name) / f"{stem}.json"
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink, compression="zstd")
        table = sink.getvalue()
        # The table first: a record that can be read always has its table.
        write_bytes(path.with_suffix(".parquet"), table)
        stated = {table_key: f"{stem}.parquet", TABLE_DIGEST: content_digest(table)}
        try:
            _write_record(path, record.model_copy(update=stated))
        except BenchError:
            path.with_suffix(".parquet").unlink(missing_ok=True)
            raise
        return path

    def _read(self, folders: tuple[str, ...] = FOLDERS) -> Iterator[tuple[Path, Stored]]:
        for folder in folders:
            for path in files_below(self.root / folder, ".json"):
                yield path, read_record(path)[0]


def is_result_file(path: PurePosixPath) -> bool:
    """Whether a path that starts in a results folder is that of a record or of its table; hidden files are none."""
    named = path.suffix in {".json", ".parquet"} and not any(part.startswith(".") for part in path.parts)
    return named and len(path.parts) > 1 and path.parts[0] in FOLDERS


def read_items(record_path: Path, record: ModelRecord, columns: Sequence[str] | None = None) -> pa.Table:
    """The Parquet table of a record: scores of queries and pairs, or raw samples.

    Args:
        record_path: The record's file.
        record: The record.
        columns: Those to read, in the file's order; what the table does not have is left out. All by default.

    Raises:
        BenchError: The file is missing or damaged.
    """
    content = table_bytes(record_path, record)
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            # A few bytes can stand for any number of equal cells.
            if file.metadata.num_rows * file.metadata.num_columns > _MOST_CELLS:
                raise BenchError(
                    f"a table of more than {_MOST_CELLS:,} cells, the most that is read",
                    where=str(table_path(record_path, record)),
                )
            # Threads cost more than these small tables.
            return file.read(columns, use_threads=False)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise damaged_table(table_path(record_path, record), f"{_UNREADABLE}: {error}") from error


def table_path(record_path: Path, record: ModelRecord) -> Path:
    """The Parquet file of a record.

    Raises:
        DamagedError: The record names none.
    """
    name = table_name(record)
    if not name:
        raise damaged_record(record_path, "it names no table")
    return inside(record_path.parent, name)


def table_bytes(record_path: Path, record: ModelRecord) -> bytes:
    """The content of a record's Parquet file.

    Raises:
        DamagedError: The file is missing, or it does not match the digest that the record states.
        BenchError: It cannot be read.
    """
    path = table_path(record_path, record)
    try:
        content = read_bytes(path, MOST_TABLE)
    except FileNotFoundError as error:
        raise damaged_table(path, f"{_UNREADABLE}: no such file") from error
    except OSError as error:
        raise BenchError(
            f"{_UNREADABLE}: {error.strerror or error}",
            where=str(path),
            hint="check the permissions, or run again with --force",
        ) from error
    if record.table_digest is not None and content_digest(content) != record.table_digest:
        raise damaged_table(path, f"{_UNREADABLE}: its content does not match its digest")
    return content


def _write_record(path: Path, record: Stored) -> None:
    write_text(path, record_text(record.model_dump(mode="json")))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Records are millions of objects without a cycle; the garbage collector would walk them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
