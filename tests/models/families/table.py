"""The table of families in docs/models.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from support import ROOT

from .catalog import FAMILIES, Family

PAGE = ROOT / "docs" / "models.md"
_MARKED = re.compile(r"(<!-- families -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = "| family | its entry needs | what is special | largest difference |\n| --- | --- | --- | --- |\n"
_ROW = re.compile(r"^\| (?P<name>[^|]+) \| .* \| (?P<difference>[^|]+) \|$", re.MULTILINE)


def table(differences: Mapping[str, str]) -> str:
    """The table.

    Args:
        differences: The largest difference by family, as it is printed.
    """
    rows = []
    for family in FAMILIES:
        keys = "<br>".join(f"`{line}`" for line in lines(family)) or "nothing"
        rows.append(f"| {family.name} | {keys} | {family.special} | {differences[family.name]} |\n")
    return _HEAD + "".join(rows)


def shown(page: str) -> str:
    """The table that a page shows."""
    return _MARKED.search(page)[0].removeprefix("<!-- families -->\n").removesuffix("<!-- end -->")


def differences(text: str) -> dict[str, str]:
    """The differences that a table states, as they are printed."""
    found = {match["name"]: match["difference"] for match in _ROW.finditer(text)}
    return {family.name: found.get(family.name, "?") for family in FAMILIES}


def fill(page: str, text: str) -> str:
    """A page with another table."""
    return _MARKED.sub(lambda match: match[1] + text + match[2], page)


def lines(family: Family) -> list[str]:
    """The keys of a family's entry, a line of YAML each."""
    return [f"{key}: {_flow(value)}" for key, value in family.entry.items()]


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)
