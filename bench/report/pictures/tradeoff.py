"""What quality costs on one task: main score against storage, search, encoding and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.report.cells import NOISY_MARK, NOISY_REASON
from bench.report.encoding import EncodingRow
from bench.report.pictures.points import Panel, make_levels, make_points
from bench.report.pictures.scatter import scatter_drawing
from bench.report.pictures.svg import Drawing, own_settings, to_svg
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE, Row, Table


def tradeoff_svg(table: Table, among: Iterable[str] = ()) -> str | None:
    """Quality against bytes a vector, search latency, encoding latency and memory, with Pareto fronts, as SVG.

    Args:
        table: One task unit in one environment.
        among: All models of the report, so that a model looks alike in all its pictures (see model_styles).

    Returns:
        The picture; None when no view has both a score and a cost.
    """
    with own_settings():
        drawing = tradeoff_drawing(table, among)
        return to_svg(drawing) if drawing else None


def tradeoff_drawing(table: Table, among: Iterable[str] = ()) -> Drawing | None:
    """The drawing behind tradeoff_svg; to be made and written within own_settings."""
    panels = tradeoff_panels(table)
    if not panels:
        return None
    where = f", environment {table.environment}" if table.environment else ""
    leaking = {row.model for row in table.rows if row.leakage}
    noisy = {row.model for row in table.rows if row.noisy} | {row.model for row in table.encoding if row.noisy}
    marks = {
        model: f"{NOISY_MARK if model in noisy else ''}{LEAKAGE_MARK if model in leaking else ''}"
        for model in leaking | noisy
    }
    notes = [f"{NOISY_MARK} some of its costs: {NOISY_REASON}."] if noisy else []
    notes += [f"{LEAKAGE_NOTE}."] if leaking else []
    title = f"{table.title}: {table.metric} against cost{where}"
    return scatter_drawing(
        title, panels, marks, notes, among, columns=2, panel_height=180.0, one_scale=True, with_tips=True
    )


def tradeoff_panels(table: Table) -> list[Panel]:
    """The panels that have data."""
    encoding = {row.model: row for row in table.encoding}

    def of_model(figure: Callable[[EncodingRow], float | None]) -> Callable[[Row], float | None]:
        return lambda row: figure(encoding[row.model]) if row.model in encoding else None

    costs: list[tuple[str, str, Callable[[Row], float | None], bool]] = [
        ("bytes", "bytes per vector", lambda row: row.bytes_per_vector, False),
        ("search", "search p50, ms a query", lambda row: row.search_ms, False),
        ("encode", "encode p50, ms a query", of_model(lambda row: row.p50_ms), True),
        ("memory", "peak memory of encoding, MiB", of_model(lambda row: row.encode_mib), True),
    ]
    panels = []
    for key, label, cost, whole in costs:
        points = make_points(table.rows, cost)
        if points:
            levels = make_levels(table.rows, points)
            panels.append(Panel(key, "", label, table.metric, points, levels, of_model=whole))
    return panels
