"""The answer of `bench choose` as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.choosing.answer import Choice, Choosable, Limit, Measure, Relaxation
from bench.choosing.constraints import Quantity, option_name
from bench.report.cells import NOISY_MARK, significant
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
    return " ".join([*parts, *(["by HNSW"] if view.index == "hnsw" else [])])


def _head(choice: Choice) -> str:
    unit = choice.task if choice.subset == "default" else f"{choice.task} {choice.subset}"
    text = f"{unit} ({choice.split}): {choice.views} views by {choice.metric} over {choice.n:,}"
    if choice.corpus_size is not None:
        text += f"; costs at {choice.corpus_size:,} documents"
    elif choice.documents is not None:
        text += f"; costs at the task's {choice.documents:,} documents"
    if choice.environment is None:
        return f"{text}; no costs were measured"
    return f"{text}; environment {choice.environment}" + (f" ({choice.machine})" if choice.machine else "")


def _verdict(choice: Choice) -> str:
    best, closest = choice.best, choice.closest
    if best is None or closest is not None:
        view = closest or choice.top
        broken = [limit for limit in choice.constraints if _measure(view, limit.quantity).verdict == "broken"]
        texts = [f"{_TITLES[limit.quantity]} {_beyond(_measure(view, limit.quantity), limit)}" for limit in broken]
        return f"Nothing fits. Closest: {view_name(view)}, with {' and '.join(texts)}."
    text = f"{view_name(best)}: {best.score:.4f}"
    if choice.status == "fits":
        return f"Best that fits: {text}."
    lacking = [_TITLES[limit.quantity] for limit in choice.constraints if _unknown(best, limit.quantity)]
    return f"NOT KNOWN TO FIT, best that may: {text}. Not known: {', '.join(lacking)}."


def _beyond(measure: Measure, limit: Limit) -> str:
    """By how much a limit is broken."""
    bound = measure.at_least if _is_most(limit) else measure.at_most
    shown = "" if bound is None else amount_text(limit.quantity, bound)
    more = "at least " if measure.at_least != measure.at_most else ""
    return f"{more}{shown} against {amount_text(limit.quantity, limit.limit)}"


def _table(choice: Choice) -> str:
    from tabulate import tabulate

    limited = {limit.quantity for limit in choice.constraints}
    columns = [quantity for quantity in _TITLES if quantity != "score" and (quantity in limited or quantity in _ALWAYS)]
    lines = [_limits_line(choice, columns)] if limited else []
    rows = _rows(choice)
    lines += [_line(label, view, columns, _documents(choice)) for label, view in rows[:_SHOWN]]
    headings = ["", "model", "dim", "precision", "index", "score", *(_TITLES[quantity] for quantity in columns)]
    left = ["left", "left", "right", "left", "left", "left"]
    align = left + ["right"] * len(columns)
    table = tabulate(lines, headings, tablefmt="simple", disable_numparse=True, colalign=align)
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
        (NOISY_MARK, f"{NOISY_MARK} noisy"),
        (LEAKAGE_MARK, f"{LEAKAGE_MARK} may have been trained on what it is tested on"),
    ]


def _told(choice: Choice) -> list[str]:
    """What cannot be told from the best, and what was not measured."""
    parts = []
    if choice.best is None:
        return parts
    if choice.runners_up is None:
        parts.append("Whether others can be told from it could not be tested: its score is no mean over items.")
    elif choice.runners_up and choice.cheapest is not None:
        count = len(choice.runners_up)
        text = f"{count} more {'view' if count == 1 else 'views'} cannot be told from it (paired test, Holm, 5%)"
        smallest = "it is the smallest" if choice.cheapest == choice.best else f"{view_name(choice.cheapest)} is smallest"
        parts.append(f"{text}; {smallest}.")
    else:
        parts.append("Every other view that keeps to the limits as it does can be told from it (paired test, Holm, 5%).")
    if choice.other_index is not None:
        other, documents = choice.other_index, _documents(choice)
        cells = [
            f"{_TITLES[quantity]} {cell}"
            for quantity in ("storage_bytes", "search_p95_ms")
            if (cell := _cell(quantity, _measure(other, quantity), documents))  # type: ignore[arg-type]
        ]
        recall = other.hnsw_recall_at_10
        if recall is not None and recall.value is not None:
            cells.append(f"recall {recall.value:.3f}{_place(recall, documents)}, which the score leaves out")
        parts.append(f"By {_INDICES[other.index]} search it keeps to them too: {', '.join(cells)}.")
    if choice.unproven:
        count = len(choice.unproven)
        first = choice.unproven[0]
        what = "1 view has" if count == 1 else f"{count} views have"
        parts.append(f"{what} a better score and may fit, first {view_name(first)} ({first.score:.4f}).")
    wanted = choice.best.measure or [command for view in choice.unproven[:1] for command in view.measure]
    if wanted:
        parts.append("\n".join(["To know:", *(f"  {command}" for command in wanted)]))
    return parts


def _relaxations(choice: Choice) -> list[str]:
    """What each binding constraint costs; where none binds alone, what the best of all breaks."""
    lines = []
    for limit in choice.constraints:
        if limit.without is None:
            continue
        name = option_name(limit.name)
        lines.append(f"{name} binds: {_gained('without it', limit.without)}.")
        if limit.step is not None and limit.step.limit is not None:
            needed = _loosened(limit, limit.step.limit)
            lines.append(f"  {name} {needed} would do: {_gained('then', limit.step)}.")
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


def _gained(when: str, relaxed: Relaxation) -> str:
    text = f"{when} {view_name(relaxed.view)}, {relaxed.view.score:.4f}"
    if relaxed.gain is None:
        return text
    apart = {True: "", False: ", which cannot be told from the answer", None: ", not tested"}[relaxed.told_apart]
    return f"{text} ({relaxed.gain:+.4f}{apart})"


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
