"""Shortlists that are ranked again at full width: what they keep and find, and the cheapest that keeps enough.

Shares are of the main score at full width in float32.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.markdown import escape, pipe_table
from bench.report.cells import NOISY_MARK, significant
from bench.report.rows import LEAKAGE_MARK
from bench.results.index import Cost, Current, ResultIndex, UnitKey, unit_title
from bench.results.schema import CostRecord, Figure, figure_key
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
        noisy: Whether the machine was busy then, or processes differ.
    """

    score: float
    share: float
    recall: float
    latency_ms: float | None = None
    noisy: bool = False


@dataclass(frozen=True)
class Cheapest:
    """The cheapest shortlist that keeps enough, by some measures.

    Attributes:
        shortlist: The shortlist.
        kept: What it comes to.
        by: By which: `latency`, the fastest; `bytes`, the one whose first stage reads the fewest bytes a document, then
            the shortest.
    """

    shortlist: Shortlist
    kept: Kept
    by: tuple[Literal["latency", "bytes"], ...]


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
        full_ms: Median of an exact search at full width in float32; None where it was not measured.
        full_noisy: Whether the machine was busy then, or processes differ.
        documents: Documents of the task; None where its record does not say.
    """

    unit: UnitKey
    title: str
    metric: str
    model: str
    kind: str
    full: float
    shortlists: Mapping[Shortlist, Kept] = field(default_factory=dict)
    leakage: bool = False
    full_ms: float | None = None
    full_noisy: bool = False
    documents: int | None = None

    @property
    def lengths(self) -> list[int]:
        """All lengths, rising."""
        return sorted({shortlist.length for shortlist in self.shortlists})

    @property
    def views(self) -> list[View]:
        """All views, from wide to narrow."""
        return list(dict.fromkeys(shortlist.view for shortlist in self.shortlists))


def make_funnels(index: ResultIndex) -> dict[UnitKey, list[Funnel]]:
    """The funnels of each task unit, the best model at full width first, of current results.

    A model has one where it was scored at full width in float32, above 0.

    Args:
        index: The results.
    """
    found: dict[UnitKey, list[Funnel]] = defaultdict(list)
    for unit, current in index.ranked.items():
        for name in sorted(current.reranked):
            funnel = _funnel(unit, current, name)
            if funnel is not None and funnel.shortlists:
                found[unit].append(funnel)
    return {unit: sorted(funnels, key=lambda funnel: (-funnel.full, funnel.model)) for unit, funnels in found.items()}


def cheapest(funnel: Funnel, enough: float = ENOUGH) -> list[Cheapest]:
    """The cheapest shortlists that keep a share of the score at full width, by latency first; empty where none does.

    By latency only where all that keep enough were timed. A list of all documents is no shortlist.

    Args:
        funnel: The model's shortlists.
        enough: The share.
    """
    keeping = {
        shortlist: kept
        for shortlist, kept in funnel.shortlists.items()
        if kept.share >= enough and (funnel.documents is None or shortlist.length < funnel.documents)
    }
    if not keeping:
        return []

    def size(shortlist: Shortlist) -> tuple[object, ...]:
        return shortlist.view.bytes_per_vector, shortlist.length, sort_key(shortlist.view)

    smallest = min(keeping, key=size)
    times = {shortlist: kept.latency_ms for shortlist, kept in keeping.items() if kept.latency_ms is not None}
    if len(times) < len(keeping):
        return [Cheapest(smallest, keeping[smallest], ("bytes",))]
    fastest = min(keeping, key=lambda shortlist: (times[shortlist], size(shortlist)))
    if fastest == smallest:
        return [Cheapest(fastest, keeping[fastest], ("latency", "bytes"))]
    return [
        Cheapest(fastest, keeping[fastest], ("latency",)),
        Cheapest(smallest, keeping[smallest], ("bytes",)),
    ]


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


def cheapest_blocks(funnels: Sequence[Funnel], enough: float = ENOUGH) -> list[str]:
    """The cheapest shortlists that keep enough, of each model: a Markdown table, and what its marks mean.

    Args:
        funnels: The models' shortlists.
        enough: The share of the score at full width.
    """
    rows, marked = [], False
    for funnel in funnels:
        found = cheapest(funnel, enough)
        start = [escape(funnel.model), f"{funnel.kind} {LEAKAGE_MARK}" if funnel.leakage else funnel.kind]
        full = [f"{funnel.full:.4f}", _time(funnel.full_ms, noisy=funnel.full_noisy)]
        marked |= funnel.full_noisy
        for entry in found:
            rows.append([*start, ", ".join(entry.by), *_entry(entry), *full])
            start = ["", ""]
            marked |= entry.kept.noisy
        if not found:
            rows.append([*start, "none", *[""] * 7, *full])
    headings = [
        *("model", "kind", "by", "first stage", "bytes/vector", "shortlist"),
        *("score", "kept", "recall", "p50 ms", "full score", "full p50 ms"),
    ]
    note = f"{NOISY_MARK} measured on a busy machine, or by processes that differ by more than 10%."
    return [pipe_table(rows, headings, text_columns=4), *([note] if marked else [])]


def _entry(found: Cheapest) -> list[str]:
    view, kept = found.shortlist.view, found.kept
    return [
        str(view),
        str(view.bytes_per_vector),
        str(found.shortlist.length),
        f"{kept.score:.4f}",
        f"{kept.share:.1%}",
        f"{kept.recall:.3f}",
        _time(kept.latency_ms, noisy=kept.noisy),
    ]


def _time(milliseconds: float | None, *, noisy: bool) -> str:
    return "" if milliseconds is None else significant(milliseconds) + (NOISY_MARK if noisy else "")


def _funnel(unit: UnitKey, current: Current, name: str) -> Funnel | None:
    cells, metric = current.reranked[name], current.task.main_metric
    record = max((cell.record for cell in cells.values()), key=lambda record: record.created)
    model = record.model
    whole = current.cells.get(name, {}).get(View(model.width)) if model.width else None
    full = whole.scores.metrics[metric] if whole else None
    if full is None or full.value <= 0:
        return None
    cost = _newest_cost(current, name)
    times = _times(cost) if cost else {}
    whole_key = figure_key("search_p50_ms", model.width, "float32", {})
    full_ms, full_noisy = _timed(*cost.figures[whole_key]) if cost and whole_key in cost.figures else (None, False)
    shortlists = {}
    for shortlist in sorted(cells, key=lambda shortlist: (sort_key(shortlist.view), shortlist.length)):
        scores = cells[shortlist].scores
        score = scores.metrics[metric].value
        timed = times.get(shortlist, (None, False))
        shortlists[shortlist] = Kept(score, score / full.value, scores.recall.value, *timed)
    return Funnel(
        unit=unit,
        title=unit_title(unit),
        metric=metric,
        model=model.name,
        kind=model.kind,
        full=full.value,
        full_ms=full_ms,
        full_noisy=full_noisy,
        shortlists=shortlists,
        leakage=model.leakage,
        documents=record.task.documents,
    )


def _newest_cost(current: Current, name: str) -> Cost | None:
    """What was measured last, in whichever environment."""
    costs = [found[name] for found in current.costs.values() if name in found]
    return max(costs, key=lambda cost: cost.record.created, default=None)


def _times(cost: Cost) -> dict[Shortlist, tuple[float, bool]]:
    """The medians of both stages together, and whether each is noisy."""
    found = {}
    for figure, record in cost.figures.values():
        length = figure.detail.get("shortlist")
        if figure.name == "cascade_p50_ms" and isinstance(length, int) and figure.truncate_dim and figure.precision:
            shortlist = Shortlist(View(figure.truncate_dim, figure.precision), length)
            found[shortlist] = _timed(figure, record)
    return found


def _timed(figure: Figure, record: CostRecord) -> tuple[float, bool]:
    """What was measured, and whether the machine was busy then or processes differ."""
    return figure.value, record.noise.noisy or not figure.steady
