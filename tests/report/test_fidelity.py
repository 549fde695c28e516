"""Fidelity in reports: what stands beside it, how the two go together, and the page that tells of it."""

from __future__ import annotations

import re
from pathlib import Path

import fidelity_page
import numpy as np
import pytest
from scipy import stats
from support import ROOT, fidelity_record, quality_record

from bench.report.fidelity import (
    Association,
    association_table,
    fidelity_against_quality,
    fidelity_table,
    make_fidelities,
)
from bench.results.index import ResultIndex
from bench.views import View

PAGE = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
UNIT = ("shop", "test", "default")


def index_of(*records):
    return ResultIndex([(Path(f"{number}.json"), record) for number, record in enumerate(records)])


def measured(**values):
    return {name: float(value) for name, value in values.items()}


def three_views():
    """A model whose cuts keep 90%, 60% and 20%."""
    scores = {(8, "float32"): 0.5, (4, "float32"): 0.45, (2, "float32"): 0.3, (1, "float32"): 0.1, (4, "binary"): 0.25}
    kept = {
        (4, "float32"): measured(rbo=0.8, overlap_at_10=0.7, similarity_change=0.1),
        (2, "float32"): measured(rbo=0.5, overlap_at_10=0.75, similarity_change=-0.2),
        (1, "float32"): measured(rbo=0.4, overlap_at_10=0.1, similarity_change=0.0),
        (4, "binary"): measured(rbo=0.3, overlap_at_10=0.2),
    }
    return quality_record(views=scores), fidelity_record(views=kept)


def test_views_stand_beside_what_they_keep():
    [model] = make_fidelities(index_of(*three_views()))[UNIT]
    assert (model.model, model.kind, model.metric) == ("mini", "pretrained", "ndcg_at_10")
    assert {row.view: pytest.approx(row.kept) for row in model.rows} == {
        View(4): 0.9, View(4, "binary"): 0.5, View(2): 0.6, View(1): 0.2,
    }  # fmt: skip
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in fidelity_table(model).splitlines()]
    assert lines[0] == ["dim", "precision", "ndcg_at_10 kept", "overlap@10", "RBO", "change"]
    assert lines[2:] == [
        ["4", "float32", "90.0%", "0.7000", "0.8000", "+0.1000"],
        ["4", "binary", "50.0%", "0.2000", "0.3000", ""],
        ["2", "float32", "60.0%", "0.7500", "0.5000", "-0.2000"],
        ["1", "float32", "20.0%", "0.1000", "0.4000", "+0.0000"],
    ]


def test_without_labels_it_stands_alone():
    [model] = make_fidelities(index_of(three_views()[1]))[UNIT]
    assert {row.kept for row in model.rows} == {None}
    assert "|                   |" in fidelity_table(model)
    assert all(found == Association(found.measure, 0, None, None) for found in fidelity_against_quality([model]))


def test_a_score_of_nothing_keeps_no_share():
    quality = quality_record(views={(8, "float32"): 0.0, (4, "float32"): 0.0})
    [model] = make_fidelities(index_of(quality, three_views()[1]))[UNIT]
    assert {row.kept for row in model.rows} == {None}


def test_superseded_results_are_left_out():
    later = "2026-02-01T00:00:00+00:00"
    scores = quality_record(fingerprint="e" * 32, views={(2, "int8"): 0.1}, created=later)
    newer = fidelity_record(fingerprint="e" * 32, created=later)
    [model] = make_fidelities(index_of(*three_views(), scores, newer))[UNIT]
    assert [(row.view, row.kept) for row in model.rows] == [(View(4), None)]
    # Of fidelity alone no share of a score can be shown: that of the scored model stays.
    [model] = make_fidelities(index_of(*three_views(), newer))[UNIT]
    assert len(model.rows) > 1


def test_correlations_are_scipys():
    [model] = make_fidelities(index_of(*three_views()))[UNIT]
    found = {association.measure: association for association in fidelity_against_quality([model])}
    kept, rbo = [0.9, 0.5, 0.6, 0.2], [0.8, 0.3, 0.5, 0.4]
    assert found["rbo"] == Association(
        "rbo", 4, pytest.approx(stats.spearmanr(kept, rbo).statistic), pytest.approx(np.corrcoef(kept, rbo)[0, 1])
    )
    cuts = {association.measure: association for association in fidelity_against_quality([model], truncations=True)}
    assert (cuts["rbo"].n, cuts["rbo"].spearman) == (3, 1)
    assert cuts["overlap_at_10"].spearman == pytest.approx(0.5)
    assert cuts["kendall_tau"].n == 0
    twice = fidelity_against_quality([model, model])
    assert {association.n for association in twice} == {0, 6, 8}


