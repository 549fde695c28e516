"""Damage to the bytes of a file, by where in it the damage lies."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]


def flip(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    """One bit of a byte the other way round."""
    if not content:
        return b"\x01"
    place = min(max(place, 0), len(content) - 1)
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def _one(places: list[int], content: bytes, rng: np.random.Generator) -> bytes:
    return flip(content, places[int(rng.integers(len(places)))] if places else int(rng.integers(len(content) + 1)), rng)


def _matching(pattern: bytes) -> Damage:
    expression = re.compile(pattern, re.DOTALL)

    def damage(content: bytes, rng: np.random.Generator) -> bytes:
        places = [
            place for found in expression.finditer(content[:200_000]) for place in range(found.start(1), found.end(1))
        ]
        return _one(places, content, rng)

    return damage


def _within(start: float, stop: float, most: int | None = None) -> Damage:
    def damage(content: bytes, rng: np.random.Generator) -> bytes:
        first, last = int(start * len(content)), int(stop * len(content))
        if most is not None:
            first, last = (0, most) if start == 0 else (len(content) - most, len(content))
        return flip(content, int(rng.integers(max(first, 0), max(last, first + 1, 1))), rng)

    return damage


# Where a bit may flip. Of files that are no JSON, the classes of JSON fall back to any place.
FLIPS: dict[str, Damage] = {
    "a bit of the header": _within(0, 0, 16),
    "a bit of the middle": _within(0.02, 0.98),
    "a bit of the end": _within(1, 1, 16),
    "a bit of the footer": _within(0.9, 1),
    "a bit of a digit": _matching(rb"[:\s\[]-?([0-9.]+)"),
    "a bit of a key": _matching(rb'"(\w+)":'),
    "a bit of a text": _matching(rb': "([^"]+)"'),
    "a bit of a digest": _matching(rb'"([0-9a-f]{12,64})"'),
}


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


OTHERS: dict[str, Damage] = {
    "cut short": _truncated,
    "a block of zeros": _zeroed,
    "written twice": _doubled,
    "empty": lambda content, rng: b"",
    "another digit": _digit,
    "a line gone": _line_gone,
    "not text": lambda content, rng: rng.bytes(200),
}
DAMAGE = FLIPS | OTHERS
