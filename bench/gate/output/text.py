"""The verdicts as text for a terminal."""

from __future__ import annotations

from tabulate import tabulate

from bench.gate.judge import Outcome
from bench.gate.output.lines import (
    HEADINGS,
    TEXT_COLUMNS,
    Texts,
    asides,
    headline,
    item_cells,
    left_out,
    lines,
    reasons,
    shortened,
    subject_text,
    worst_of,
)
from bench.markdown import printable

_LONGEST = 100


def render_text(outcome: Outcome, texts: Texts) -> str:
    """What the gate found, what got worse first."""
    found = lines(outcome)
    parts = [f"baseline {outcome.baseline}, candidate {outcome.candidate}"]
    if found:
        align = ["left"] * TEXT_COLUMNS + ["right"] * (len(HEADINGS) - TEXT_COLUMNS)
        rows = [[printable(cell) for cell in line.cells] for line in found]
        parts.append(tabulate(rows, HEADINGS, tablefmt="simple", disable_numparse=True, colalign=align))
    for check in worst_of(found):
        rows = [[shortened(printable(cell), _LONGEST) for cell in row] for row in item_cells(check.worst, texts)]
        shown = tabulate(rows, ("before", "after", "id", "text"), tablefmt="simple", disable_numparse=True)
        parts.append(f"worst of {printable(subject_text(check))}\n{shown}")
    told = [*reasons(found), *asides(outcome), *left_out(outcome), *(f"note: {note}" for note in outcome.notes)]
    if told:
        parts.append("\n".join(map(printable, told)))
    return "\n\n".join([*parts, headline(outcome)]) + "\n"
