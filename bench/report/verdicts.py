"""How ranks, groups and losses are written, the same in Markdown, on the web page and at the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report.losing import UnitLosses
from bench.report.rows import Row, Table
from bench.results.claims import Loss
from bench.results.standings import Standing
from bench.statistics.losses import LEVEL
from bench.statistics.margins import Margin

LOSS_HEADING = "loss to best, views to own full width"
_METHOD = f"one-sided bounds, each wrong in at most {LEVEL:.0%} of samples"


def rank_text(standing: Standing | None) -> str:
    """A rank, marked where another model has the same score, and the letters; empty where there is none."""
    if standing is None:
        return ""
    return " ".join(filter(None, [f"{standing.rank} =" if standing.shared else str(standing.rank), standing.group]))


def loss_text(loss: Loss | None) -> str:
    """A loss with its bounds; empty where there is none."""
    if loss is None:
        return ""
    text = four_digits(loss.mean)
    known = math.isfinite(loss.low) and math.isfinite(loss.high)
    return f"{text} [{four_digits(loss.low)}, {four_digits(loss.high)}]" if known else text


def four_digits(value: float) -> str:
    """Four digits after the point; zero without a sign."""
    return f"{round(value, 4) + 0.0:.4f}"


def within_text(loss: Loss | None, items: str) -> str:
    """Whether a loss is shown to be at most the margin; empty where there is none.

    Args:
        loss: The loss.
        items: What would be needed more of.
    """
    if loss is None:
        return ""
    if loss.claim != "not shown":
        return "yes" if loss.claim == "at most the margin" else "no"
    return "not shown" if loss.needed is None else f"not shown (~{about(loss.needed)} {items})"


def within_heading(margin: Margin) -> str:
    """The heading of the column."""
    return f"within {margin}"


def about(count: int) -> str:
    """A number of two significant digits, rounded up."""
    unit = 10 ** max(len(str(count)) - 2, 0)
    return f"{-(-count // unit) * unit:,}"


def loss_headings(table: Table) -> list[str]:
    """The headings of the columns of losses; none where no row has one."""
    if table.losses is None or all(row.loss is None for row in table.rows):
        return []
    return [LOSS_HEADING, within_heading(table.losses.margin)]


def loss_cells(table: Table, row: Row) -> list[str]:
    """The columns of losses of a row."""
    if not loss_headings(table) or table.losses is None:
        return []
    best = row.standing is not None and row.model == table.losses.standings.best
    return ["best" if best else loss_text(row.loss), within_text(row.loss, table.items)]


def method_text(table: Table) -> str:
    """How ranks, groups and losses were found, in a line; empty where nothing was tested."""
    if table.losses is None or not table.losses.standings.known:
        return ""
    pairs = len(table.losses.standings.tests.p)
    lines = []
    if pairs:
        tests = f"paired t tests of {'all ' if pairs > 1 else 'the '}{pairs:,} {'pairs' if pairs > 1 else 'pair'}"
        lines.append(
            f"Rank and letters: a model at full width; models that share a letter are not significantly different "
            f"({tests}, Holm, {LEVEL:.0%})."
        )
    if loss_headings(table):
        lines.append(
            f"Loss: {_METHOD}, for all models together and for each view alone; `bench choose` decides between views."
        )
    return " ".join(lines)


def few_text(losses: UnitLosses | None, items: str) -> str:
    """That the items are too few for a decision at the margin, and what would do; empty where they are not.

    Args:
        losses: Those of the task unit.
        items: What is scored.
    """
    if losses is None or not losses.too_few or losses.standings.least_margin is None:
        return ""
    least = _rounded_up(losses.standings.least_margin)
    needs = "" if losses.needed is None else f" that needs {losses.needed:,} independent {items} at least, and"
    return (
        f"These {items} cannot support a decision at a margin of {losses.margin}:{needs} they support one of {least} "
        "at best."
    )


def _rounded_up(value: float) -> str:
    """Two significant digits, above the value."""
    digits = 1 - math.floor(math.log10(value))
    return f"{math.ceil(value * 10**digits) / 10**digits:.{max(digits, 0)}f}"


def tested(rows: Sequence[Row]) -> bool:
    """Whether every model with a score was tested against the best."""
    return all(row.standing is None or row.standing.ties_best is not None for row in rows)
