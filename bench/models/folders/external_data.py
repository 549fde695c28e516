"""The files that an ONNX graph takes weights from, read from its protobuf; nothing is loaded."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from bench.errors import BenchError
from bench.regular import open_regular

# By message of onnx.proto3 the fields that hold messages with tensors, by number.
_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DEEPEST = 200
_LONGEST_ENTRY = 100_000


def external_data(graph: Path, where: str) -> set[str]:
    """The names of the files that an ONNX graph keeps weights in, as it states them.

    Args:
        graph: The file of the graph.
        where: What messages call the model.

    Raises:
        BenchError: It is no ONNX graph, or cannot be read.
    """
    try:
        with open_regular(graph) as handle:
            size = handle.seek(0, io.SEEK_END)
            handle.seek(0)
            return set(_locations(handle, size, "model", 0))
    except OSError as error:
        raise BenchError(f"{graph}: cannot read: {error.strerror or error}", where=where) from error
    except ValueError as error:
        raise BenchError(
            f"{graph} is no ONNX graph, or cut off: {error}", where=where, hint="copy or download the whole file again"
        ) from error


def _locations(handle: BinaryIO, end: int, message: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    inner = _FIELDS[message]
    while (start := handle.tell()) < end:
        tag = _varint(handle)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _varint(handle)
            continue
        length = {1: 8, 5: 4}.get(kind, -1) if kind != 2 else _varint(handle)
        stop = handle.tell() + length
        if length < 0 or stop > end:
            raise ValueError(f"a field at byte {start:,} that does not end")
        if kind == 2 and inner.get(number) == "entry":
            yield from _location(handle.read(min(length, _LONGEST_ENTRY)))
        elif kind == 2 and number in inner:
            yield from _locations(handle, stop, inner[number], depth + 1)
        handle.seek(stop)


def _location(entry: bytes) -> Iterator[str]:
    """The value of a pair of texts whose key is `location`."""
    handle, found = io.BytesIO(entry), {}
    while handle.tell() < len(entry):
        tag = _varint(handle)
        if tag & 7 != 2:
            raise ValueError("an entry that is no pair of texts")
        found[tag >> 3] = handle.read(_varint(handle))
    if found.get(1) == b"location":
        yield found.get(2, b"").decode("utf-8")


def _varint(handle: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = handle.read(1)
        if not byte or shift > 63:
            raise ValueError("a number that does not end")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
