"""Single flipped bits in files, seeded, at every class of byte that a kind of file has."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Classes of the bytes of a JSON text. The first pattern that covers a byte counts; what none covers is structure.
_JSON = (
    ("digest", rb'"(?:table_)?digest": "[0-9a-f]+"'),
    ("version", rb'"schema_version": \d+'),
    ("key", rb'"(?:[^"\\]|\\.)*"(?=:)'),
    ("text", rb'"(?:[^"\\]|\\.)*"'),
    ("number", rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"),
    ("word", rb"true|false|null"),
    ("space", rb"\s+"),
)
# A Parquet file: magic, pages, footer (its length is in the 4 bytes before the last magic).
_MAGIC = 4


@dataclass(frozen=True)
class Flip:
    """A bit of a file that is the other one.

    Attributes:
        path: The file.
        offset: Of the byte.
        bit: 0 to 7.
        kind: The class of the byte.
    """

    path: Path
    offset: int
    bit: int
    kind: str

    def of(self, content: bytes) -> bytes:
        """The content with the bit flipped."""
        changed = bytearray(content)
        changed[self.offset] ^= 1 << self.bit
        return bytes(changed)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The file with the bit flipped, and afterwards as it was."""
        content = self.path.read_bytes()
        self.path.write_bytes(self.of(content))
        try:
            yield
        finally:
            self.path.write_bytes(content)


def classes(path: Path) -> dict[str, list[range]]:
    """Where the bytes of each class are in a file, by class: of JSON, of Parquet, `any` of other files."""
    return classes_of(path.read_bytes(), path.suffix)


def classes_of(content: bytes, suffix: str) -> dict[str, list[range]]:
    """`classes` of the content of a file with a suffix."""
    if suffix == ".json":
        return _json_classes(content)
    if suffix == ".parquet":
        return _parquet_classes(content)
    return {"any": [range(len(content))]}


def draw_flips(paths: Iterable[Path], count: int, seed: int) -> list[Flip]:
    """Flips drawn by seed: classes in turn, of a class all files alike, of a file's class all bytes and bits alike."""
    rng = random.Random(seed)
    places: dict[str, list[tuple[Path, list[range]]]] = {}
    for path in sorted(paths):
        for kind, parts in classes(path).items():
            if any(parts):
                places.setdefault(f"{path.suffix} {kind}", []).append((path, parts))
    kinds = sorted(places)
    found = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        path, parts = rng.choice(places[kind])
        part = rng.choices(parts, [len(part) for part in parts])[0]
        found.append(Flip(path, rng.choice(part), rng.randrange(8), kind))
    return found


def _json_classes(content: bytes) -> dict[str, list[range]]:
    pattern = re.compile(b"|".join(b"(?P<%s>%s)" % (name.encode(), found) for name, found in _JSON))
    parts: dict[str, list[range]] = {}
    stop = 0
    for found in pattern.finditer(content):
        parts.setdefault("structure", []).append(range(stop, found.start()))
        parts.setdefault(str(found.lastgroup), []).append(range(*found.span()))
        stop = found.end()
    parts.setdefault("structure", []).append(range(stop, len(content)))
    return parts


def _parquet_classes(content: bytes) -> dict[str, list[range]]:
    end = len(content) - 2 * _MAGIC
    footer = end - int.from_bytes(content[end : end + 4], "little")
    return {
        "magic": [range(_MAGIC), range(end + 4, len(content))],
        "pages": [range(_MAGIC, footer)],
        "footer": [range(footer, end)],
        "length": [range(end, end + 4)],
    }
