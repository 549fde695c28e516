"""What pages leave out, as Markdown: a line a model and task, with the command that brings it back."""

from __future__ import annotations

from collections.abc import Sequence

from bench.markdown import code, escape
from bench.results.left_out import LeftOut, first_lines

TITLE = "Left out"
EXPLANATION = (
    "Measured, and on no table: later results are of another model or other data, beside which these cannot be shown."
)


def left_out_list(found: Sequence[LeftOut]) -> str:
    """The list; empty where nothing is left out."""
    lines = [f"{escape(entry.text)}: {code(entry.command)}" for entry in found]
    return "\n".join(f"- {line}" for line in first_lines(lines))


def left_out_section(found: Sequence[LeftOut], heading: str = "##") -> list[str]:
    """A section with the list; no block where nothing is left out."""
    return [f"{heading} {TITLE}", EXPLANATION, left_out_list(found)] if found else []
