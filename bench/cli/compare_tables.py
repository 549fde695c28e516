"""What `bench compare` prints for people: tables at a terminal, and the same as Markdown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence

import typer

from bench.audit.finding import short
from bench.cli.output import say_text
from bench.comparing.comparison import Comparison
from bench.comparing.costs import TITLES, CostRow
from bench.comparing.operands import Side
from bench.comparing.rows import LEVEL, Point, Row
from bench.examples.finder import Document, Example, Examples
from bench.markdown import aligned, escape, pipe_table, plain_table, printable
from bench.report.cells import NOISY_MARK, NOISY_REASON, significant
from bench.report.verdicts import loss_text, rank_text, within_heading, within_text
from bench.results.index import unit_title
from bench.results.schema import STEADY_SPREAD
from bench.statistics.margins import Margin
from bench.views import View

_VERDICTS = {
    "better": ("B better", "green"),
    "worse": ("A better", "red"),
    "unclear": ("not significantly different", None),
}
_ITEMS = {"retrieval": "queries", "sts": "pairs"}
_RELEVANT = "*"
# Below this a p-value says no more.
_SMALLEST_P = 0.0001
# More cost figures than these are shown where they differ.
_MANY_COSTS = 24
_WHOLE = {"index_bytes", "bytes_per_vector"}

_Style = Callable[[str, str | None], str]


def print_tables(found: Comparison, examples: Sequence[Examples]) -> None:
    """The comparison, with colours at a terminal."""
    paint = None if os.environ.get("NO_COLOR") else _paint
    for part in _parts(found, examples, _plain_table, _plain_examples, printable, lambda text, _: text):
        say_text(f"{part}\n", paint=paint)


def _paint(text: str) -> str:
    """Verdicts, which stand last in a row, in colour."""
    for words, colour in _VERDICTS.values():
        if colour is not None:
            text = re.sub(f"(?<= ){words}$", typer.style(words, fg=colour, bold=True), text, flags=re.MULTILINE)
    return text


def print_markdown(found: Comparison, examples: Sequence[Examples]) -> None:
    """The comparison as Markdown."""

    def style(text: str, name: str | None) -> str:
        return f"**{text}**" if name else text

    say_text("\n\n".join(_parts(found, examples, pipe_table, _markdown_examples, _markdown, style, "  ")))


def _parts(
    found: Comparison,
    examples: Sequence[Examples],
    table: Callable[[Sequence[Sequence[str]], Sequence[str], int], str],
    in_words: Callable[[Examples], str],
    clean: Callable[[str], str],
    style: _Style,
    line_end: str = "",
) -> Iterator[str]:
    """What is printed, part by part.

    Args:
        found: The comparison.
        examples: What changed most.
        table: Makes a table of cells and headings, the first columns text.
        in_words: Shows what changed in one row.
        clean: Makes a text from a file fit to print.
        style: Marks a verdict.
        line_end: What ends a line within a paragraph.
    """
    yield f"A: {clean(_side(found, found.a))}{line_end}\nB: {clean(_side(found, found.b))}"
    shown = [row for row in found.rows if not row.same]
    if shown:
        yield table(*_score_table(shown, found.margins, clean, style))
    yield _summary(found.rows)
    costs = found.costs
    if len(costs) > _MANY_COSTS:
        costs = [row for row in costs if row.ratio is None or abs(row.ratio - 1) > STEADY_SPREAD]
    if costs:
        yield table(*_cost_table(costs, clean))
        yield "Cost: B over A, both measured in one environment; below 1 B is cheaper." + (
            f" {NOISY_MARK} {NOISY_REASON}." if any(row.noisy for row in costs) else ""
        )
    if len(costs) < len(found.costs):
        hidden = f"{len(found.costs) - len(costs)} of {len(found.costs)} cost figures"
        yield f"{hidden} differ by {STEADY_SPREAD:.0%} at the most and are not shown (--format json has them)."
    if found.notes:
        yield "\n".join(f"- {clean(note)}" for note in found.notes)
    for entry in examples:
        yield in_words(entry)


def _side(found: Comparison, side: Side) -> str:
    """A side as it was written, with the one model of it that is compared where that was not."""
    names = {(row.a if side is found.a else row.b).model for row in found.rows}
    return f"{side.text} ({names.pop()})" if side.model is None and len(names) == 1 else side.text


def _score_table(
    rows: Sequence[Row], margins: Sequence[Margin], clean: Callable[[str], str], style: _Style
) -> tuple[list[list[str]], list[str], int]:
    several = len({(row.a.model, row.b.model) for row in rows}) > 1
    views = "view" if all(row.a.view == row.b.view for row in rows) else "view A, view B"
    texts = ["task", *(["model"] if several else []), views, "metric"]
    lines = []
    for row in rows:
        line = [clean(unit_title(row.unit)), *([clean(row.b.model)] if several else []), _views(row.a.view, row.b.view)]
        line += [clean(row.metric), _score(row.a), _score(row.b), *_difference(row)]
        line += _loss(row, margins)
        words, colour = _VERDICTS.get(row.verdict or "", (clean(row.reason or ""), None))
        lines.append([*line, style(words, colour)])
    headings = [*texts, "A", "B", "B - A [95% interval]", "p", "won/tied/lost", *_loss_headings(margins), ""]
    return lines, headings, len(texts)


def _loss_headings(margins: Sequence[Margin]) -> list[str]:
    if not margins:
        return []
    return ["loss of B", within_heading(margins[0]) if len(margins) == 1 else "within the margin"]


def _loss(row: Row, margins: Sequence[Margin]) -> list[str]:
    """What B loses, and whether that is shown to be within the margin."""
    if not margins:
        return []
    within = within_text(row.loss, _ITEMS.get(row.type, "items"))
    return [loss_text(row.loss), f"{row.loss.margin:.4g}: {within}" if row.loss and len(margins) > 1 else within]


def _score(point: Point) -> str:
    """A score, with its model's place on the leaderboard where it has one there."""
    text = _number(point.score)
    return f"{text} ({rank_text(point.standing)})" if point.standing else text


