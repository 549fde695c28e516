from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.report.answers import answer_text, make_answer, mean_text
from bench.report.encoding import EncodingRow
from bench.report.losing import UnitLosses
from bench.report.means import MeanRow, MeanTable
from bench.report.rows import Row, Table
from bench.results.claims import Loss
from bench.results.schema import Value
from bench.results.standings import Standing, Standings
from bench.statistics.margins import Margin
from bench.views import View

CLAIMS = {True: "at most the margin", False: "not shown"}
FEW = (
    "**These queries cannot support a decision at a margin of 0.01: that needs 299 independent queries at least, and "
    "they support one of 0.35 at best.** "
)


def row(model, score, view=None, *, rank=None, ties=False, loss=None, **changes):
    """A row; with a rank the one that stands for its model, with a loss one that is shown to be within the margin."""
    value = None if score is None else Value(value=score)
    standing = None if rank is None else Standing(rank, ties_best=ties)
    shown = None if loss is None else Loss(loss, loss - 0.005, loss + 0.005, 0.01, CLAIMS[loss + 0.005 < 0.01], None)
    return Row(model, "pretrained", view, value, None, reference=False, standing=standing, loss=shown, **changes)


def table(*rows, environment=None, encoding=(), n=7):
    losses = UnitLosses(Margin(0.01), standings(n), {}, 0.01, 299)
    return Table(
        ("shop", "test", "default"), "ndcg_at_10", n, "queries", environment, rows=[*rows], encoding=[*encoding],
        losses=losses,
    )  # fmt: skip


def standings(n):
    """Of a task of so many queries; its rows have their own."""
    return Standings("ndcg_at_10", {}, values=np.zeros((n, 1)), clusters=np.arange(n))


def encoding_row(model, p50_ms):
    figures = dict.fromkeys(EncodingRow.__dataclass_fields__)
    return EncodingRow(**{**figures, "model": model, "noisy": False, "p50_ms": p50_ms})


def text(*tables):
    return answer_text(make_answer(tables))


def test_the_smallest_view_of_the_best_model_that_is_shown_is_found():
    rows = [
        row("a", 0.8, View(64), rank=1, ties=True),
        row("a", 0.799, View(64, "int8"), loss=0.001),
        row("a", 0.798, View(32, "int8"), loss=0.002),
        row("a", 0.794, View(16, "int8"), loss=0.006),
        row("a", 0.5, View(8, "binary")),
        row("b", 0.78, View(8, "int8"), rank=2, ties=True, loss=0.001),
    ]
    answer = make_answer([table(*rows, n=500)])
    assert answer.smallest is rows[2]
    found = answer_text(answer)
    assert found.startswith("**a** is best at 64 dimensions in float32: `ndcg_at_10` 0.8000 over 500 queries. ")
    assert "Not significantly different: b. " in found
    assert found.endswith(
        "Its smallest view that is shown to lose at most 0.01: 32 dimensions in int8, 32 bytes a vector, "
        "loss 0.0020 [-0.0030, 0.0070]. Its cost was not measured."
    )


def test_of_views_of_one_size_the_better_one_is_taken():
    rows = [row("a", 0.8, View(64), rank=1, ties=True), row("a", 0.7, View(8, "float32"), loss=0.003)]
    better = row("a", 0.75, View(32, "int8"), loss=0.002)
    assert make_answer([table(*rows, better)]).smallest is better


def test_a_view_that_is_not_shown_is_not_named():
    rows = [row("a", 0.8, View(64), rank=1, ties=True), row("a", 0.79, View(32), loss=0.008)]
    assert "Its other view is not shown to lose at most 0.01: 256 bytes a vector." in text(table(*rows))
    rows.append(row("a", 0.7, View(16)))
    assert "None of its 2 other views is shown to lose at most 0.01: 256 bytes a vector." in text(table(*rows))


def test_what_it_costs_is_told_for_every_environment_that_measured_it():
    best = row("a", 0.8, View(64), rank=1, ties=True)
    here = table(replace(best, search_ms=0.0123, noisy=True), environment="here", encoding=[encoding_row("a", 6.5)])
    there = table(best, environment="there", encoding=[encoding_row("b", 1.0), encoding_row("a", 2.0)])
    nothing = table(best, environment="nothing")
    assert text(here, there, nothing).endswith(
        "It costs search p50 0.0123 ms and encoding p50 6.50 ms † in environment `here`; "
        "encoding p50 2.00 ms in environment `there`."
    )


def test_a_baseline_alone_stores_no_vectors():
    rows = [row("bm25", 0.5, rank=1, ties=True), row("a", 0.1, View(8), rank=2)]
    assert text(table(*rows, n=500)) == (
        "**bm25** is best: `ndcg_at_10` 0.5000 over 500 queries. The other is significantly worse. "
        "It stores no vectors."
    )
    rows.append(row("b", 0.1, View(8), rank=2))
    assert "Every other model is significantly worse." in text(table(*rows))


def test_a_single_model_is_compared_with_nobody():
    assert text(table(row("a", 0.5, View(8), rank=1, ties=True), n=299)) == (
        "**a** is the only model, best at 8 dimensions in float32: `ndcg_at_10` 0.5000 over 299 queries. "
        "No other view was scored: 32 bytes a vector. Its cost was not measured."
    )
    assert text(table(row("bm25", 0.5, rank=1, ties=True))).startswith("**bm25** is the only model: ")


def test_too_few_queries_are_said_to_be():
    # 1 - 0.05^(1/7) = 0.348, and 0.99^299 is the first power below 0.05.
    best = row("a", 0.5, View(8), rank=1, ties=True)
    assert f"over 7 queries. {FEW}No other" in text(table(best))
    assert "cannot support" in text(table(best, n=298))
    assert "cannot support" not in text(table(best, n=299))


def test_what_was_not_tested_is_not_claimed():
    found = text(table(row("a", 0.5, View(8), rank=1, ties=None), row("b", 0.1, View(4), rank=2, ties=None)))
    assert "Whether the others are worse could not be tested. No other view was scored: 32 bytes a vector." in found


def test_a_long_list_of_ties_is_cut():
    rows = [row(f"m{number:02}", 0.8 - number / 1000, rank=number + 1, ties=True) for number in range(14)]
    found = text(table(*rows))
    assert "Not significantly different: m01, m02, m03, m04, m05, m06, m07, m08, m09, m10 and 3 more." in found


def test_models_without_a_score_do_not_count():
    bare = row("bare", None, View(8))
    assert make_answer([table(bare)]) is None
    assert "is the only model" in text(table(row("a", 0.5, View(8), rank=1, ties=True), bare))


def test_a_model_that_may_have_seen_the_test_is_marked():
    assert text(table(row("a", 0.5, rank=1, ties=True, leakage=True))).startswith("**a ‡** is")


def test_the_best_mean_is_named_where_a_model_has_one():
    means = MeanTable("talk", "test", "cosine_spearman", ["a", "b"])
    means.rows = [
        MeanRow("low", "mrl", View(8), {}, 0.25),
        MeanRow("high", "mrl", View(4, "int8"), {}, 0.5),
        MeanRow("half", "mrl", View(8), {}, None),
    ]
    assert mean_text(means) == "**high** has the best at 4 dimensions in int8: `cosine_spearman` 0.5000."
    means.rows.insert(0, MeanRow("full", "mrl", View(8), {}, 0.4, headline=True))
    assert mean_text(means) == "**full** has the best at 8 dimensions in float32: `cosine_spearman` 0.4000."
    means.rows = means.rows[3:]
    assert mean_text(means) == "no model has a score on all of them."
