"""Telling a lack of memory from other errors of libraries."""

from __future__ import annotations


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of a library means that a device's memory, or the machine's, is full."""
    text = str(error).lower()
    # torch words it differently for each device; `can't allocate memory` is its CPU allocator.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(words in text for words in ("out of memory", "can't allocate memory"))
    )