def _difference(row: Row) -> list[str]:
    """The difference with its interval, its p-value, and the counts of queries."""
    if row.difference is None:
        return ["", "", ""]
    text = f"{row.difference:+.4f}"
    paired = row.paired
    if paired is None:
        return [text, "", ""]
    if paired.ci_low is not None and paired.ci_high is not None:
        text += f" [{paired.ci_low:+.4f}, {paired.ci_high:+.4f}]"
    counts = "" if paired.won is None else f"{paired.won}/{paired.tied}/{paired.lost}"
    return [text, _p(paired.p_holm), counts]


def _summary(rows: Sequence[Row]) -> str:
    """The verdict in words."""
    same = [row for row in rows if row.same]
    told = [row for row in rows if row.verdict is not None and not row.same]
    lines = []
    if len(told) == 1:
        lines.append(_sentence(told[0]))
    elif told:
        counts = {name: sum(row.verdict == name for row in told) for name in _VERDICTS}
        lines.append(
            f"Of {len(told)} rows B is better in {counts['better']}, A better in {counts['worse']}, "
            f"not significantly different in {counts['unclear']}."
        )
    if told:
        lines.append(_method(told))
    if same:
        count = f"{len(same)} {'rows are' if len(same) > 1 else 'row is'}"
        lines.append(f"{count} the same result on both sides{'' if told else ': nothing differs'}.")
    if not any(row.difference is not None for row in rows):
        lines.append("No score is comparable.")
    return "\n".join(lines) or "No test: the scores are no means of items."


def _method(rows: Sequence[Row]) -> str:
    """How verdicts were found, in a line."""
    pairs = sorted({row.pairs for row in rows})
    count = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    holm = "" if pairs == [1] else f", Holm's correction for {count} pairs of models a task"
    ranked = any(point.standing for row in rows for point in (row.a, row.b))
    text = f"Paired t tests, level {LEVEL:g}{holm}; each task and view on its own{', as on the leaderboard' * ranked}."
    if any(row.loss for row in rows):
        text += f" Loss of B: one-sided bounds, each wrong in at most {LEVEL:.0%} of samples."
    return text


def _sentence(row: Row) -> str:
    if row.paired is None or row.difference is None:
        return ""
    if row.difference == 0:
        return "Both score the same."
    by = f"{abs(row.difference):.4f} {'higher' if row.difference > 0 else 'lower'}"
    if row.paired.ci_low is None:
        return f"B scores {by}; one observation tells no more."
    if row.verdict == "unclear":
        return f"B scores {by}, which is not significant (p {_p(row.paired.p_holm)})."
    return f"B scores {by}, which is significant (p {_p(row.paired.p_holm)})."


