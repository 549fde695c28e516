"""Damage to the bytes of a file, by where in it the damage lies."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from torture.flips import classes_of

Damage = Callable[[bytes, np.random.Generator], bytes]


def _any_bit(start: float, stop: float) -> Damage:
    """A bit in a part of a file."""

    def damage(content: bytes, rng: np.random.Generator) -> bytes:
        first, last = int(start * len(content)), max(int(stop * len(content)), 1)
        return _flipped(content, int(rng.integers(min(first, last - 1), last)), rng)

    return damage


def _bit_of(kind: str, suffix: str) -> Damage:
    """A bit of a class of bytes."""

    def damage(content: bytes, rng: np.random.Generator) -> bytes:
        parts = [part for part in classes_of(content, suffix).get(kind, ()) if part]
        if not parts:
            return _flipped(content, int(rng.integers(len(content) + 1)), rng)
        part = parts[int(rng.integers(len(parts)))]
        return _flipped(content, int(rng.integers(part.start, part.stop)), rng)

    return damage


def _flipped(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    if not content:
        return b"\x01"
    place = min(place, len(content) - 1)
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def _truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    """A block that was never written, as after a power cut."""
    start = int(rng.integers(len(content) + 1))
    length = int(rng.integers(1, 513))
    return (content[:start] + bytes(min(length, len(content) - start)) + content[start + length :])[: len(content)]


def _doubled(content: bytes, rng: np.random.Generator) -> bytes:
    return content + content


def _digit(content: bytes, rng: np.random.Generator) -> bytes:
    """Another digit for a digit: what stays JSON."""
    places = [found.start() for found in re.finditer(rb"[0-9]", content)]
    if not places:
        return content + b"0"
    place = places[int(rng.integers(len(places)))]
    other = (content[place] - 48 + int(rng.integers(1, 10))) % 10 + 48
    return content[:place] + bytes([other]) + content[place + 1 :]


def _line_gone(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    del lines[int(rng.integers(len(lines)))]
    return b"\n".join(lines)


_ANYWHERE: dict[str, Damage] = {
    "a bit at the start": _any_bit(0, 0.02),
    "a bit anywhere": _any_bit(0, 1),
    "a bit at the end": _any_bit(0.98, 1),
    "cut short": _truncated,
    "a block of zeros": _zeroed,
    "written twice": _doubled,
    "empty": lambda content, rng: b"",
    "another digit": _digit,
    "a line gone": _line_gone,
    "not text": lambda content, rng: rng.bytes(200),
}
_JSON = ("digest", "version", "key", "text", "number", "word", "space", "structure")
_PARQUET = ("magic", "pages", "footer", "length")


def damages(suffix: str) -> dict[str, Damage]:
    """All damage to a file of a suffix, by name."""
    kinds = {".json": _JSON, ".parquet": _PARQUET}.get(suffix, ())
    return {f"a bit of the {kind}": _bit_of(kind, suffix) for kind in kinds} | _ANYWHERE
