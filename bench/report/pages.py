"""All pages of a report: made from results, written, compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from bench.files import write_error, write_text
from bench.neutral import neutral
from bench.paths import bytes_if_there, entries, is_file
from bench.regular import MOST_RECORD
from bench.report.board import MODELS, PICTURES, TASKS, Board, read_board
from bench.report.gallery import draw_gallery
from bench.report.index_page import index_blocks
from bench.report.leaderboard import leaderboard_blocks
from bench.report.model_page import model_blocks
from bench.report.task_page import task_blocks
from bench.results.left_out import left_out_lines
from bench.statistics.margins import Margin

# Folders below reports/ in which files that are no longer made are removed.
OWNED = (TASKS, MODELS, PICTURES)
# What tells files that a report wrote from a user's own. A comment in Markdown, HTML and SVG alike.
_MARK = "Made by `bench report`"
_STAMP = f"<!-- {_MARK} from results/; do not edit. -->\n"


def make_pages(results: Path, max_loss: Margin | None = None) -> dict[str, str]:
    """Every page of the report.

    Args:
        results: The results folder.
        max_loss: The margin of all tasks; their own by default.

    Returns:
        The content of each, by its POSIX path below reports/.

    Raises:
        BenchError: No results, or files in them that cannot be read.
    """
    board = read_board(results, max_loss)
    gallery = draw_gallery(board)
    pages = {picture.path: picture.svg for picture in gallery.pictures()}
    pages |= {"index.html": _html(board), "README.md": _markdown(index_blocks(board))}
    pages["leaderboard.md"] = _markdown(leaderboard_blocks(board, gallery))
    pages |= {page: _markdown(task_blocks(board, gallery, task)) for task, page in board.task_pages.items()}
    pages |= {page: _markdown(model_blocks(board, model)) for model, page in board.model_pages.items()}
    return {path: content + _STAMP for path, content in sorted(pages.items())}


def _html(board: Board) -> str:
    from bench.report.html.page import render_html
    from bench.report.html.sizes import other_sizes

    return render_html(board.tables, board.environments, other_sizes(board.index), left_out_lines(board.left_out))


def _markdown(blocks: Sequence[str]) -> str:
    return neutral("\n\n".join(blocks), lines=True) + "\n\n"


@dataclass(frozen=True)
class StalePage:
    """A page that is not what the results give.

    Attributes:
        path: POSIX, below reports/.
        state: Whether it is not there, has another content, or is there though the results do not give it any more.
    """

    path: str
    state: Literal["missing", "changed", "left over"]


def write_pages(results: Path, reports: Path, max_loss: Margin | None = None) -> list[StalePage]:
    """Write the pages that are not up to date, and remove those that are no longer made.

    Files are removed in the folders OWNED alone, and only those that a report wrote.

    Args:
        results: The results folder.
        reports: The folder to write to.
        max_loss: The margin of all tasks; their own by default.

    Returns:
        What was not up to date and is now.

    Raises:
        BenchError: No results, results that cannot be read, a page's place taken by a file that no report wrote, or a
            folder that cannot be written. In the first three cases nothing is written.
    """
    pages = make_pages(results, max_loss)
    stale = _compare(pages, reports)
    for page in stale:
        if page.state == "changed":
            _check_own(reports / page.path)
    for page in stale:
        if page.state == "left over":
            _remove(reports / page.path)
        else:
            write_text(reports / page.path, pages[page.path])
    return stale


def stale_pages(results: Path, reports: Path, max_loss: Margin | None = None) -> list[StalePage]:
    """The pages that are not what the results give; nothing is written.

    Raises:
        BenchError: No results, or files that cannot be read.
    """
    return _compare(make_pages(results, max_loss), reports)


def _compare(pages: Mapping[str, str], reports: Path) -> list[StalePage]:
    found = []
    for path, content in pages.items():
        there = _read(reports / path)
        if there is None:
            found.append(StalePage(path, "missing"))
        elif there != content.encode("utf-8"):
            found.append(StalePage(path, "changed"))
    return sorted([*found, *_left_over(pages, reports)], key=lambda page: page.path)


def _left_over(pages: Mapping[str, str], reports: Path) -> list[StalePage]:
    """Files that a report wrote and that are not made any more."""
    # Where letters' case does not count, a page whose name has changed in it is still the page.
    made = {path.casefold() for path in pages}
    found = []
    for name in OWNED:
        for path in _files(reports / name):
            below = f"{name}/{path.name}"
            if below.casefold() not in made and _is_own(path):
                found.append(StalePage(below, "left over"))
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if is_file(path)]


def _read(path: Path) -> bytes | None:
    return bytes_if_there(path, MOST_RECORD)


def _is_own(path: Path) -> bool:
    return _MARK.encode() in (_read(path) or b"")


def _check_own(path: Path) -> None:
    if not _is_own(path):
        raise BenchError(
            "this file was not written by `bench report`, which would replace it",
            where=str(path),
            hint="move it away, or choose another folder: --reports DIR",
        )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
