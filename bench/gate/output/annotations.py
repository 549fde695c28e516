"""The verdicts as annotations of GitHub Actions."""

from __future__ import annotations

from bench.gate.judge import Outcome
from bench.gate.output.lines import Line, certainty_text, change_text, lines, subject_text, verdict_text
from bench.neutral import neutral

# GitHub shows ten of each kind for a step.
_MOST = 10
_LEVELS = {"accepted": "notice", "new": "notice"}


def render_annotations(outcome: Outcome) -> list[str]:
    """Workflow commands, one a line: errors for what fails, warnings for what cannot be told, notices for the rest."""
    by_level: dict[str, list[Line]] = {"error": [], "warning": [], "notice": []}
    for line in lines(outcome):
        level = "error" if line.check.fails else _LEVELS.get(line.check.verdict, "warning")
        by_level[level].append(line)
    found = []
    for level, told in by_level.items():
        shown = told if len(told) <= _MOST else told[: _MOST - 1]
        found += [_command(level, f"bench gate: {verdict_text(line.check)}", _message(line)) for line in shown]
        if len(told) > len(shown):
            found.append(_command(level, "bench gate", f"and {len(told) - len(shown)} more: see the job's summary"))
    return found


def _message(line: Line) -> str:
    check = line.check
    parts = [subject_text(check), f"and {line.count - 1} more" if line.count > 1 else "", change_text(check)]
    return f"{' '.join(filter(None, parts))}: {certainty_text(check)}"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={escape_property(title)}::{escape_data(message)}"


def escape_data(text: str) -> str:
    """Text as a command's message: nothing in it ends or changes the command."""
    return neutral(text).replace("%", "%25")


def escape_property(text: str) -> str:
    """Text as the value of a command's property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
