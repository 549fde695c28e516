"""Shortlists that are ranked again at full width: what they keep and find, and the cheapest that keeps enough.

Shares are of the main score at full width in float32.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.markdown import escape, pipe_table
from bench.report.cells import significant
from bench.report.rows import LEAKAGE_MARK
from bench.results.index import RerankCell, ResultIndex, ResultKey, UnitKey, unit_title
from bench.views import Shortlist, View, sort_key

# The share of the full width's score that is enough.
ENOUGH = 0.99


@dataclass(frozen=True)
class Kept:
    """What one shortlist comes to.

    Attributes:
        score: The main score after ranking again.
        share: That over the score at full width in float32.
        recall: The share of the relevant documents that are on it.
        latency_ms: Median of both stages of one query; None where it was not measured.
    """

    score: float
    share: float
    recall: float
    latency_ms: float | None = None


@dataclass(frozen=True)
class Cheapest:
    """The cheapest shortlist that keeps enough.

    Attributes:
        shortlist: The shortlist.
        kept: What it comes to.
        by_latency: Whether it is the fastest, since all that keep enough were timed; else the one whose first stage
            reads the fewest bytes a document, then the shortest.
    """

    shortlist: Shortlist
    kept: Kept
    by_latency: bool


@dataclass(frozen=True)
class Funnel:
    """The shortlists of one model on one task unit.

    Attributes:
        unit: Task, split and subset.
        title: The unit in words.
        metric: The main metric.
        model: Name.
        kind: Kind.
        full: The main score at full width in float32, above 0.
        shortlists: What each comes to; views from wide to narrow, each from the shortest on.
        leakage: Whether the model may have been trained on what it is tested on.
    """

    unit: UnitKey
    title: str
    metric: str
    model: str
    kind: str
    full: float
    shortlists: Mapping[Shortlist, Kept] = field(default_factory=dict)
    leakage: bool = False

    @property
    def lengths(self) -> list[int]:
        """All lengths, rising."""
        return sorted({shortlist.length for shortlist in self.shortlists})

    @property
    def views(self) -> list[View]:
        """All views, from wide to narrow."""
        return list(dict.fromkeys(shortlist.view for shortlist in self.shortlists))


def make_funnels(index: ResultIndex) -> dict[UnitKey, list[Funnel]]:
    """The funnels of each task unit, the best model at full width first; superseded results are left out.

    A model has one where it was scored at full width in float32, above 0.

    Args:
        index: The results.
    """
    current = {key: cells for key, cells in sorted(index.reranked.items()) if index.is_current(*key)}
    # An older record may have been ranked by another metric; the funnels of a unit show one.
    newest: dict[UnitKey, tuple[str, str]] = {}
    for key, cells in current.items():
        stamps = [(cell.record.created, cell.record.task.main_metric) for cell in cells.values()]
        newest[key[2]] = max([*stamps, newest.get(key[2], ("", ""))])
    found: dict[UnitKey, list[Funnel]] = defaultdict(list)
    for key, cells in current.items():
        funnel = _funnel(index, key, cells, newest[key[2]][1])
        if funnel is not None and funnel.shortlists:
            found[key[2]].append(funnel)
    return {unit: sorted(funnels, key=lambda funnel: (-funnel.full, funnel.model)) for unit, funnels in found.items()}


def cheapest(funnel: Funnel, enough: float = ENOUGH) -> Cheapest | None:
    """The cheapest shortlist that keeps a share of the score at full width; None where none does.

    Args:
        funnel: The model's shortlists.
        enough: The share.
    """
    keeping = {shortlist: kept for shortlist, kept in funnel.shortlists.items() if kept.share >= enough}
    if not keeping:
        return None

    def size(shortlist: Shortlist) -> tuple[object, ...]:
        return shortlist.view.bytes_per_vector, shortlist.length, sort_key(shortlist.view)

    times = {shortlist: kept.latency_ms for shortlist, kept in keeping.items() if kept.latency_ms is not None}
    if len(times) == len(keeping):
        best = min(keeping, key=lambda shortlist: (times[shortlist], size(shortlist)))
        return Cheapest(best, keeping[best], by_latency=True)
    best = min(keeping, key=size)
    return Cheapest(best, keeping[best], by_latency=False)


def funnel_table(funnel: Funnel) -> str:
    """A model's shortlists as a Markdown table: a row a view, a column a length; share kept, and recall in brackets.

    Args:
        funnel: The model's shortlists.
    """
    rows = []
    for view in funnel.views:
        kept = [funnel.shortlists.get(Shortlist(view, length)) for length in funnel.lengths]
        cells = ["" if found is None else f"{found.share:.1%} ({found.recall:.3f})" for found in kept]
        rows.append([str(view), str(view.bytes_per_vector), *cells])
    return pipe_table(rows, ["view", "bytes/vector", *map(str, funnel.lengths)], text_columns=1)


def cheapest_table(funnels: Sequence[Funnel], enough: float = ENOUGH) -> str:
    """The cheapest shortlist that keeps enough, of each model, as a Markdown table.

    Args:
        funnels: The models' shortlists.
        enough: The share of the score at full width.
    """
    rows = []
    for funnel in funnels:
        found = cheapest(funnel, enough)
        name = [escape(funnel.model), f"{funnel.kind} {LEAKAGE_MARK}" if funnel.leakage else funnel.kind]
        full = f"{funnel.full:.4f}"
        if found is None:
            rows.append([*name, "none", full, "", "", "", "", "", ""])
            continue
        view, kept = found.shortlist.view, found.kept
        time = "" if kept.latency_ms is None else significant(kept.latency_ms)
        rows.append(
            [
                *name,
                str(view),
                full,
                str(view.bytes_per_vector),
                str(found.shortlist.length),
                f"{kept.score:.4f}",
                f"{kept.share:.1%}",
                f"{kept.recall:.3f}",
                f"{time} ms" if found.by_latency else "bytes",
            ]
        )
    headings = ["model", "kind", "first stage", "full", "bytes/vector", "shortlist", "score", "kept", "recall", "by"]
    return pipe_table(rows, headings, text_columns=3)


def _funnel(index: ResultIndex, key: ResultKey, cells: Mapping[Shortlist, RerankCell], metric: str) -> Funnel | None:
    model = next(iter(cells.values())).record.model
    whole = index.cells.get((*key, View(model.width))) if model.width else None
    full = whole.scores.metrics.get(metric) if whole else None
    if full is None or full.value <= 0:
        return None
    latencies = _latencies(index, key)
    shortlists = {}
    for shortlist in sorted(cells, key=lambda shortlist: (sort_key(shortlist.view), shortlist.length)):
        scores = cells[shortlist].scores
        if metric in scores.metrics:
            score = scores.metrics[metric].value
            shortlists[shortlist] = Kept(score, score / full.value, scores.recall.value, latencies.get(shortlist))
    return Funnel(key[2], unit_title(key[2]), metric, model.name, model.kind, full.value, shortlists, model.leakage)


def _latencies(index: ResultIndex, key: ResultKey) -> dict[Shortlist, float]:
    """The medians of both stages together, of the environment that was measured last."""
    costs = [cost for (*place, _), cost in index.costs.items() if tuple(place) == key]
    if not costs:
        return {}
    cost = max(costs, key=lambda cost: cost.record.created)
    found = {}
    for figure, _ in cost.figures.values():
        length = figure.detail.get("shortlist")
        if figure.name == "cascade_p50_ms" and isinstance(length, int) and figure.truncate_dim and figure.precision:
            found[Shortlist(View(figure.truncate_dim, figure.precision), length)] = figure.value
    return found
