"""Work on blocks of vectors in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Event, Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from bench.vectors.pipeline import usable_cores

Block = TypeVar("Block")
Found = TypeVar("Found")


def each_block(work: Callable[[Block], Found], blocks: Iterable[Block]) -> list[Found]:
    """What `work` finds in each block, in no order.

    Every core takes the next block when it is done with its last. The matrix products inside stay on its one thread,
    so that no thread waits for another (docs/speed.md); numpy lets go of Python's lock while it works.

    Args:
        work: Called from several threads at once.
        blocks: Read by one thread at a time.
    """
    rest, reading, stop = iter(blocks), Lock(), Event()
    found: list[Found] = []

    def take() -> None:
        try:
            while not stop.is_set():
                with reading:
                    block = next(rest, None)
                if block is None:
                    return
                found.append(work(block))
        finally:
            stop.set()

    cores = usable_cores()
    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(cores) as pool:
        futures = [pool.submit(take) for _ in range(cores)]
        try:
            for future in futures:
                future.result()
        finally:
            # After an error or Ctrl-C no thread takes another block.
            stop.set()
    return found


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """The libraries that have threads of their own, numpy's among them; looking for them takes milliseconds."""
    return ThreadpoolController()
