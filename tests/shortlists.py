"""The tables of docs/rerank.md, from results/ alone."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from bench.report.funnel import cheapest, cheapest_blocks, make_funnels
from bench.results.index import ResultIndex
from bench.results.store import ResultStore


def fill(page: str, results: Path) -> str:
    """The page with its tables as the results give them."""
    funnels = make_funnels(ResultIndex(ResultStore(results).records()))
    units = [
        "\n\n".join([f"### {found[0].title}: {found[0].metric}", *cheapest_blocks(found)]) for found in funnels.values()
    ]
    text = "<!-- cheapest -->\n" + "\n\n".join(units) + "\n<!-- end -->"
    return re.sub(r"<!-- cheapest -->\n.*?<!-- end -->", lambda _: text, page, flags=re.DOTALL)


def spans(results: Path, tasks: Collection[str]) -> dict[str, str]:
    """From which to which share of an exact search's time the cheapest of the tasks' models take, by measure."""
    found: dict[str, list[float]] = {}
    for unit, funnels in make_funnels(ResultIndex(ResultStore(results).records())).items():
        for funnel in funnels if unit[0] in tasks else ():
            for entry in cheapest(funnel):
                for measure in entry.by:
                    found.setdefault(measure, []).append(entry.kept.latency_ms / funnel.full_ms)
    return {measure: f"{min(shares):.0%} to {max(shares):.0%}" for measure, shares in found.items()}
