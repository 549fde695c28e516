"""How numbers are written in tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.report.columns import Column, best_value, is_best
from bench.report.rows import Row
from bench.results.schema import STEADY_SPREAD, Value
from bench.views import View

NOISY_MARK = "†"
NOISY_REASON = f"measured on a busy machine, or processes differ by more than {STEADY_SPREAD:.0%}"
AUDIT_COMMAND = "`bench tasks audit`"
AUDIT_MARK = "§"
AUDIT_NOTE = (
    f"{AUDIT_MARK} the task's audit found what makes its scores worth less than they look: below the task's tables"
)


def score_text(value: Value | None) -> str:
    """A score with its interval; empty where there is none."""
    if value is None:
        return ""
    text = f"{value.value:.4f}"
    if value.ci_low is not None and value.ci_high is not None:
        text += f" [{value.ci_low:.3f}, {value.ci_high:.3f}]"
    return text


_FORMATS: dict[str, Callable[[float], str]] = {
    "share": "{:.1%}".format,
    "matmul_share": "{:.1%}".format,
    "bytes_per_vector": "{:.0f}".format,
    "best_batch": "{:.0f}".format,
    "hnsw_recall": "{:.4f}".format,
    "reranked": "{:.4f}".format,
    "encode_mib": "{:,.0f}".format,
    "search_mib": "{:,.0f}".format,
    "texts_per_s": "{:,.0f}".format,
    "tokens_per_s": "{:,.0f}".format,
    "weights_mb": "{:,.0f}".format,
    "index_bytes": lambda value: significant(value / 1e6),
}


def number_text(column: Column, value: float | None) -> str:
    """One cell of a number column; empty where nothing was measured."""
    return "" if value is None else _FORMATS.get(column.key, significant)(value)


def bold(text: str) -> str:
    """Text in bold, as Markdown."""
    return f"**{text}**"


def number_cells(
    rows: Sequence[Any], columns: Sequence[Column], mark_best: Callable[[str], str] = bold
) -> list[list[str]]:
    """The number columns of all rows.

    Args:
        rows: The rows.
        columns: The columns.
        mark_best: Marks the best of a column.
    """
    best = [best_value(rows, column) for column in columns]
    return [
        [
            mark_best(text) if is_best(row, column, top) else text
            for column, top in zip(columns, best, strict=True)
            for text in [number_text(column, getattr(row, column.key))]
        ]
        for row in rows
    ]


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    digits = 2
    # What rounds to 10.0 has one digit fewer than 9.99.
    size = abs(float(f"{value:.3g}"))
    while size >= 10 and digits > 0:
        size /= 10
        digits -= 1
    while size < 1 and digits < 6:
        size *= 10
        digits += 1
    return f"{value:,.{digits}f}"


def view_text(view: View | None) -> tuple[str, str]:
    """Dimensions and precision of a row."""
    return (str(view.truncate_dim), view.precision) if view else ("", "")


def machine_text(facts: Mapping[str, Any]) -> str:
    """What an environment is, in a line."""
    parts = [str(facts[key]) for key in ("cpu", "os") if key in facts]
    if "cores" in facts:
        parts.insert(1, f"{facts['cores']} cores")
    parts += [str(gpu.get("name", "GPU")) for gpu in facts.get("gpus", [])]
    parts += [f"{name}={value}" for name, value in sorted(facts.get("variables", {}).items())]
    return ", ".join(parts) or "not described"


def shown_text(row: Row, metric: str) -> str:
    """A further metric of a row; empty where it was not scored."""
    value = row.shown.get(metric)
    return "" if value is None else f"{value:.4f}"
