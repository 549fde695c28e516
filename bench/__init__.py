"""bench: quality, latency, memory and storage of text-embedding models, for every cut of their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["BenchError", "__version__", "choose", "load_results"]

if TYPE_CHECKING:
    from bench.choosing.answering import choose
    from bench.errors import BenchError
    from bench.results.frame import load_results


def __getattr__(name: str) -> Any:
    # Late, so that `bench --help` does not import pandas.
    if name == "load_results":
        from bench.results.frame import load_results

        return load_results
    if name == "choose":
        from bench.choosing.answering import choose

        return choose
    if name == "BenchError":
        from bench.errors import BenchError

        return BenchError
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
