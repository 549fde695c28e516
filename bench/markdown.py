"""Text from files as Markdown; tables, plain and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.neutral import neutral

# An underscore between letters or digits marks nothing in GitHub's Markdown; an ampersand alone is no entity.
_SPECIAL = re.compile(r"([\\`*{}\[\]<>|#!~]|&(?=#?\w+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")

_PLAIN = re.compile(r"[\w.:@/+=-][\w.:@/+=, -]*")


def printable(text: str) -> str:
    """Text from a file on one line, its white space as single spaces, otherwise neutral."""
    return neutral(" ".join(text.split()))


def escape(text: str) -> str:
    """Text from a file on one line, so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """A name from a file as code; where it holds what would end the code, as escaped text."""
    shown = neutral(text)
    return f"`{shown}`" if _PLAIN.fullmatch(shown) else escape(text)


def link(text: str, target: str) -> str:
    """A link.

    Args:
        text: What it says, Markdown.
        target: A relative path of safe names (bench.files.safe_name), or a heading's anchor.
    """
    return f"[{text}]({target})"


def plain_table(
    lines: Sequence[Sequence[str]], headings: Sequence[str] = (), align: Sequence[str] | None = None
) -> str:
    """A table for a terminal; its cells may hold text from files.

    Args:
        lines: The cells of each row.
        headings: Those of the head; without any the table has no rules either.
        align: `left` or `right` for each column. Default: all to the left.
    """
    form = "simple" if headings else "plain"
    return _table([[neutral(cell) for cell in line] for line in lines], [*map(neutral, headings)], form, align)


def pipe_table(lines: Sequence[Sequence[str]], headings: Sequence[str], text_columns: int) -> str:
    """A table as Markdown.

    Args:
        lines: The cells of each row, Markdown.
        headings: Those of the head.
        text_columns: How many columns, from the left, hold text; the others are aligned to the right.
    """
    return _table(lines, headings, "pipe", aligned(headings, text_columns))


def aligned(headings: Sequence[str], text_columns: int) -> list[str]:
    """The alignment of columns of which so many, from the left, hold text and the others numbers."""
    return ["left"] * text_columns + ["right"] * (len(headings) - text_columns)


def _table(lines: Sequence[Sequence[str]], headings: Sequence[str], form: str, align: Sequence[str] | None) -> str:
    import tabulate

    # Where wcwidth happens to be installed, tabulate pads wide characters in another way.
    tabulate.WIDE_CHARS_MODE = False
    return tabulate.tabulate(lines, headings, tablefmt=form, colalign=align, disable_numparse=True)
