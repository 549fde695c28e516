"""Legends: samples with names, in as many lines as they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.pictures.lettering import text_size
from bench.report.pictures.marks import TEXT_SIZE, line_of, markers_of, write
from bench.report.pictures.styles import Dashes
from bench.report.pictures.theme import Color

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Width of a sample with the gap behind it, and the gap behind an entry, in points.
_SAMPLE, _GAP = 22.0, 14.0


@dataclass(frozen=True)
class Entry:
    """A line of the legend.

    Attributes:
        text: What it is, drawable.
        color: Of the sample.
        marker: Of the sample; empty without one.
        size: Of the marker, in points.
        filled: Whether the marker is filled.
        width: Of the sample's line, in points; 0 without one.
        dashes: Of the line.
    """

    text: str
    color: Color
    marker: str = ""
    size: float = 6.0
    filled: bool = True
    width: float = 0.0
    dashes: Dashes = ()


def flow(entries: Sequence[Entry], room: float) -> list[list[Entry]]:
    """Entries as lines of at most so many points."""
    lines: list[list[Entry]] = []
    taken = 0.0
    for entry in entries:
        width = _entry_width(entry)
        if not lines or taken + width > room:
            lines.append([])
            taken = 0.0
        lines[-1].append(entry)
        taken += width
    return lines


def _entry_width(entry: Entry) -> float:
    return _SAMPLE + text_size(entry.text, TEXT_SIZE)[0] + _GAP


def write_entries(figure: Figure, entries: Sequence[Entry], left: float, baseline: float) -> None:
    """Write one line of entries from a place in points on."""
    from matplotlib.transforms import IdentityTransform

    middle = baseline + 0.35 * TEXT_SIZE
    for entry in entries:
        end = left + _SAMPLE - 5
        samples = []
        if entry.width:
            samples.append(line_of([(left, middle), (end, middle)], entry.color, entry.width, entry.dashes))
        if entry.marker:
            at = [((left + end) / 2, middle)]
            samples.append(markers_of(at, entry.color, entry.marker, entry.size, filled=entry.filled))
        for sample in samples:
            sample.set_transform(IdentityTransform())
            figure.add_artist(sample)
        write(figure, entry.text, left + _SAMPLE, baseline, TEXT_SIZE)
        left += _entry_width(entry)
