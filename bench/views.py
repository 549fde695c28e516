"""A view: which leading dimensions of a model's vectors are kept, and at what precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Precision = Literal["float32", "float16", "int8", "binary"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_BITS: dict[Precision, int] = {"float32": 32, "float16": 16, "int8": 8, "binary": 1}


@dataclass(frozen=True, order=True)
class View:
    """One cut of a model's vectors.

    Attributes:
        truncate_dim: How many leading dimensions are kept.
        precision: The type of each kept dimension.
    """

    truncate_dim: int
    precision: Precision = "float32"

    @property
    def bytes_per_vector(self) -> int:
        """Bytes that one stored vector takes; binary is packed, eight dimensions a byte, rounded up."""
        return (self.truncate_dim * _BITS[self.precision] + 7) // 8

    def __str__(self) -> str:
        return f"{self.truncate_dim} {self.precision}"


def sort_key(view: View) -> tuple[int, int]:
    """The order in which views are shown: widest first, then by falling precision."""
    return -view.truncate_dim, PRECISIONS.index(view.precision)
