"""Adding an entry to the text of models.yaml; everything else in it, comments included, stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.errors import UsageError

_INDENT = 2


def with_entry(text: str, lines: Sequence[str], path: Path) -> str:
    """The text of a registry with one more entry at the end of its list `models`.

    Args:
        text: The file's text, which is a registry.
        lines: The entry's lines, from its dash on, with their indentation inside the list.
        path: The file, for messages.

    Raises:
        UsageError: The list, or the whole file, is written in brackets.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if root is not None else []
    models: Any = next((value for key, value in pairs if key.value == "models"), None)
    brackets = [node.start_mark.line + 1 for node in (root, models) if node is not None and node.flow_style]
    if brackets:
        raise UsageError(
            "is written in brackets, to which no lines can be added",
            where=f"{path}, line {brackets[0]}",
            hint="write its entries as lines with dashes, or add the entry by hand: --print shows it",
        )
    if models is None:
        column, start, before = _INDENT, len(text), ["models:"]
        blank = [""] if text.strip() else []
    else:
        column, start, before, blank = models.start_mark.column, _end(text, models), [], [""]
    head = text[:start]
    if head and not head.endswith("\n"):
        head += newline
    added = [*blank, *before, *(" " * column + line if line else "" for line in lines)]
    return head + "".join(line + newline for line in added) + text[start:]


def _end(text: str, models: yaml.Node) -> int:
    """Where the last entry's lines end, those of comments that are indented like its keys included."""
    last: yaml.Node = models
    while isinstance(last, yaml.CollectionNode) and last.value and not last.flow_style:
        item = last.value[-1]
        last = item[1] if isinstance(item, tuple) else item
    at: int = last.end_mark.index
    if at == 0 or text[at - 1] != "\n":
        at = _next_line(text, at)
    while text[:at].endswith(("\n\n", "\n\r\n")):
        at = text.rindex("\n", 0, at)
        at -= text[at - 1] == "\r"
    while at < len(text):
        line = text[at : _next_line(text, at)]
        indent = len(line) - len(line.lstrip(" "))
        if not line.lstrip().startswith("#") or indent <= models.start_mark.column:
            break
        at = _next_line(text, at)
    return at


def _next_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1
