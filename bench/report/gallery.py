"""The pictures of a report: drawn once, each with the path that pages show it by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.markdown import escape
from bench.report.board import PICTURES, Board
from bench.report.names import file_names
from bench.report.rows import Table
from bench.results.index import UnitKey


@dataclass(frozen=True)
class Picture:
    """A picture of a report.

    Attributes:
        path: POSIX, below reports/.
        svg: The picture.
        words: What it shows.
    """

    path: str
    svg: str
    words: str

    def shown(self, above: str = "") -> str:
        """The picture in Markdown.

        Args:
            above: The way from the page's folder to reports/, such as `../`.
        """
        return f"![{escape(self.words)}]({above}{self.path})"


@dataclass
class Gallery:
    """All pictures.

    Attributes:
        tradeoffs: Of a task unit in an environment.
        retentions: Of a task unit.
        funnels: Likewise.
        tasks: Over all tasks, some at a time.
    """

    tradeoffs: dict[tuple[UnitKey, str | None], Picture] = field(default_factory=dict)
    retentions: dict[UnitKey, Picture] = field(default_factory=dict)
    funnels: dict[UnitKey, Picture] = field(default_factory=dict)
    tasks: list[Picture] = field(default_factory=list)

    def pictures(self) -> Iterator[Picture]:
        """Each picture."""
        yield from self.tradeoffs.values()
        yield from self.retentions.values()
        yield from self.funnels.values()
        yield from self.tasks


def draw_gallery(board: Board) -> Gallery:
    """Draw what there is to draw.

    Args:
        board: What results say.
    """
    from bench.report.pictures.funnel import funnel_svg
    from bench.report.pictures.multiples import MOST_PANELS, multiples_svg
    from bench.report.pictures.retention import retention_svg
    from bench.report.pictures.tradeoff import tradeoff_svg

    models = list(board.models)
    tables = board.tables
    firsts = [found[0] for found in board.units.values()]
    parts = [firsts[start : start + MOST_PANELS] for start in range(0, len(firsts), MOST_PANELS)]
    keys = [
        *map(_tradeoff_key, tables),
        *map(_retention_key, board.retentions),
        *map(_funnel_key, board.funnels),
        *map(_tasks_key, range(len(parts))),
    ]
    paths = {key: f"{PICTURES}/{name}.svg" for key, name in file_names(keys).items()}
    gallery = Gallery()
    for table in tables:
        svg = tradeoff_svg(table, models)
        if svg is not None:
            words = f"{table.title}: {table.metric} against bytes a vector, latency of search and encoding, and memory"
            picture = Picture(paths[_tradeoff_key(table)], svg, words)
            gallery.tradeoffs[table.unit, table.environment] = picture
    for unit, retention in board.retentions.items():
        svg = retention_svg(retention, models)
        if svg is not None:
            words = f"{retention.title}: share of the full-width score kept at each dimension"
            gallery.retentions[unit] = Picture(paths[_retention_key(unit)], svg, words)
    for unit, funnels in board.funnels.items():
        svg = funnel_svg(funnels)
        if svg is not None:
            words = f"{funnels[0].title}: share kept by shortlists that are ranked again at full width"
            gallery.funnels[unit] = Picture(paths[_funnel_key(unit)], svg, words)
    for number, part in enumerate(parts):
        svg = multiples_svg(part, models)
        if svg is not None:
            gallery.tasks.append(
                Picture(paths[_tasks_key(number)], svg, "Score against bytes a vector, a panel a task")
            )
    return gallery


def _tradeoff_key(table: Table) -> tuple[str, ...]:
    return (*table.unit, table.environment or "", "tradeoff")


def _retention_key(unit: UnitKey) -> tuple[str, ...]:
    return (*unit, "retention")


def _funnel_key(unit: UnitKey) -> tuple[str, ...]:
    return (*unit, "funnel")


def _tasks_key(number: int) -> tuple[str, ...]:
    return ("tasks", str(number + 1))
