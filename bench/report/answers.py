"""Of each task unit in a few sentences: the best model, what does not differ from it, and its smallest safe view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.markdown import code, escape
from bench.report.cells import NOISY_MARK, bold, score_text, significant
from bench.report.means import MeanTable
from bench.report.rows import LEAKAGE_MARK, Row, Table
from bench.report.verdicts import few_text, loss_text
from bench.views import View

_MOST_NAMES = 10


@dataclass(frozen=True)
class ViewCost:
    """What the chosen view costs in one environment.

    Attributes:
        environment: Its fingerprint.
        search_ms: Median of one exact search, None where it was not measured.
        encode_ms: Median of encoding one query, likewise.
        noisy: Whether it was measured on a busy machine.
    """

    environment: str
    search_ms: float | None
    encode_ms: float | None
    noisy: bool


@dataclass(frozen=True)
class Answer:
    """Which model to take on one task unit.

    Attributes:
        table: The task unit.
        best: The row that stands for the best model.
        ties: The rows that stand for models that are not significantly different from it, best first.
        others: How many other models have a score.
        tested: Whether they were compared with the best.
        smallest: Of the best model's views that are shown to lose at most the margin, and its full width, the one with
            the fewest bytes a vector, of equal ones the better; None of a baseline, which stores no vectors.
        narrower: How many views the best model has besides.
        costs: What that row costs, an environment each, where something was measured.
    """

    table: Table
    best: Row
    ties: list[Row]
    others: int
    tested: bool
    smallest: Row | None
    narrower: int
    costs: list[ViewCost]


def make_answer(tables: Sequence[Table]) -> Answer | None:
    """The answer of one task unit; None where nobody has a score.

    Args:
        tables: Its tables, one an environment.
    """
    table = tables[0]
    standing = [(row.standing, row) for row in table.rows if row.standing is not None]
    if not standing:
        return None
    (first, best), *others = sorted(standing, key=lambda found: (found[0].rank, found[1].model))
    views = [row for row in table.rows if row.model == best.model and row is not best]
    shown = [row for row in views if row.loss is not None and row.loss.claim == "at most the margin"]
    sizes = [
        (row.view.bytes_per_vector, -row.score.value, row)
        for row in (best, *shown)
        if row.view is not None and row.score is not None
    ]
    smallest = min(sizes, key=lambda size: size[:2])[2] if best.view else None
    return Answer(
        table=table,
        best=best,
        ties=[row for placed, row in others if placed.ties_best],
        others=len(others),
        tested=first.ties_best is not None,
        smallest=smallest,
        narrower=len(views),
        costs=_costs(tables, smallest) if smallest else [],
    )


def _costs(tables: Sequence[Table], chosen: Row) -> list[ViewCost]:
    found = []
    for table in tables:
        row = next(row for row in table.rows if (row.model, row.view) == (chosen.model, chosen.view))
        encoding = next((row for row in table.encoding if row.model == chosen.model), None)
        cost = ViewCost(table.environment or "", row.search_ms, encoding.p50_ms if encoding else None, row.noisy)
        if cost.search_ms is not None or cost.encode_ms is not None:
            found.append(cost)
    return found


def answer_text(answer: Answer) -> str:
    """The answer in sentences, Markdown."""
    best, table = answer.best, answer.table
    score = f"{code(table.metric)} {score_text(best.score)} over {table.n:,} {table.items}"
    only = "the only model, best" if answer.others == 0 and best.view else "best" if answer.others else "the only model"
    parts = [f"{bold(_name(best))} is {only}{_at(best.view)}: {score}."]
    if few := few_text(table.losses, table.items):
        parts.append(bold(few))
    if answer.others:
        parts.append(_ties_text(answer))
    parts.append(_smallest_text(answer))
    if answer.smallest is not None:
        parts.append(_cost_text(answer.costs))
    return " ".join(parts)


def _ties_text(answer: Answer) -> str:
    if not answer.tested:
        return "Whether the others are worse could not be tested."
    if not answer.ties:
        return "Every other model is significantly worse." if answer.others > 1 else "The other is significantly worse."
    names = [_name(row) for row in answer.ties]
    if len(names) > _MOST_NAMES:
        names = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"]
    return f"Not significantly different: {_listed(names)}."


def _smallest_text(answer: Answer) -> str:
    row, best, losses = answer.smallest, answer.best, answer.table.losses
    if row is None or row.view is None:
        return "It stores no vectors."
    count = row.view.bytes_per_vector
    size = f"{count:,} {'byte' if count == 1 else 'bytes'} a vector"
    if row is not best and losses is not None:
        view = f"{_view(row.view)}, {size}, loss {loss_text(row.loss)}"
        return f"Its smallest view that is shown to lose at most {losses.margin}: {view}."
    if answer.narrower and losses is not None:
        views = "Its other view is not" if answer.narrower == 1 else f"None of its {answer.narrower} other views is"
        return f"{views} shown to lose at most {losses.margin}: {size}."
    return f"No other view was scored: {size}."


def _cost_text(costs: Sequence[ViewCost]) -> str:
    if not costs:
        return "Its cost was not measured."
    texts = []
    for cost in costs:
        figures = [
            f"{name} {significant(value)} ms"
            for name, value in (("search p50", cost.search_ms), ("encoding p50", cost.encode_ms))
            if value is not None
        ]
        mark = f" {NOISY_MARK}" if cost.noisy else ""
        texts.append(f"{' and '.join(figures)}{mark} in environment {code(cost.environment)}")
    return f"It costs {'; '.join(texts)}."


def mean_text(mean: MeanTable) -> str:
    """The best mean over a task's subsets in a sentence, Markdown."""
    leading = [row for row in mean.rows if row.headline] or mean.rows
    found = [(row.mean, row) for row in leading if row.mean is not None]
    if not found:
        return "no model has a score on all of them."
    score, best = max(found, key=lambda item: item[0])
    return f"{bold(escape(best.model))} has the best{_at(best.view)}: {code(mean.metric)} {score:.4f}."


def _name(row: Row) -> str:
    return escape(row.model) + (f" {LEAKAGE_MARK}" if row.leakage else "")


def _view(view: View) -> str:
    return f"{view.truncate_dim} dimensions in {view.precision}"


def _at(view: View | None) -> str:
    return f" at {_view(view)}" if view else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
