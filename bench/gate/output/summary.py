"""The verdicts as Markdown, for the summary of a CI job or a pull request."""

from __future__ import annotations

from bench.gate.judge import Outcome
from bench.gate.output.lines import (
    HEADINGS,
    TEXT_COLUMNS,
    Texts,
    certainty_text,
    headline,
    hints,
    item_cells,
    lines,
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
        parts.append(
            "\n".join(f"- {escape(subject_text(line.check))}: {escape(certainty_text(line.check))}" for line in found)
        )
    for check in worst_of(found):
        rows = [list(map(escape, row)) for row in item_cells(check.worst, texts)]
        parts.append(f"### Worst of {escape(subject_text(check))}")
        parts.append(pipe_table(rows, ("before", "after", "id", "text"), 4))
    if advice := hints(found):
        parts.append("\n".join(f"- {escape(hint)}" for hint in advice))
    if outcome.notes:
        parts.append("\n".join(f"- note: {escape(note)}" for note in outcome.notes))
    return "\n\n".join(parts) + "\n"
