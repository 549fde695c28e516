"""The tables of docs/fidelity.md, from results/ alone."""

from __future__ import annotations

import re
from pathlib import Path

from bench.markdown import pipe_table
from bench.report.fidelity import ModelFidelity, association_table, fidelity_against_quality, make_fidelities
from bench.results.index import ResultIndex
from bench.results.store import ResultStore

# The models of each task that the page tells of, one of each kind.
MODELS = {
    "scifact": ["all-MiniLM-L6-v2", "minilm-store", "minilm-store-mrl"],
    "hardware_store": ["all-MiniLM-L6-v2", "minilm-store", "minilm-store-mrl"],
    "home_depot_titles": [
        "all-MiniLM-L6-v2",
        "minilm-home-depot-titles-s42",
        "minilm-home-depot-titles-mrl-s42",
    ],
}
COLUMNS = {
    "overlap_at_10": "overlap@10",
    "overlap_at_100": "overlap@100",
    "rbo": "RBO",
    "kendall_tau": "tau",
    "similarity_correlation": "correlation",
    "similarity_change": "change",
    "variance_kept": "variance",
}
BAND = (0.5, 0.6)


def models(results: Path) -> dict[str, list[ModelFidelity]]:
    """The models that the page tells of, by task."""
    found = make_fidelities(ResultIndex(ResultStore(results).records()))
    by_name = {(unit[0], model.model): model for unit, told in found.items() for model in told}
    return {task: [by_name[task, name] for name in names] for task, names in MODELS.items()}


def views_table(told: list[ModelFidelity]) -> str:
    """Every view but those in float16, kept share first."""
    lines = []
    for model in told:
        shown = [row for row in model.rows if row.view.precision != "float16"]
        for row in shown:
            name = model.kind if row is shown[0] else ""
            measures = [f"{row.measures[key]:{'+.4f' if key == 'similarity_change' else '.4f'}}" for key in COLUMNS]
            lines.append([name, str(row.view.truncate_dim), row.view.precision, f"{row.kept:.1%}", *measures])
    return pipe_table(lines, ["model", "dim", "precision", "nDCG@10 kept", *COLUMNS.values()], text_columns=3)


def agreement_table(told: list[ModelFidelity]) -> str:
    """How each measure goes with the kept share, over all views and over cuts alone."""
    return association_table(fidelity_against_quality(told), fidelity_against_quality(told, truncations=True))


def band_sentence(told: list[ModelFidelity]) -> str:
    """What views of about the same overlap keep."""
    low, high = BAND
    kept = [row.kept for model in told for row in model.rows if low <= row.measures["overlap_at_10"] <= high]
    return f"{len(kept)} views have an overlap@10 of {low} to {high}; they keep {min(kept):.1%} to {max(kept):.1%}."


def fill(page: str, results: Path) -> str:
    """The page with its tables as the results give them."""
    told = models(results)
    everything = [model for found in told.values() for model in found]
    parts = {f"views {task}": views_table(found) for task, found in told.items()}
    parts |= {f"correlations {task}": agreement_table(found) for task, found in told.items()}
    parts |= {"correlations all": agreement_table(everything), "band": band_sentence(everything)}
    for name, text in parts.items():
        page = re.sub(
            rf"<!-- {name} -->\n.*?<!-- end -->", f"<!-- {name} -->\n{text}\n<!-- end -->", page, flags=re.DOTALL
        )
    return page
