"""Quality against storage over tasks, a small panel each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report.pictures.points import Panel, make_levels, make_points
from bench.report.pictures.scatter import scatter_drawing
from bench.report.pictures.svg import Drawing, own_settings, to_svg
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE, Table
from bench.results.index import UnitKey

# More panels make a picture that nobody sees at once.
MOST_PANELS = 12


def multiples_svg(tables: Sequence[Table], among: Iterable[str] = ()) -> str | None:
    """Quality against bytes a vector, a panel a task unit, as SVG.

    Args:
        tables: Those that differ in the environment alone are one panel, since vectors are as long everywhere.
        among: All models of the report (see model_styles).

    Returns:
        The picture; None when no view has both a score and a size.
    """
    with own_settings():
        drawing = multiples_drawing(tables, among)
        return to_svg(drawing) if drawing else None


def multiples_drawing(tables: Sequence[Table], among: Iterable[str] = ()) -> Drawing | None:
    """The drawing behind multiples_svg; to be made and written within own_settings."""
    units: dict[UnitKey, Table] = {}
    for table in sorted(tables, key=lambda table: (table.unit, table.environment or "")):
        units.setdefault(table.unit, table)
    panels: list[Panel] = []
    for table in units.values():
        points = make_points(table.rows, lambda row: row.bytes_per_vector)
        if points:
            levels = make_levels(table.rows, points)
            panels.append(Panel(f"task{len(panels)}", table.title, "bytes per vector", table.metric, points, levels))
    if not panels:
        return None
    leaking = {row.model for table in units.values() for row in table.rows if row.leakage}
    notes = [f"{LEAKAGE_NOTE}."] if leaking else []
    if len(panels) > MOST_PANELS:
        notes.insert(0, f"The first {MOST_PANELS} of {len(panels)} tasks, in the order of their names.")
    return scatter_drawing(
        "Quality against bytes per vector, a task a panel",
        panels[:MOST_PANELS], dict.fromkeys(leaking, LEAKAGE_MARK), notes, among,
        columns=3, panel_height=128.0, one_scale=False, with_tips=False,
    )  # fmt: skip
