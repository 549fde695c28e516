"""The leaderboard: of each task the answer in a few sentences, then one row a model over all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bench.markdown import code, escape, link, pipe_table
from bench.report.answers import Answer, answer_text, make_answer, mean_text
from bench.report.board import Board
from bench.report.cells import AUDIT_MARK, AUDIT_NOTE, NOISY_MARK, NOISY_REASON, bold
from bench.report.gallery import Gallery
from bench.report.left_out import left_out_section
from bench.report.names import heading_anchor
from bench.report.rows import LEAKAGE_NOTE
from bench.report.summary import GroupMean, Summary, SummaryCell, make_summary
from bench.report.verdicts import rank_text

_TESTED = (
    "Not significantly different: by paired t tests of all pairs of models over the task's items, Holm, 5%. Shown to "
    "lose at most the margin: by a one-sided bound against the model's own full width, each view alone at 5%; "
    "`bench choose` decides between views."
)
_ONE_ROW = (
    "One row a model: at full width in float32, a baseline as it is, or the widest view where full width was not "
    "scored. Beside each score its rank among these rows and its letters: models that share a letter are not "
    "significantly different. In the order of the first column of numbers, then of the next."
)


def leaderboard_blocks(board: Board, gallery: Gallery) -> list[str]:
    """The page, a block each."""
    answers = [answer for tables in board.units.values() if (answer := make_answer(tables))]
    summary = make_summary(board.units, board.means)
    blocks = ["# Leaderboard", f"What the marks mean: {link('Reports', 'README.md')}.", "## In short"]
    if not answers:
        return [*blocks, "No model has a score.", *left_out_section(board.left_out)]
    blocks += ["\n".join(_answers(board, answers)), _TESTED]
    blocks += _footnotes(board, noisy=any(cost.noisy for answer in answers for cost in answer.costs))
    blocks += ["## All tasks", _ONE_ROW, _table(board, summary), *_mean_notes(summary)]
    blocks += [picture.shown() for picture in gallery.tasks]
    return [*blocks, *left_out_section(board.left_out)]


def _answers(board: Board, answers: Sequence[Answer]) -> list[str]:
    """A line a task unit; subsets stand below the mean over them."""
    means = {(mean.task, mean.split): mean for mean in board.means}
    lines = []
    for names, group in groupby(answers, key=lambda answer: answer.table.unit[:2]):
        page = board.task_pages[names[0]]
        mean = means.get(names)
        if mean is not None:
            lines.append(f"- {link(escape(mean.title), page)}: {mean_text(mean)}")
        for answer in group:
            mark = f" {AUDIT_MARK}" if answer.table.footnotes else ""
            title = link(escape(answer.table.title), page + heading_anchor(answer.table.title))
            lines.append(f"{'  ' if mean else ''}- {title}{mark}: {answer_text(answer)}")
    return lines


def _footnotes(board: Board, *, noisy: bool) -> list[str]:
    tables = [tables[0] for tables in board.units.values()]
    blocks = []
    if any(row.leakage for table in tables for row in table.rows):
        blocks.append(f"{LEAKAGE_NOTE}.")
    if any(table.footnotes for table in tables):
        blocks.append(f"{AUDIT_NOTE}.")
    if noisy:
        blocks.append(f"{NOISY_MARK} {NOISY_REASON}.")
    return blocks


def _table(board: Board, summary: Summary) -> str:
    best_of_means = [max(mean.values.values(), default=None) for mean in summary.means]
    best = [column.best for column in summary.columns]
    lines = []
    for model, row in summary.rows.items():
        line = [link(escape(model), board.model_pages[model]), row.marked_kind]
        line.append(str(row.view.truncate_dim) if row.view and row.headline else "")
        for mean, top in zip(summary.means, best_of_means, strict=True):
            line.append(_mean_text(mean, model, top))
        for column, top in zip(summary.columns, best, strict=True):
            line.append(_cell_text(column.cells.get(model), column.subsets, top))
        lines.append(line)
    headings = [
        "model",
        "kind",
        "dim",
        *(f"mean {escape(mean.metric)} ({escape(mean.split)})" for mean in summary.means),
    ]
    for column in summary.columns:
        mark = f" {AUDIT_MARK}" if column.weakened else ""
        headings.append(f"{link(escape(column.title), board.task_pages[column.task])}{mark} {escape(column.metric)}")
    return pipe_table(lines, headings, text_columns=2)


def _mean_text(mean: GroupMean, model: str, best: float | None) -> str:
    value = mean.values.get(model)
    if value is None:
        return f"lacks {mean.lacking(model)} of {len(mean.columns)}"
    return bold(f"{value:.4f}") if value == best else f"{value:.4f}"


def _cell_text(cell: SummaryCell | None, subsets: int, best: float | None) -> str:
    if cell is None:
        return ""
    if cell.score is None:
        return f"lacks {cell.missing} of {subsets}"
    text = bold(f"{cell.score:.4f}") if cell.score == best else f"{cell.score:.4f}"
    text += f" at {cell.view}" if cell.view else ""
    return f"{text} ({rank_text(cell.standing)})" if cell.standing else text


def _mean_notes(summary: Summary) -> list[str]:
    """What the means are over, and what ranks were not tested."""
    lines = []
    for mean in summary.means:
        over = ", ".join(escape(column.title) for column in mean.columns)
        lacking = [model for model in summary.rows if model not in mean.values]
        text = f"- Mean {code(mean.metric)} ({escape(mean.split)}): unweighted, over {over}."
        if lacking:
            text += f" A model that lacks one of them has no mean: {len(lacking)} of {len(summary.rows)}."
        lines.append(text)
    untested = [column.title for column in summary.columns if not all(map(_tested, column.cells.values()))]
    if untested:
        lines.append(f"- Ranks by the score alone, without a test: {', '.join(map(escape, untested))}.")
    lines.append("- An empty cell: the model has no score there.")
    return ["\n".join(lines)]


def _tested(cell: SummaryCell) -> bool:
    return cell.standing is None or cell.standing.ties_best is not None