def _cost_table(rows: Sequence[CostRow], clean: Callable[[str], str]) -> tuple[list[list[str]], list[str], int]:
    several = len({(row.model_a, row.model_b) for row in rows}) > 1
    environments = len({row.environment for row in rows if row.environment}) > 1
    texts = ["task", *(["model"] if several else []), "view", *(["environment"] if environments else []), "cost"]
    lines = []
    for row in rows:
        line = [clean(unit_title(row.unit)), *([clean(row.model_b)] if several else []), _views(row.view_a, row.view_b)]
        line += [clean(row.environment or "")] if environments else []
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}{NOISY_MARK if row.noisy else ''}"
        values = [f"{value:,.0f}" if row.name in _WHOLE else significant(value) for value in (row.value_a, row.value_b)]
        lines.append([*line, TITLES[row.name], *values, ratio])
    return lines, [*texts, "A", "B", "B/A"], len(texts)


def _views(a: View | None, b: View | None) -> str:
    return str(a or "") if a == b else f"{a or '-'}, {b or '-'}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return f"<{_SMALLEST_P:g}" if value < _SMALLEST_P else f"{value:.4f}"


def _plain_table(lines: Sequence[Sequence[str]], headings: Sequence[str], text_columns: int) -> str:
    align = aligned(headings, text_columns)
    if headings[-1] == "":
        align[-1] = "left"
    return plain_table(lines, headings, align)


def _heading(entry: Examples) -> str:
    row = entry.row
    what = "pairs whose influence changed" if row.type == "sts" else "queries that changed"
    what = "items that changed" if row.type == "mteb" else what
    return f"{unit_title(row.unit)}{_who(row)}: the {what} most, by {row.metric}"


def _who(row: Row) -> str:
    a, b = (_name(point) for point in (row.a, row.b))
    return f", {a}" if a == b else f", {a} and {b}"


def _name(point: Point) -> str:
    return point.model if point.view is None else f"{point.model} at {point.view}"


def _plain_examples(entry: Examples) -> str:
    lines = [printable(_heading(entry))]
    for item in entry.items:
        change = item.change
        lines.append(f"  {short(change.id)}: {change.a:.4f} -> {change.b:.4f} ({change.b - change.a:+.4f})")
        lines += [f"    {name:<9} {text}" for name, text in _facts(item, short)]
    lines += [f"  {note}" for note in map(printable, entry.notes)]
    return "\n".join(lines)


def _markdown(text: str) -> str:
    return escape(printable(text))


def _markdown_examples(entry: Examples) -> str:
    lines = [f"### {_markdown(_heading(entry))}", ""]
    for item in entry.items:
        change = item.change
        lines.append(f"- {escape(short(change.id))}: {change.a:.4f} → {change.b:.4f} ({change.b - change.a:+.4f})")
        lines += [f"  - {name}: {escape(text)}" for name, text in _facts(item, short)]
    if entry.notes:
        lines += ["", *(f"- {_markdown(note)}" for note in entry.notes)]
    return "\n".join(lines)


def _facts(item: Example, clean: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """What is known of an item, line by line, each with its name."""
    if item.gold is not None:
        yield "gold", f"{item.gold:g}"
    if item.similarity_a is not None and item.similarity_b is not None:
        yield "similar", f"A {item.similarity_a:.4f}, B {item.similarity_b:.4f}"
    for text in item.texts:
        yield ("text" if item.gold is not None else "query"), clean(text)
    for number, document in enumerate(item.relevant, 1):
        more = f" (and {item.relevant_count - number} more)" if number == len(item.relevant) else ""
        more = more if item.relevant_count > number else ""
        yield "relevant", f"{clean(document.id)}  {clean(document.text)}{more}"
    for side, top in (("A found", item.top_a), ("B found", item.top_b)):
        if top is not None and not top:
            yield side, "nothing"
        for number, document in enumerate(top or (), 1):
            yield side, f"{number}{_mark(document)} {clean(document.id)}  {clean(document.text)}"


def _mark(document: Document) -> str:
    return _RELEVANT if document.label else " "
