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
    lines,
    reasons,
    subject_text,
    worst_of,
)
from bench.markdown import escape, pipe_table


def render_markdown(outcome: Outcome, texts: Texts) -> str:
    """What the gate found, what got worse first."""
    found = lines(outcome)
    parts = [
        f"## bench gate: {outcome.conclusion}",
        f"{escape(headline(outcome))}. Baseline {escape(outcome.baseline)}, candidate {escape(outcome.candidate)}.",
    ]
    if found:
        parts.append(pipe_table([list(map(escape, line.cells)) for line in found], HEADINGS, TEXT_COLUMNS))
    for check in worst_of(found):
        rows = [list(map(escape, row)) for row in item_cells(check.worst, texts)]
        parts.append(f"### Worst of {escape(subject_text(check))}")
        parts.append(pipe_table(rows, ("before", "after", "id", "text"), 4))
    told = [*reasons(found), *asides(outcome), *(f"note: {note}" for note in outcome.notes)]
    if told:
        parts.append("\n".join(f"- {escape(sentence)}" for sentence in told))
    return "\n\n".join(parts) + "\n"
