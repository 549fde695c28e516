"""Text and tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

# An underscore between letters or digits marks nothing in GitHub's Markdown.
_SPECIAL = re.compile(r"([\\`*{}\[\]<>|#!~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")

_PLAIN = re.compile(r"[\w.:@/+=-][\w.:@/+=, -]*")


def printable(text: str) -> str:
    """Text from a file on one line, without the characters that a terminal would act on."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def escape(text: str) -> str:
    """Text from a file on one line, so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """A name from a file as code; where it holds what would end the code, as escaped text."""
    return f"`{text}`" if _PLAIN.fullmatch(text) else escape(text)


def link(text: str, target: str) -> str:
    """A link.

    Args:
        text: What it says, Markdown.
        target: A relative path of safe names (bench.files.safe_name), or a heading's anchor.
    """
    return f"[{text}]({target})"


def pipe_table(lines: Sequence[Sequence[str]], headings: Sequence[str], text_columns: int) -> str:
    """A table.

    Args:
        lines: The cells of each row, Markdown.
        headings: Those of the head.
        text_columns: How many columns, from the left, hold text; the others are aligned to the right.
    """
    import tabulate

    # Where wcwidth happens to be installed, tabulate pads wide characters in another way.
    tabulate.WIDE_CHARS_MODE = False
    align = ["left"] * text_columns + ["right"] * (len(headings) - text_columns)
    return tabulate.tabulate(lines, headers=headings, tablefmt="pipe", colalign=align, disable_numparse=True)
