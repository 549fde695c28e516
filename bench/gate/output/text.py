"""The verdicts as text for a terminal."""

from __future__ import annotations

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
from bench.markdown import aligned, plain_table, printable
from bench.neutral import neutral

_LONGEST = 100


def render_text(outcome: Outcome, texts: Texts) -> str:
    """What the gate found, what got worse first."""
    found = lines(outcome)
    parts = [neutral(f"baseline {outcome.baseline}, candidate {outcome.candidate}")]
    if found:
        parts.append(plain_table([line.cells for line in found], HEADINGS, aligned(HEADINGS, TEXT_COLUMNS)))
    for check in worst_of(found):
        rows = [[shortened(printable(cell), _LONGEST) for cell in row] for row in item_cells(check.worst, texts)]
        shown = plain_table(rows, ("before", "after", "id", "text"))
        parts.append(f"worst of {printable(subject_text(check))}\n{shown}")
    told = [*reasons(found), *asides(outcome), *left_out(outcome), *(f"note: {note}" for note in outcome.notes)]
    if told:
        parts.append("\n".join(map(printable, told)))
    return "\n\n".join([*parts, neutral(headline(outcome))]) + "\n"
