"""Places for labels: near what they name, over no other label, within the axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.report.pictures.lettering import text_size

Float64 = npt.NDArray[np.float64]

# Distances of a label from what it names, in points, nearest first.
_DISTANCES = (5.0, 9.0, 14.0)
# Directions to the label's near edge or corner: nothing lies above and left of a front.
_DIRECTIONS = ((-1, 1), (0, 1), (-1, 0), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
# Between labels, and between a label and what it must not cover, in points.
_GAP, _MARGIN = 3.0, 2.0
_STEP = 3.0


@dataclass(frozen=True)
class Box:
    """A rectangle in points."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box, gap: float = 0.0) -> bool:
        """Whether two boxes come nearer than the gap."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.bottom < other.top + gap
            and other.bottom < self.top + gap
        )

    def within(self, other: Box) -> bool:
        """Whether all of it lies in another."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


@dataclass(frozen=True)
class Wish:
    """A label that wants a place.

    Attributes:
        text: One drawable line.
        anchors: Places of what it names, in points, best first, shape (n, 2).
        size: Of the font, in points.
    """

    text: str
    anchors: Float64
    size: float


@dataclass(frozen=True)
class Label:
    """A label in its place: where its baseline starts, in points, and its box."""

    text: str
    x: float
    y: float
    size: float
    box: Box


def place(
    wishes: Sequence[Wish],
    bounds: Box,
    points: Float64,
    lines: Float64,
    clutter: Float64,
) -> list[Label]:
    """Place labels one after another, each over as little as it can; one that has no room is left out.

    Args:
        wishes: The most important first.
        bounds: What no label leaves.
        points: What can be named: no label covers one or stands nearer to one than to what it names, shape (n, 2).
        lines: What no label covers besides, shape (m, 2).
        clutter: What a label may cover, shape (k, 2).
    """
    placed: list[Label] = []
    for wish in wishes:
        width, height, descent = text_size(wish.text, wish.size)
        best: Box | None = None
        least = math.inf
        for anchor in wish.anchors:
            for box in _candidates(anchor, width, height):
                if (
                    box.within(bounds)
                    and not any(box.overlaps(label.box, _GAP) for label in placed)
                    and not _covered(box, lines)
                    and _belongs(box, anchor, points)
                    and (covered := _covered(box, clutter)) < least
                ):
                    best, least = box, covered
            if least == 0:
                break
        if best:
            placed.append(Label(wish.text, best.left, best.bottom + descent, wish.size, best))
    return placed


def along(x: Sequence[float], y: Sequence[float]) -> Float64:
    """Points every few points of a line's length, its corners among them.

    Args:
        x: Of its corners, in points.
        y: Likewise.

    Returns:
        Shape (n, 2).
    """
    corners = np.column_stack([x, y])
    parts = [corners[-1:]]
    for start, end in itertools.pairwise(corners):
        steps = int(np.hypot(*(end - start)) // _STEP) + 1
        parts.append(start + (end - start) * np.arange(steps)[:, None] / steps)
    return np.concatenate(parts)


def _candidates(anchor: Float64, width: float, height: float) -> list[Box]:
    x, y = map(float, anchor)
    found = []
    for distance in _DISTANCES:
        for right, up in _DIRECTIONS:
            reach = distance / float(np.hypot(right, up))
            left = x + right * reach + (right - 1) * width / 2
            bottom = y + up * reach + (up - 1) * height / 2
            found.append(Box(left, bottom, left + width, bottom + height))
    return found


def _belongs(box: Box, anchor: Float64, points: Float64) -> bool:
    """Whether a box covers no point and none is clearly nearer to it than what it names."""
    nearest = max(_MARGIN, float(_distances(box, anchor[None])[0]) - _MARGIN)
    return bool(np.all(_distances(box, points) >= nearest))


def _distances(box: Box, points: Float64) -> Float64:
    """From a box to points, shape (n,); 0 within it."""
    outside = np.maximum(np.array([box.left, box.bottom]) - points, points - np.array([box.right, box.top]))
    return np.asarray(np.hypot(*np.maximum(outside, 0).T), dtype=np.float64)


def _covered(box: Box, points: Float64) -> int:
    """How many points lie in a box or all but touch it."""
    low, high = (box.left - _MARGIN, box.bottom - _MARGIN), (box.right + _MARGIN, box.top + _MARGIN)
    return int(np.count_nonzero(np.all((points > low) & (points < high), axis=1)))
