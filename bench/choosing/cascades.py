"""What results say of a cascade: a shortlist found at a view by exact search, ranked again at full width in float32."""

from __future__ import annotations

from dataclasses import replace

from bench.choosing.commands import cascade_command, cost_command
from bench.choosing.constraints import Quantity
from bench.choosing.known import Known, at_size
from bench.choosing.quantities import Place, cost_quantities
from bench.views import SHORTLISTS, View, lengths_of


def cascade_quantities(place: Place, shortlist: int) -> dict[Quantity, Known]:
    """Storage, latencies and memory of both stages.

    Args:
        place: The view that the shortlist is found at.
        shortlist: Documents on it.
    """
    first = cost_quantities(place)
    full = View(place.model.width or 0).bytes_per_vector * place.documents
    memory = first["memory_bytes"]
    return first | {
        # The second stage reads vectors by their rows, without an index.
        "storage_bytes": first["storage_bytes"].plus(Known.exactly(full, place.documents, computed=True)),
        "search_p95_ms": _latency(place, shortlist).at_least(first["search_p95_ms"].low),
        # The vectors are mapped into memory: between none and all of them are in it.
        "memory_bytes": replace(
            memory,
            value=None if memory.value is None else memory.value + full,
            high=memory.high + full,
            why=memory.why or "how much of the mapped vectors stays in memory was not measured",
        ),
    }


def _latency(place: Place, shortlist: int) -> Known:
    """Both stages of one query, which were timed as one call."""
    task, model = place.task.name, place.model.name
    command = None
    if place.documents != place.task.documents:
        why = "cascades are measured on the task's own documents only"
    elif shortlist not in (timed := lengths_of(SHORTLISTS, place.documents)):
        why = f"shortlists of {', '.join(map(str, timed))} are timed"
    else:
        why, command = "not measured", cost_command(task, model) if place.cost is None else cascade_command(task, model)
    return at_size(place.figures("cascade_p95_ms", shortlist=shortlist), place.documents, why, command, grows=True)
