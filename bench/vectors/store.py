"""The store of encoded texts: every text once a model, at full width in float32.

One folder a vector space (a model's fingerprint without prompts). In it, chunk files: Arrow IPC files
of two columns, `key` (16 bytes, identity of prompt and text) and `vector` (float32 x width), named by
the BLAKE2b-128 of their content. So a chunk is written once and never changed, a damaged one is found
by hashing it, and processes that write at the same time cannot overwrite each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from bench.errors import BenchError
from bench.files import digest_file, remove_file, write_bytes, write_error
from bench.models.profile import ModelProfile, TextContext
from bench.paths import entries, is_folder, links_and_files, matching
from bench.sealed import DamagedError, read_sealed, write_sealed

KEY_BYTES = 16
# What lies beside the chunks, with digests (bench.sealed).
_PROFILE, _NAMES, BATCH_SIZE = "profile.json", "names.json", "batch_size.json"
# The key of a chunk's metadata that holds its space: a chunk of another model is no chunk of this one.
_SPACE = "space"

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
# Of a chunk; hundreds of times what one of the widest vectors takes.
_MOST_BYTES = 8 << 30
# A pyarrow array of fixed-size binary, KEY_BYTES each.
Keys: TypeAlias = Any


def text_keys(texts: Sequence[str], context: TextContext) -> Keys:
    """The identity of each text as a model sees it: the prompt, the argument `task` and the text.

    Returns:
        Fixed-size binary array, BLAKE2b-128 of each text.
    """
    start = hashlib.blake2b(digest_size=KEY_BYTES)
    # Vectors from padded batches are no vectors of a model that depends on padding.
    batching = () if context.batching == "any" else (context.batching,)
    for part in (context.prompt, context.task or "", *batching):
        start.update(len(part).to_bytes(8, "little") + part.encode("utf-8", "surrogatepass"))
    digests = bytearray()
    for text in texts:
        state = start.copy()
        state.update(text.encode("utf-8", "surrogatepass"))
        digests += state.digest()
    return keys_from_bytes(bytes(digests))


def keys_from_bytes(raw: bytes) -> Keys:
    """The key array whose entries stand one after the other in `raw`."""
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(raw) // KEY_BYTES, [None, pa.py_buffer(raw)])


def keys_to_bytes(keys: Keys) -> bytes:
    """The entries of a key array, one after the other."""
    return b"".join(keys.to_pylist())


class Vectors:
    """The vectors of a list of texts, read from memory-mapped chunks.

    Row i belongs to the i-th key asked for; texts that are equal share their stored vector.

    Attributes:
        width: Dimensions of a vector.
    """

    def __init__(self, chunks: list[Float32], positions: Int64, width: int) -> None:
        self._chunks = chunks
        self._starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
        self._positions = positions
        self.width = width

    def __len__(self) -> int:
        return len(self._positions)

    def rows(self, rows: Int64 | slice) -> Float32:
        """The vectors of some rows, shape (len(rows), width), float32."""
        return self._gather(self._positions[rows])

    def all(self) -> Float32:
        """Every row in order, shape (n, width), float32; for sets that are known to be small."""
        return self._gather(self._positions)

    def blocks(self, size: int) -> Iterator[tuple[Int64, Float32]]:
        """All rows, in the order in which they are stored, at most `size` at a time.

        Yields:
            Row numbers, shape (m,), and their vectors, shape (m, width), float32.
        """
        order = np.argsort(self._positions, kind="stable")
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield rows, self._gather(self._positions[rows])

    def _gather(self, positions: Int64) -> Float32:
        result = np.empty((len(positions), self.width), dtype=np.float32)
        owners = np.searchsorted(self._starts, positions, side="right") - 1
        for owner in np.unique(owners):
            mine = owners == owner
            result[mine] = self._chunks[owner][positions[mine] - self._starts[owner]]
        return result


class VectorSpace:
    """The stored vectors of one model (see the module's docstring).

    Args:
        root: The store's folder.
        fingerprint: The vector space's fingerprint.

    Attributes:
        folder: Where the chunks are.
        damaged: Files that were found damaged and removed since this object was made.
    """

    def __init__(self, root: Path, fingerprint: str) -> None:
        self.folder = root / fingerprint
        self.damaged: list[str] = []
        self._names: list[str] = []
        self._chunks: list[Float32] = []
        self._keys: list[Keys] = []

    def profile(self) -> ModelProfile | None:
        """The model's profile as it was stored, or None before the model was first loaded."""
        kept = self._kept(_PROFILE)
        try:
            return None if kept is None else ModelProfile.model_validate(kept)
        except ValueError:
            # Another version's.
            return None

    def save_profile(self, profile: ModelProfile, name: str) -> None:
        """Keep a model's profile beside its vectors, and its name for people."""
        write_sealed(self.folder / _PROFILE, profile.model_dump(mode="json"))
        known = self._kept(_NAMES) or []
        if name not in known:
            write_sealed(self.folder / _NAMES, [*known, name])

    def _kept(self, name: str) -> Any:
        """The value of a small file beside the chunks, None where there is none; a damaged one is removed and noted."""
        try:
            return read_sealed(self.folder / name)
        except DamagedError:
            self._drop(self.folder / name)
            return None

    def _drop(self, path: Path) -> None:
        self.damaged.append(path.name)
        remove_file(path)

    @contextmanager
    def lock(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the right to encode into this space, so that no two processes encode the same text.

        The lock goes when its process does, however that ends. Reading needs no lock.

        Args:
            on_wait: Called once when another process holds the lock.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire()
        except OSError as error:
            raise write_error(self.folder, error) from error
        try:
            yield
        finally:
            lock.release()

    def refresh(self) -> None:
        """Take in chunks written since the last call; damaged files are removed and noted in `damaged`.

        Raises:
            BenchError: A file cannot be read, or a damaged one not be removed.
        """
        for name in (_PROFILE, _NAMES, BATCH_SIZE):
            self._kept(name)
        for path in matching(self.folder, "*.arrow"):
            if path.stem in self._names:
                continue
            chunk = self._open(path)
            if chunk is None:
                self._drop(path)
                continue
            self._names.append(path.stem)
            self._keys.append(chunk[0])
            self._chunks.append(chunk[1])

    def locate(self, keys: Keys) -> Int64:
        """Where each key is stored, shape (n,); -1 for those that are not."""
        if not self._keys:
            return np.full(len(keys), -1, dtype=np.int64)
        known = pa.chunked_array(self._keys).combine_chunks()
        found = pc.fill_null(pc.index_in(keys, value_set=known), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    def vectors(self, keys: Keys) -> Vectors:
        """The vectors of these keys.

        Raises:
            BenchError: Some are not stored.
        """
        positions = self.locate(keys)
        missing = int((positions < 0).sum())
        if missing:
            raise BenchError(
                f"{missing} of {len(keys)} vectors are not in the store",
                where=str(self.folder),
                hint="run again: what is missing is encoded",
            )
        return Vectors(self._chunks, positions, self._chunks[0].shape[1])

    def append(self, keys: Keys, matrix: Float32) -> None:
        """Write one chunk: keys (n,) and their vectors (n, width).

        Raises:
            BenchError: The disk is full or not writable.
        """
        values = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        table = pa.Table.from_arrays([keys, values], names=["key", "vector"], metadata={_SPACE: self.folder.name})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        content = sink.getvalue().to_pybytes()
        name = hashlib.blake2b(content, digest_size=16).hexdigest()
        write_bytes(self.folder / f"{name}.arrow", content)
        self.refresh()

    def _open(self, path: Path) -> tuple[Keys, Float32] | None:
        # Only a content that is not its name's is damage; a file that cannot be read just now must not be deleted.
        try:
            if digest_file(path, most=_MOST_BYTES) != path.stem:
                return None
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except pa.ArrowInvalid:
            return None
        except FileNotFoundError as error:
            raise BenchError("was deleted while it was read", where=str(path), hint="run again") from error
        except OSError as error:
            raise BenchError(f"cannot read: {error.strerror or error}", where=str(path)) from error
        width = self._chunks[0].shape[1] if self._chunks else None
        if not _is_chunk(table.schema, self.folder.name, width):
            return None
        values = table.column("vector").combine_chunks()
        return table.column("key").combine_chunks(), values.flatten().to_numpy().reshape(-1, values.type.list_size)


def _is_chunk(schema: Any, space: str, width: int | None) -> bool:
    """Whether a file's schema is that of a space's chunks; earlier versions did not write the space."""
    kinds = [field.type for field in schema]
    if schema.names != ["key", "vector"] or kinds[0] != pa.binary(KEY_BYTES):
        return False
    if not pa.types.is_fixed_size_list(kinds[1]) or kinds[1].value_type != pa.float32():
        return False
    owner = (schema.metadata or {}).get(_SPACE.encode())
    return owner in {None, space.encode()} and width in {None, kinds[1].list_size}


def store_root(cache: Path) -> Path:
    """The folder of all vector spaces in a cache."""
    return cache / "vectors"


@dataclass(frozen=True)
class SpaceSize:
    """Room that a vector space takes.

    Attributes:
        fingerprint: Its name.
        names: Names of the models whose vectors it holds, as they were when they were encoded.
        files: Chunk files.
        bytes: Their size.
    """

    fingerprint: str
    names: str
    files: int
    bytes: int


def space_sizes(root: Path) -> list[SpaceSize]:
    """All vector spaces in a store."""
    sizes = []
    for folder in entries(root):
        # An emptied space keeps its folder, for the sake of processes that wait for its lock.
        if not is_folder(folder) or all(path.name == ".lock" for path in entries(folder)):
            continue
        chunks = [status.st_size for path, status in links_and_files(folder) if path.suffix == ".arrow"]
        sizes.append(
            SpaceSize(
                folder.name,
                _names(folder),
                len(chunks),
                sum(chunks),
            )
        )
    return sizes


def _names(folder: Path) -> str:
    try:
        return ", ".join(read_sealed(folder / _NAMES) or [])
    except DamagedError:
        return ""


def clear_space(folder: Path, on_wait: Callable[[], None]) -> int:
    """Delete a vector space, waiting for a process that is encoding into it.

    Args:
        folder: The space's folder.
        on_wait: Called once when another process is encoding into it.

    Returns:
        Bytes deleted.

    Raises:
        BenchError: It may not be deleted.
    """
    deleted = 0
    try:
        with VectorSpace(folder.parent, folder.name).lock(on_wait):
            for path in entries(folder):
                if path.name != ".lock":
                    deleted += path.lstat().st_size
                    path.unlink()
    except OSError as error:
        raise write_error(folder, error) from error
    return deleted
