"""What results say of each quantity of a view: scores, and cost figures of one environment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.choosing.commands import corpus_command, cost_command, score_command
from bench.choosing.constraints import Quantity
from bench.choosing.known import Known, at_size
from bench.index_layout import Kind, index_bytes
from bench.results.index import Cost
from bench.results.schema import ModelInfo, TaskInfo
from bench.views import View

_MIB = 2**20


@dataclass(frozen=True)
class Place:
    """What the quantities of one candidate are looked up for.

    Attributes:
        task: The task unit.
        model: The model.
        view: The view; None of a baseline.
        index: The index that is searched; None of a baseline and of tasks that search nothing.
        corpus_size: Documents to search; None for the task's own.
        cost: The model's cost in the environment of the answer; None where none was measured.
    """

    task: TaskInfo
    model: ModelInfo
    view: View | None
    index: Kind | None
    corpus_size: int | None
    cost: Cost | None

    @property
    def documents(self) -> int:
        """How many documents are searched; 0 where that is not known."""
        return self.corpus_size or self.task.documents or 0

    @property
    def searches(self) -> bool:
        """Whether the task searches documents."""
        return self.task.type == "retrieval"

    def figures(self, name: str, *, by_index: bool = True, **detail: str | int) -> dict[int, float]:
        """A cost figure of the view and index, by the number of documents that it was measured at.

        Args:
            name: The figure's name.
            by_index: Whether there is one an index.
            detail: What else sets it apart from others of the name.
        """
        wanted: dict[str, str | int] = detail | ({"index": "hnsw"} if by_index and self.index == "hnsw" else {})
        place = (self.view.truncate_dim, self.view.precision) if self.view else (None, None)
        found = {}
        for figure, record in self.cost.figures.values() if self.cost else ():
            # The data may have changed since.
            corpus = figure.detail.get("corpus", record.task.documents or 0)
            rest = {key: value for key, value in figure.detail.items() if key != "corpus"}
            here = (figure.name, figure.truncate_dim, figure.precision, rest) == (name, *place, wanted)
            if here and isinstance(corpus, int):
                found[corpus] = figure.value
        return found

    def lacking(self) -> tuple[str, str | None]:
        """Why a cost figure is not there, and the command that measures it."""
        if self.task.type == "mteb":
            return "bench measures no costs on tasks that mteb scores", None
        return "not measured", cost_command(self.task.name, self.model.name)

    def at_documents(self, name: str, *, grows: bool) -> Known:
        """What a cost figure's values tell of the number of documents that is asked for."""
        why, command = self.lacking()
        if command is not None and self.corpus_size not in {None, self.task.documents}:
            if self.view is None:
                # A baseline has no vectors to draw a corpus around.
                why, command = "bench searches a baseline on the task's own documents only", None
            else:
                command = corpus_command(self.task.name, self.model.name, self.view, self.documents)
        return at_size(self.figures(name), self.documents, why, command, grows=grows)


def cost_quantities(place: Place) -> dict[Quantity, Known]:
    """Storage, latencies and memory."""
    return {
        "storage_bytes": _storage(place),
        "search_p95_ms": _search(place),
        "encode_p95_ms": _encode(place, "encode_p95_ms"),
        "memory_bytes": _memory(place),
    }


def recall(place: Place) -> Known | None:
    """HNSW's recall, at the number of documents that is nearest to the one asked for; None where there is none."""
    found = place.figures("hnsw_recall_at_10", by_index=False)
    return at_size(found, place.documents, "not measured", None, grows=False) if found else None


def score_quantities(place: Place, score: float, full: float | None, best: float) -> dict[Quantity, Known]:
    """The score and its shares.

    Args:
        place: Whose they are.
        score: The main score.
        full: That of the model at full width in float32; None where it was not scored.
        best: The best of the task.
    """
    of_best = Known.exactly(score / best) if best > 0 else Known.missing("no model has a score above 0")
    found: dict[Quantity, Known] = {"score": Known.exactly(score), "share_of_best": of_best}
    if place.view is None:
        # Nothing of it is cut.
        found["share"] = Known.exactly(1.0)
    elif full is None:
        width = place.model.width
        command = score_command(place.task.name, place.model.name, View(width)) if width else None
        found["share"] = Known.missing("the full width in float32 was not scored", command)
    elif full <= 0:
        found["share"] = Known.missing("the score at full width in float32 is not above 0")
    else:
        found["share"] = Known.exactly(score / full)
    return found


def _storage(place: Place) -> Known:
    if not place.documents:
        return Known.missing("the task has no documents to store: say how many vectors with --corpus-size")
    if place.view is None:
        return place.at_documents("index_bytes", grows=True)
    measured = place.figures("index_bytes")
    if place.documents in measured:
        return Known.exactly(measured[place.documents], place.documents)
    size = index_bytes(place.view, place.documents, place.index or "flat")
    return Known.exactly(size, place.documents, computed=True)


def _search(place: Place) -> Known:
    if not place.searches:
        return Known.missing("the task searches no documents")
    # An exact search reads all documents. HNSW reads some, and how many more of a larger corpus nothing here tells.
    return place.at_documents("search_p95_ms", grows=place.index != "hnsw")


def _encode(place: Place, name: str) -> Known:
    """A figure of encoding queries."""
    if place.view is None:
        return Known(None, 0.0, 0.0)
    value = place.cost.value(name) if place.cost else None
    if value is None:
        return Known.missing(*place.lacking())
    return Known.exactly(value)


def _memory(place: Place) -> Known:
    """Peaks of the process that encodes and the one that searches, together."""
    encoding = _in_bytes(_encode(place, "memory_encode_mib"))
    if not place.searches:
        return encoding
    searching = _in_bytes(place.at_documents("memory_search_mib", grows=True))
    if place.view is not None and place.documents:
        # An index is searched in memory.
        searching = searching.at_least(index_bytes(place.view, place.documents, place.index or "flat"))
    return encoding.at_least(0.0).plus(searching.at_least(0.0))


def _in_bytes(mib: Known) -> Known:
    value = None if mib.value is None else mib.value * _MIB
    return replace(mib, value=value, low=mib.low * _MIB, high=mib.high * _MIB)
