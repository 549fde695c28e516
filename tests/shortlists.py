"""The tables of docs/rerank.md, from results/ alone."""

from __future__ import annotations

import re
from pathlib import Path

from bench.report.funnel import cheapest_table, make_funnels
from bench.results.index import ResultIndex
from bench.results.store import ResultStore


def fill(page: str, results: Path) -> str:
    """The page with its tables as the results give them."""
    funnels = make_funnels(ResultIndex(ResultStore(results).records()))
    tables = [f"### {found[0].title}: {found[0].metric}\n\n{cheapest_table(found)}" for found in funnels.values()]
    text = "<!-- cheapest -->\n" + "\n\n".join(tables) + "\n<!-- end -->"
    return re.sub(r"<!-- cheapest -->\n.*?<!-- end -->", lambda _: text, page, flags=re.DOTALL)
