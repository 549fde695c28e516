"""The numbers of bench/audit/measured.py and the table of docs/prepare-your-data.md, from results/ alone."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from support import ROOT

from bench.audit.deviations import Deviation, Spread, deviations, spreads
from bench.audit.margin import needed_words, span
from bench.markdown import pipe_table
from bench.results.index import ResultIndex
from bench.results.store import ResultStore

MODULE = ROOT / "bench" / "audit" / "measured.py"
METRICS = {"retrieval": ("ndcg_at_10", "mrr_at_10", "recall_at_10"), "sts": ("cosine_spearman",)}
# A model that fails on a task, as one for English does on other languages, says nothing of models that would be chosen.
LEAST_SCORE = 0.3
# Its differences are 0 for nearly every query.
LEFT_OUT = "float16 against float32"
SHOWN = (0.005, 0.01, 0.02, 0.05)


def measured(results: Path) -> dict[str, dict[str, Spread]]:
    """The spreads by metric and comparison, small ones first; to three decimals, as they are shown."""
    index = ResultIndex(ResultStore(results).records())
    types = {key[2]: cell.record.task.type for key, cell in index.cells.items()}
    found: dict[str, list[Deviation]] = defaultdict(list)
    for unit, kind in types.items():
        for metric in METRICS[kind]:
            found[metric] += deviations(index, unit, index.current[unit].task.fingerprint, metric)
    return {metric: _rounded(spreads(_kept(those))) for metric, those in found.items()}


def _kept(found: list[Deviation]) -> list[Deviation]:
    return [each for each in found if each.score >= LEAST_SCORE and each.comparison != LEFT_OUT]


def _rounded(found: dict[str, Spread]) -> dict[str, Spread]:
    order = sorted(
        found, key=lambda name: ("against float32" not in name and "dimensions" not in name, found[name].median)
    )
    return {
        name: Spread(found[name].pairs, round(found[name].median, 3), round(found[name].largest, 3)) for name in order
    }


def fill_module(text: str, found: dict[str, dict[str, Spread]]) -> str:
    """The module with these numbers."""
    lines = []
    for metric, kinds in found.items():
        lines.append(f'    "{metric}": {{')
        lines += [
            f'        "{name}": Spread({spread.pairs}, {spread.median}, {spread.largest}),'
            for name, spread in kinds.items()
        ]
        lines.append("    },")
    body = "\n".join(["    # measured", *lines, "    # end"])
    return re.sub(r"    # measured\n.*?    # end", lambda _: body, text, flags=re.DOTALL)


def needed_table(found: dict[str, Spread]) -> str:
    """Queries needed for each margin, by what is compared."""
    lines = [
        [
            name,
            str(spread.pairs),
            span(f"{spread.median:.3f}", f"{spread.largest:.3f}"),
            *(needed_words(spread, margin) for margin in SHOWN),
        ]
        for name, spread in found.items()
    ]
    headings = ["comparison", "pairs", "standard deviation", *(f"margin {margin:g}" for margin in SHOWN)]
    return pipe_table(lines, headings, text_columns=1)


def tasks_sentence(results: Path) -> str:
    """The retrieval tasks that were measured."""
    cells = ResultIndex(ResultStore(results).records()).cells.values()
    tasks = {cell.record.task.name: cell.record.task.n for cell in cells if cell.record.task.type == "retrieval"}
    return "Measured on " + ", ".join(f"{name} ({n:,} queries)" for name, n in sorted(tasks.items())) + "."


def fill(page: str, results: Path) -> str:
    """The page with the table of nDCG@10."""
    table = f"{needed_table(measured(results)['ndcg_at_10'])}\n\n{tasks_sentence(results)}"
    return re.sub(r"<!-- needed -->\n.*?<!-- end -->", f"<!-- needed -->\n{table}\n<!-- end -->", page, flags=re.DOTALL)


def write_module(results: Path) -> None:
    """Write the module's numbers."""
    MODULE.write_text(fill_module(MODULE.read_text(encoding="utf-8"), measured(results)), encoding="utf-8")
