"""A view: which leading dimensions of a model's vectors are kept, at what precision; its controls; its shortlists."""

from __future__ import annotations

from collections.abc import Iterable
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


ControlMethod = Literal["pca", "last", "random"]


@dataclass(frozen=True, order=True)
class Control:
    """What keeping the leading dimensions is compared with: another basis or order, of which the first are kept.

    Attributes:
        method: `pca` (principal components), `last` (the dimensions backwards) or `random` (in a drawn order).
        draw: Number of the draw, from 1, of `random`; None of the others.
    """

    method: ControlMethod
    draw: int | None = None

    def __str__(self) -> str:
        return self.method if self.draw is None else f"{self.method}-{self.draw}"


CONTROLS = (Control("pca"), Control("last"), *(Control("random", draw) for draw in range(1, 6)))


@dataclass(frozen=True, order=True)
class ControlledView:
    """One cut under a control, in float32.

    Attributes:
        control: The control.
        truncate_dim: How many dimensions are kept.
    """

    control: Control
    truncate_dim: int

    def __str__(self) -> str:
        return f"{self.truncate_dim} {self.control}"


# Documents of the shortlists that are ranked again unless others are asked for.
SHORTLISTS = (10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, order=True)
class Shortlist:
    """The best documents at a view, to be ranked again at full width in float32.

    Attributes:
        view: The view.
        length: How many documents.
    """

    view: View
    length: int

    def __str__(self) -> str:
        return f"{self.view}, shortlist of {self.length}"


def lengths_of(lengths: Iterable[int], documents: int) -> list[int]:
    """Lengths of shortlists from so many documents: one above that is that number, and none stands twice.

    Args:
        lengths: The lengths that are asked for.
        documents: How many documents there are.
    """
    return list(dict.fromkeys(min(length, documents) for length in lengths))


def is_short(view: View, width: int) -> bool:
    """Whether ranking again at full width in float32 can add anything to a search at a view.

    Args:
        view: The view.
        width: Dimensions of the full vector.
    """
    return view != View(width)
