"""What `bench tasks add` prints of a task that is divided into splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.tasks.add import NewTask


def division_lines(task: NewTask) -> Iterator[str]:
    """How large the folds are; of a split by row, which keeps no queries apart, how many are on both sides."""
    from bench.tasks.data import RetrievalData
    from bench.tasks.same_text import normalise

    split = task.content.get("table", {}).get("split")
    data = task.units[0].data if split else None
    if not isinstance(data, RetrievalData):
        return
    for fold, queries in sorted(Counter(data.folds or []).items(), key=lambda item: (len(item[0]), item[0])):
        yield f"split {fold}: {queries:,} queries; without-{fold} to train with"
    other = task.training.data if task.training else None
    if split["by"] == "row" and isinstance(other, RetrievalData):
        trained = set(map(normalise, other.queries))
        seen = sum(normalise(query) in trained for query in data.queries)
        yield f"{seen:,} of {data.n:,} test queries are in train too" + (
            ": --split-by query keeps them apart" * (seen > 0)
        )
