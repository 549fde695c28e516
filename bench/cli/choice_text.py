"""The answer of `bench choose` as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.choosing.answer import Choice, Choosable, Limit, Measure, Relaxation
from bench.choosing.constraints import Quantity, option_name
from bench.markdown import plain_table
from bench.neutral import neutral_values
from bench.report.cells import NOISY_MARK, NOISY_REASON, significant
from bench.report.rows import LEAKAGE_MARK

_TITLES: dict[Quantity, str] = {
    "score": "score",
    "share": "kept",
    "share_of_best": "of best",
    "storage_bytes": "storage",
    "search_p95_ms": "search p95",
    "encode_p95_ms": "encode p95",
    "memory_bytes": "memory",
}
_ALWAYS: tuple[Quantity, ...] = ("share", "storage_bytes", "search_p95_ms")
_INDICES = {"flat": "exact", "hnsw": "HNSW", None: ""}
_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_COMPUTED, _UNKNOWN = "*", "?"
_SHOWN = 8


def render(choice: Choice) -> str:
    """The whole answer."""
    # Its lines are put together from names, of which none may hold a line break.
    choice = Choice.model_validate({**neutral_values(choice.model_dump()), "code": choice.code})
    parts = [_head(choice), _verdict(choice), _table(choice), *_told(choice)]
    parts += ["\n".join(lines) for lines in (_relaxations(choice), _notes(choice)) if lines]
    if choice.code is not None:
        parts.append(choice.code.rstrip("\n"))
    return "\n\n".join(parts)


def amount_text(quantity: Quantity, value: float) -> str:
    """A value of a quantity with its unit, in three significant digits."""
    if quantity.endswith("_bytes"):
        size, unit = next(((size, unit) for size, unit in _UNITS if value >= size), (1, "B"))
        return f"{significant(value / size)} {unit}" if unit != "B" else f"{value:.0f} B"
    if quantity.endswith("_ms"):
        return f"{significant(value)} ms"
    return f"{value:.1%}" if quantity.startswith("share") else f"{value:.4f}"


def view_name(view: Choosable) -> str:
    """A view in words."""
    parts = [view.model, *([f"{view.truncate_dim} {view.precision}"] if view.truncate_dim else [])]
    parts += ["by HNSW"] if view.index == "hnsw" else []
    return " ".join([*parts, *([f"with {view.shortlist} reranked"] if view.shortlist else [])])


def _head(choice: Choice) -> str:
    unit = choice.task if choice.subset == "default" else f"{choice.task} {choice.subset}"
    considered = f"{choice.views} views" + (f" and {choice.shortlists} shortlists" if choice.shortlists else "")
    text = f"{unit} ({choice.split}): {considered} by {choice.metric} over {choice.n:,}"
    if choice.corpus_size is not None:
        text += f"; costs at {choice.corpus_size:,} documents"
    elif choice.documents is not None:
        text += f"; costs at the task's {choice.documents:,} documents"
    if choice.environment is None:
        return f"{text}; no costs were measured"
    return f"{text}; environment {choice.environment}" + (f" ({choice.machine})" if choice.machine else "")


def _verdict(choice: Choice) -> str:
    best = choice.best
    if best is None:
        view = choice.closest or choice.top
        broken = [
            f"{_TITLES[limit.quantity]} {_beyond(measure, limit)}"
            for limit in choice.constraints
            if (measure := _measure(view, limit.quantity)).verdict == "broken"
        ]
        reasons = "; ".join([*broken, *_lacking(choice, view)])
        return f"Nothing fits. Closest: {view_name(view)}, {view.score:.4f}: {reasons}."
    text = f"{view_name(best)}: {best.score:.4f}" + (" by exact search" if best.index == "hnsw" else "")
    if choice.status == "fits":
        return f"Best that fits: {text}."
    return f"NOT KNOWN TO FIT. Best that may: {text}; {'; '.join(_lacking(choice, best))}."


def _lacking(choice: Choice, view: Choosable) -> list[str]:
    """What is not known of a view, in words."""
    names = [_TITLES[limit.quantity] for limit in choice.constraints if _unknown(view, limit.quantity)]
    return [f"not known: {', '.join(names)}"] if names else []


def _beyond(measure: Measure, limit: Limit) -> str:
    """By how much a limit is broken."""
    bound = measure.at_least if _is_most(limit) else measure.at_most
    shown = "" if bound is None else amount_text(limit.quantity, bound)
    more = "at least " if measure.at_least != measure.at_most else ""
    return f"{more}{shown} against {amount_text(limit.quantity, limit.limit)}"


def _table(choice: Choice) -> str:
    limited = {limit.quantity for limit in choice.constraints}
    columns = [quantity for quantity in _TITLES if quantity != "score" and (quantity in limited or quantity in _ALWAYS)]
    lines = [_limits_line(choice, columns)] if limited else []
    rows = _rows(choice)
    lines += [_line(label, view, columns, _documents(choice)) for label, view in rows[:_SHOWN]]
    headings = ["", "model", "dim", "precision", "index", "score", *(_TITLES[quantity] for quantity in columns)]
    left = ["left", "left", "right", "left", "left", "left"]
    table = plain_table(lines, headings, left + ["right"] * len(columns))
    legend = [text for mark, text in _legend(choice) if any(mark in cell for line in lines for cell in line)]
    if len(rows) > _SHOWN:
        legend.append(f"and {len(rows) - _SHOWN} more that cannot be told from the best: --format json lists them")
    return "\n".join([*(line.rstrip() for line in table.splitlines()), *legend])


def _rows(choice: Choice) -> list[tuple[str, Choosable]]:
    """Labelled views: the best, the cheapest that cannot be told from it, the others of these; or the closest."""
    if choice.best is None:
        return [("closest", choice.closest)] if choice.closest else []
    rows = [("best", choice.best)]
    if choice.cheapest is not None and choice.cheapest != choice.best:
        rows.append(("smallest", choice.cheapest))
    return rows + [("", view) for view in choice.runners_up or [] if view != choice.cheapest]


def _limits_line(choice: Choice, columns: Sequence[Quantity]) -> list[str]:
    limits = {
        limit.quantity: f"{'≤' if _is_most(limit) else '≥'} {amount_text(limit.quantity, limit.limit)}"
        for limit in choice.constraints
    }
    return ["limit", "", "", "", "", limits.get("score", ""), *(limits.get(quantity, "") for quantity in columns)]


def _line(label: str, view: Choosable, columns: Sequence[Quantity], documents: int | None) -> list[str]:
    name = view.model + (NOISY_MARK if view.noisy else "") + (LEAKAGE_MARK if view.leakage else "")
    score = f"{view.score:.4f}"
    if view.ci_low is not None and view.ci_high is not None:
        score += f" [{view.ci_low:.3f}, {view.ci_high:.3f}]"
    index = _INDICES[view.index]
    if view.shortlist is not None:
        index += f", {view.shortlist} reranked (recall {view.shortlist_recall:.3f})"
    recall = view.hnsw_recall_at_10
    if recall is not None and recall.value is not None:
        index += f" (recall {recall.value:.3f}{_place(recall, documents)})"
    dim = "" if view.truncate_dim is None else str(view.truncate_dim)
    cells = [_cell(quantity, _measure(view, quantity), documents) for quantity in columns]
    return [label, name, dim, view.precision or "", index, score, *cells]


def _cell(quantity: Quantity, measure: Measure, documents: int | None) -> str:
    text = "" if measure.value is None else amount_text(quantity, measure.value)
    if text and measure.computed:
        text += _COMPUTED
    text += _place(measure, documents) if text else ""
    return f"{text} {_UNKNOWN}".strip() if measure.verdict == "unknown" else text


def _place(measure: Measure, documents: int | None) -> str:
    """At how many documents a figure was measured, where that is another number than the one asked for."""
    return "" if measure.documents in {None, documents} else f" @{measure.documents:,}"


def _legend(choice: Choice) -> list[tuple[str, str]]:
    asked = _documents(choice)
    return [
        (_COMPUTED, f"{_COMPUTED} computed from the index's layout, not measured"),
        (" @", f"@ measured at so many documents, not at {asked:,}" if asked else "@ measured at so many documents"),
        (_UNKNOWN, f"{_UNKNOWN} not known to keep to the limit"),
        (NOISY_MARK, f"{NOISY_MARK} {NOISY_REASON}"),
        (LEAKAGE_MARK, f"{LEAKAGE_MARK} may have been trained on what it is tested on"),
    ]


def _told(choice: Choice) -> list[str]:
    """What cannot be told from the best, and what was not measured."""
    parts = [] if choice.best is None else [_ties(choice, choice.best)]
    if choice.other_index is not None:
        parts.append(_other_index(choice.other_index, _documents(choice)))
    if choice.unproven:
        first = choice.unproven[0]
        better = "with a better score " if choice.best else ""
        others = f", and {len(choice.unproven) - 1} more" if len(choice.unproven) > 1 else ""
        lacking = [
            f"{_TITLES[limit.quantity]} ({_measure(first, limit.quantity).why})"
            for limit in choice.constraints
            if _unknown(first, limit.quantity)
        ]
        text = f"{view_name(first)} ({first.score:.4f}) {better}may fit{others}; not known: {', '.join(lacking)}."
        parts.append(text)
    asked = [view for view in (choice.best, *choice.unproven[:1]) if view is not None and view.measure]
    if asked:
        parts.append("\n".join(["To know:", *(f"  {command}" for command in asked[0].measure)]))
    return parts


def _ties(choice: Choice, best: Choosable) -> str:
    test = "(paired test, Holm, 5%)"
    if choice.runners_up is None:
        return "Whether others can be told from it could not be tested: the score is no mean over items."
    count = len(choice.runners_up)
    if choice.accepted == 1:
        return "No other view keeps to the limits as it does."
    if not count or choice.cheapest is None:
        what = "other view that keeps" if choice.accepted == 2 else f"{choice.accepted - 1} other views that keep"
        return f"The {what} to the limits as it does can be told from it {test}."
    smallest = "it is the smallest" if choice.cheapest == best else f"{view_name(choice.cheapest)} is the smallest"
    return f"{count} more {'view' if count == 1 else 'views'} cannot be told from it {test}; {smallest}."


def _other_index(other: Choosable, documents: int | None) -> str:
    shown: tuple[Quantity, ...] = ("storage_bytes", "search_p95_ms")
    cells = {_TITLES[quantity]: _cell(quantity, _measure(other, quantity), documents) for quantity in shown}
    told = [f"{title} {cell}" for title, cell in cells.items() if cell]
    recall = other.hnsw_recall_at_10
    if recall is not None and recall.value is not None:
        told.append(f"recall {recall.value:.3f}{_place(recall, documents)}, which the score leaves out")
    return f"With an {_INDICES[other.index]} index it keeps to them as well: {', '.join(told)}."


def _relaxations(choice: Choice) -> list[str]:
    """What each binding constraint costs; where none binds alone, what the best of all breaks."""
    lines = []
    for limit in choice.constraints:
        if limit.without is None:
            continue
        name = option_name(limit.name)
        lines.append(f"{name} binds: without it {_gained(choice, limit, limit.without)}.")
        if limit.step is not None and limit.step.limit is not None:
            needed = _loosened(limit, limit.step.limit)
            lines.append(f"  {name} {needed} would do: {_gained(choice, limit, limit.step)}.")
    if not lines and choice.constraints:
        broken = [
            option_name(limit.name)
            for limit in choice.constraints
            if _measure(choice.top, limit.quantity).verdict != "met"
        ]
        if choice.best is not None and choice.top.score == choice.best.score:
            lines.append("No constraint binds: it is the best of all.")
        else:
            lines.append(
                f"No constraint binds alone; the best of all, {view_name(choice.top)} ({choice.top.score:.4f}), "
                f"does not keep to {', '.join(broken)}."
            )
    return lines


def _gained(choice: Choice, limit: Limit, relaxed: Relaxation) -> str:
    """What another limit gives; what stays unknown of it is told where nothing fits, else it is as with the answer."""
    text = f"{view_name(relaxed.view)}, {relaxed.view.score:.4f}"
    if relaxed.gain is not None:
        apart = {True: "", False: ", which cannot be told from the answer", None: ", not tested"}[relaxed.told_apart]
        return f"{text} ({relaxed.gain:+.4f}{apart})"
    others = choice.model_copy(update={"constraints": [other for other in choice.constraints if other != limit]})
    return "; ".join([text, *_lacking(others, relaxed.view)])


def _loosened(limit: Limit, value: float) -> str:
    """A new limit as an option's value, rounded to the side that admits the view."""
    rounding = math.ceil if _is_most(limit) else math.floor
    if limit.quantity.endswith("_bytes"):
        size, unit = next(((size, unit) for size, unit in _UNITS if value >= size), (1, "B"))
        return f"{rounding(value / size * 100) / 100:g}{unit}"
    if limit.quantity.endswith("_ms"):
        step = 10.0 ** (math.floor(math.log10(value)) - 2) if value > 0 else 1.0
        return f"{rounding(value / step) * step:.6g}ms"
    return f"{rounding(value * 10_000) / 10_000:g}"


def _notes(choice: Choice) -> list[str]:
    return [f"note: {' '.join(note.split())}" for note in choice.notes]


def _documents(choice: Choice) -> int | None:
    return choice.corpus_size or choice.documents


def _measure(view: Choosable, quantity: Quantity) -> Measure:
    return view.quantities[quantity]


def _unknown(view: Choosable, quantity: Quantity) -> bool:
    return _measure(view, quantity).verdict == "unknown"


def _is_most(limit: Limit) -> bool:
    return limit.name.startswith("max_")
