"""The verdicts as Markdown, for the summary of a CI job or a pull request."""

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
from bench.markdown import escape, pipe_table

# GitHub shows no summary at all where it has more than 1 MiB.
_MOST_ROWS = 500
_MOST_TABLES = 50
_LONGEST = 300


def render_markdown(outcome: Outcome, texts: Texts) -> str:
    """What the gate found, what got worse first."""
    found = lines(outcome)
    parts = [
        f"## bench gate: {outcome.conclusion}",
        f"{escape(headline(outcome))}. Baseline {escape(outcome.baseline)}, candidate {escape(outcome.candidate)}.",
    ]
    if found:
        parts.append(pipe_table([list(map(escape, line.cells)) for line in found[:_MOST_ROWS]], HEADINGS, TEXT_COLUMNS))
    losses = worst_of(found)
    for check in losses[:_MOST_TABLES]:
        rows = [[escape(shortened(cell, _LONGEST)) for cell in row] for row in item_cells(check.worst, texts)]
        parts.append(f"### Worst of {escape(subject_text(check))}")
        parts.append(pipe_table(rows, ("before", "after", "id", "text"), 4))
    told = [
        *reasons(found[:_MOST_ROWS]),
        *asides(outcome),
        *left_out(outcome),
        *(f"note: {note}" for note in outcome.notes),
    ]
    if len(found) > _MOST_ROWS or len(losses) > _MOST_TABLES:
        told.append("not all of it is shown here: bench gate prints it")
    if told:
        parts.append("\n".join(f"- {escape(sentence)}" for sentence in told))
    return "\n\n".join(parts) + "\n"
