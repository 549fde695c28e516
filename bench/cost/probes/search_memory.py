"""Peak memory of a process that searches one index and has never held anything else."""

from __future__ import annotations

from typing import Any

from bench.cost.answer import Answer
from bench.cost.memory import PeakMemory
from bench.cost.probes.search import searches

_CALLS = 50


def probe(job: dict[str, Any]) -> Answer:
    """Load one index, search some queries, and read the peak.

    Args:
        job: As for bench.cost.probes.search, with one view and one kind.
    """
    answer = Answer()
    with PeakMemory() as memory:
        for search in searches(job):
            # The peak from here on holds the index and the search, but not what loading took for a moment.
            memory.next_phase()
            for query in search.inputs[:_CALLS]:
                search.one(query)
            answer.add("memory_search_mib", memory.next_phase(), search.view, 1, **search.detail)
        answer.settings["resident"] = memory.how
    return answer
