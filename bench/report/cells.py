"""How numbers are written in tables."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.rows import COLUMNS, Column, Row, Table
from bench.results.schema import Value
from bench.views import View

NOISY_MARK = "†"
AUDIT_COMMAND = "`bench tasks audit`"


def score_text(value: Value | None) -> str:
    """A score with its interval; empty where there is none."""
    if value is None:
        return ""
    text = f"{value.value:.4f}"
    if value.ci_low is not None and value.ci_high is not None:
        text += f" [{value.ci_low:.3f}, {value.ci_high:.3f}]"
    return text


def number_text(column: Column, value: float | None) -> str:
    """One cell of a number column; empty where nothing was measured."""
    if value is None:
        return ""
    match column.key:
        case "share":
            return f"{value:.1%}"
        case "bytes_per_vector":
            return f"{value:.0f}"
        case "index_bytes":
            return significant(value / 1e6)
        case "encode_mib" | "search_mib" | "texts_per_s":
            return f"{value:,.0f}"
        case _:
            return significant(value)


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    digits = 2
    size = abs(value)
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


def shown_text(row: Row, metric: str) -> str:
    """A further metric of a row; empty where it was not scored."""
    value = row.shown.get(metric)
    return "" if value is None else f"{value:.4f}"


def shown_columns(table: Table) -> Sequence[Column]:
    """The columns that have a value in any row."""
    return [column for column in COLUMNS if any(getattr(row, column.key) is not None for row in table.rows)]


def is_best(table: Table, row: Row, column: Column) -> bool:
    """Whether a cell is the best of its column and there is something to be better than."""
    value = getattr(row, column.key)
    if value is None or (column.key == "share" and row.reference):
        return False
    others = {getattr(other, column.key) for other in table.rows} - {None}
    return len(others) > 1 and value == table.best(column)
