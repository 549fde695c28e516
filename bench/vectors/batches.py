"""Which texts are encoded together: a fixed function of the texts and the setting, never of what is left to do.

That a resumed run makes the batches that an undisturbed one makes is what gives both the same vectors:
rounding depends on a batch's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

# Texts whose tokens are counted together: enough that batches of a window hold texts of one length.
WINDOW = 8192
_MAX_ROWS = 1024


@dataclass(frozen=True)
class BatchSize:
    """How large a batch is.

    Attributes:
        rows: Texts a batch, when the user fixed it.
        tokens: Tokens a batch, padding included, otherwise.
    """

    rows: int | None = None
    tokens: int | None = None

    def __str__(self) -> str:
        return f"{self.rows} texts" if self.rows else f"{self.tokens} tokens"


@dataclass(frozen=True)
class Batch:
    """Texts to encode together.

    Attributes:
        rows: Their numbers in the list of texts, shape (m,).
        tokens: Tokens of each, shape (m,).
    """

    rows: Int64
    tokens: Int64


def windows(lengths: Int64, tie_break: npt.NDArray[np.bytes_]) -> Iterator[Int64]:
    """Rows from the longest text to the shortest, a window at a time.

    Args:
        lengths: Characters of each text, shape (n,).
        tie_break: A key a text, shape (n,), so that the order depends on content alone.
    """
    order = np.lexsort((tie_break, -lengths))
    for start in range(0, len(order), WINDOW):
        yield order[start : start + WINDOW]


def cut(rows: Int64, tokens: Int64, size: Callable[[], BatchSize]) -> Iterator[Batch]:
    """The batches of one window.

    Args:
        rows: The window's rows, shape (m,).
        tokens: Tokens of each of these rows, shape (m,).
        size: Asked before each batch, so that tuning can change it on the way.
    """
    order = np.argsort(-tokens, kind="stable")
    start = 0
    while start < len(order):
        limit = size()
        longest = max(int(tokens[order[start]]), 1)
        count = limit.rows or min(max((limit.tokens or 0) // longest, 1), _MAX_ROWS)
        part = order[start : start + count]
        yield Batch(rows[part], tokens[part])
        start += count
