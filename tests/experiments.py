"""The tables of docs/experiments.md, from results/ alone."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap
from tabulate import tabulate

from bench.results.index import Cell, ResultIndex
from bench.results.store import ResultStore, read_items

TASK = ("home_depot_titles", "test", "default")
BASE = "all-MiniLM-L6-v2"
SEEDS = (42, 7)
DIMS = (384, 192, 96, 48)
METRICS = ("recall_at_10", "mrr_at_10")
TUNED = "minilm-home-depot-titles-s{}"
NESTED = "minilm-home-depot-titles-mrl-s{}"


def cells(results: Path) -> dict[tuple[str, int], Cell]:
    """The current float32 cells of the experiment by model and dim."""
    index = ResultIndex(ResultStore(results).records())
    return {
        (model, view.truncate_dim): cell
        for (model, _, unit, _, view), cell in index.cells.items()
        if unit == TASK and view is not None and view.precision == "float32" and not index.superseded(cell.record)
    }


def scores_table(found: dict[tuple[str, int], Cell]) -> str:
    """Every model's score at every dim; two seeds side by side."""

    def text(model: str, dim: int, metric: str) -> str:
        names = [model.format(seed) for seed in SEEDS] if "{}" in model else [model]
        values = [found[name, dim].record.views[found[name, dim].position].metrics[metric].value for name in names]
        return " / ".join(f"{value:.4f}" for value in values)

    lines = [
        [kind, metric, *(text(model, dim, metric) for dim in DIMS)]
        for (kind, model), metric in product(
            (("pretrained", BASE), ("fine-tuned", TUNED), ("Matryoshka", NESTED)), METRICS
        )
    ]
    return tabulate(lines, headers=["model", "metric", *DIMS], tablefmt="pipe", disable_numparse=True)


def differences_table(found: dict[tuple[str, int], Cell]) -> str:
    """Mean differences over the same queries with their 95% intervals (bootstrap of the pairs)."""
    lines = []
    for (title, first, second), metric, seed in product(
        (("fine-tuned - pretrained", TUNED, BASE), ("Matryoshka - fine-tuned", NESTED, TUNED)), METRICS, SEEDS
    ):
        line = [title, metric, str(seed)]
        for dim in DIMS:
            better, worse = (per_query(found[model.format(seed), dim], metric) for model in (first, second))
            gain = better - worse
            rng = np.random.default_rng(0)
            interval = bootstrap((gain,), np.mean, n_resamples=2000, method="percentile", rng=rng).confidence_interval
            line.append(f"{gain.mean():+.4f} [{interval.low:+.3f}, {interval.high:+.3f}]")
        lines.append(line)
    return tabulate(lines, headers=["difference", "metric", "seed", *DIMS], tablefmt="pipe", disable_numparse=True)


def per_query(cell: Cell, metric: str) -> np.ndarray:
    """A metric of every query, in the order of the queries' ids."""
    scores = cell.record.views[cell.position]
    table = read_items(cell.path, cell.record).to_pandas()
    rows = table[(table.truncate_dim == scores.truncate_dim) & (table.precision == scores.precision)]
    return rows.sort_values("query_id")[metric].to_numpy()


def fill(page: str, results: Path) -> str:
    """The page with its tables as the results give them."""
    found = cells(results)
    for name, table in (("scores", scores_table(found)), ("differences", differences_table(found))):
        page = re.sub(
            rf"<!-- {name} -->\n.*?<!-- end -->", f"<!-- {name} -->\n{table}\n<!-- end -->", page, flags=re.DOTALL
        )
    return page
