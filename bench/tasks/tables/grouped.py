"""Which rows of a table have the same query: they stay together when it is split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from bench.tasks.same_text import normalise

# An id, or a text after normalisation.
_Name: TypeAlias = tuple[str, str]


def query_groups(queries: Iterable[tuple[str, str | None]]) -> list[str]:
    """The group of each query, named by its smallest id.

    Queries are in one group when they have the same id, or the same text but for case, white space, punctuation and
    Unicode's compatibility forms, or when a third is in a group with both.

    Args:
        queries: Ids and texts; None where a text is lacking.
    """
    above: dict[_Name, _Name] = {}

    def top(name: _Name) -> _Name:
        above.setdefault(name, name)
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    ids: list[_Name] = []
    for key, text in queries:
        ids.append(("id", key))
        tops = [top(("id", key)), *([] if text is None else [top(("text", normalise(text)))])]
        # Names of ids are before those of texts, so that the top of a group is an id.
        above[max(tops)] = min(tops)
    return [top(name)[1] for name in ids]