def test_too_few_views_or_a_constant_tell_nothing():
    quality = quality_record(views={(8, "float32"): 0.5, (4, "float32"): 0.4, (2, "float32"): 0.3, (1, "float32"): 0.2})
    kept = {(dim, "float32"): measured(rbo=0.5, norm_kept=dim / 8) for dim in (4, 2, 1)}
    [model] = make_fidelities(index_of(quality, fidelity_record(views=kept)))[UNIT]
    found = {association.measure: association for association in fidelity_against_quality([model])}
    assert found["rbo"] == Association("rbo", 3, None, None)
    assert found["norm_kept"].spearman == 1
    del kept[1, "float32"]
    [model] = make_fidelities(index_of(quality, fidelity_record(views=kept)))[UNIT]
    assert fidelity_against_quality([model])[-1] == Association("norm_kept", 2, None, None)


def test_the_table_of_correlations_shows_measures_that_are_known():
    [model] = make_fidelities(index_of(*three_views()))[UNIT]
    table = association_table(fidelity_against_quality([model]), fidelity_against_quality([model], truncations=True))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [line[0] for line in lines[2:]] == ["overlap@10", "RBO", "change"]
    assert lines[3][1] == "4"
    assert lines[3][4:6] == ["3", "+1.000"]


def test_the_pages_tables_are_what_the_results_give():
    assert fidelity_page.fill(PAGE, ROOT / "results") == PAGE, "run: make docs"
    assert PAGE.count("<!-- end -->") == 8


def told():
    return [model for found in fidelity_page.models(ROOT / "results").values() for model in found]


def test_every_figure_of_the_text_stands_in_the_tables():
    tables, text = PAGE.split("### What it is good for")
    text = re.sub(r"<!-- band -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    figures = re.findall(r"\d+\.\d%|\d\.\d{4}", text)
    assert len(figures) > 15
    assert [figure for figure in figures if figure not in tables] == []


def test_what_the_text_says_of_all_models_holds():
    rows = [(model, row) for model in told() for row in model.rows]
    of_192 = [row for _, row in rows if row.view == View(192)]
    assert f"{min(row.kept for row in of_192):.1%} to {max(row.kept for row in of_192):.1%}" in PAGE
    overlaps = [row.measures["overlap_at_10"] for row in of_192]
    assert f"{min(overlaps):.4f} to {max(overlaps):.4f}" in PAGE
    assert max(row.measures["kendall_tau"] for row in of_192) < min(overlaps)
    binary = [row.kept for _, row in rows if row.view == View(384, "binary")]
    assert f"{min(binary):.1%} to {max(binary):.1%}" in PAGE
    for model, row in rows:
        if row.view.precision == "float16" and row.view.truncate_dim < 384:
            [whole] = [other for other in model.rows if other.view == View(row.view.truncate_dim)]
            assert all(abs(whole.measures[name] - value) < 1e-3 for name, value in row.measures.items())
            assert abs(whole.kept - row.kept) < 0.002


@pytest.mark.parametrize("measure", ["overlap_at_10", "rbo", "kendall_tau", "similarity_correlation"])
def test_the_order_within_a_model_is_as_the_text_says(measure):
    for model in told():
        for one in model.rows:
            for other in model.rows:
                if one.kept >= other.kept + 0.01:
                    assert one.measures[measure] > other.measures[measure], (model.model, one.view, other.view)


@pytest.mark.parametrize("measure", ["variance_kept", "norm_kept"])
def test_shares_order_truncations_alone(measure):
    wrong = []
    for model in told():
        for one in model.rows:
            for other in model.rows:
                if one.kept >= other.kept + 0.01 and one.measures[measure] <= other.measures[measure]:
                    wrong.append((one.view.precision, other.view.precision))
    assert wrong
    assert ("float32", "float32") not in wrong
