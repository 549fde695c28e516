"""A sample as a histogram of text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

BINS = 21
WIDTH = 50
_BAR = "#"


def histogram(values: Float64, marks: dict[str, float], write: Callable[[float], str]) -> list[str]:
    """Lines from the lowest values to the highest, with marks where they lie.

    Args:
        values: Shape (n,), at least one.
        marks: Names of places, which the range covers too.
        write: How a value is written.
    """
    ends = [*marks.values(), float(values.min()), float(values.max())]
    low, high = min(ends), max(ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    counts = np.histogram(values, bins=edges)[0]
    labels = [write(edge) for edge in edges[:-1]]
    room = max(map(len, labels))
    marked: dict[int, list[str]] = {}
    for name, place in marks.items():
        marked.setdefault(min(int((place - low) / (high - low) * BINS), BINS - 1), []).append(f"{name} {write(place)}")
    digits = max(len(f"{count:,}") for count in counts.tolist())
    found = []
    for row, (label, count) in enumerate(zip(labels, counts.tolist(), strict=True)):
        # Whatever is there is seen.
        bar = _BAR * (max(round(count / counts.max() * WIDTH), 1) if count else 0)
        mark = f" <- {', '.join(marked[row])}" if row in marked else ""
        found.append(f"{label:>{room}} {count:>{digits},} |{bar}{mark}")
    return found
