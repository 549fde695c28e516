from __future__ import annotations

from dataclasses import replace

from bench.report.answers import answer_text, make_answer, mean_text
from bench.report.encoding import EncodingRow
from bench.report.means import MeanRow, MeanTable
from bench.report.rows import Row, Table
from bench.results.schema import Value
from bench.views import View


def row(model, score, view=None, *, ties=False, **changes):
    value = None if score is None else Value(value=score)
    return Row(model, "pretrained", view, value, None, reference=False, ties_best=ties, **changes)


def table(*rows, environment=None, encoding=()):
    return Table(
        ("shop", "test", "default"), "ndcg_at_10", 7, "queries", environment, rows=[*rows], encoding=[*encoding]
    )


def encoding_row(model, p50_ms):
    figures = dict.fromkeys(EncodingRow.__dataclass_fields__)
    return EncodingRow(**{**figures, "model": model, "noisy": False, "p50_ms": p50_ms})


def text(*tables):
    return answer_text(make_answer(tables))


def test_the_smallest_view_of_any_model_that_ties_is_found():
    rows = [
        row("a", 0.8, View(64), ties=True),
        row("a", 0.79, View(64, "int8"), ties=True),
        row("a", 0.5, View(8, "binary")),
        row("b", 0.78, View(32, "int8"), ties=True),
        row("b", 0.7, View(16, "int8")),
    ]
    answer = make_answer([table(*rows)])
    assert answer.smallest is rows[3]
    found = answer_text(answer)
    assert found.startswith("**a** is best at 64 dimensions in float32: `ndcg_at_10` 0.8000 over 7 queries. ")
    assert "b cannot be told from it. " in found
    assert "of b, 32 dimensions in int8, 32 bytes a vector, score 0.7800. Its cost was not measured." in found


def test_of_views_of_one_size_the_better_one_is_taken():
    rows = [row("a", 0.8, View(64), ties=True), row("a", 0.7, View(8, "float32"), ties=True)]
    better = row("b", 0.75, View(32, "int8"), ties=True)
    assert make_answer([table(*rows, better)]).smallest is better


def test_what_it_costs_is_told_for_every_environment_that_measured_it():
    best = row("a", 0.8, View(64), ties=True)
    here = table(replace(best, search_ms=0.0123, noisy=True), environment="here", encoding=[encoding_row("a", 6.5)])
    there = table(best, environment="there", encoding=[encoding_row("b", 1.0), encoding_row("a", 2.0)])
    nothing = table(best, environment="nothing")
    assert text(here, there, nothing).endswith(
        "It costs search p50 0.0123 ms and encoding p50 6.50 ms † in environment `here`; "
        "encoding p50 2.00 ms in environment `there`."
    )


def test_a_baseline_alone_stores_no_vectors():
    assert text(table(row("bm25", 0.5, ties=True), row("a", 0.1, View(8)))) == (
        "**bm25** is best: `ndcg_at_10` 0.5000 over 7 queries. The other model is worse. It stores no vectors."
    )


def test_a_single_model_is_compared_with_nobody():
    assert text(table(row("a", 0.5, View(8), ties=True))) == (
        "**a** is the only model, best at 8 dimensions in float32: `ndcg_at_10` 0.5000 over 7 queries. "
        "No smaller view that was scored comes up to it: 32 bytes a vector. Its cost was not measured."
    )
    assert text(table(row("bm25", 0.5, ties=True))).startswith("**bm25** is the only model: ")


def test_what_was_not_tested_is_not_claimed():
    found = text(table(row("a", 0.5, View(8), ties=None), row("b", 0.1, View(4), ties=None)))
    assert "Whether the others are worse could not be tested. That is 32 bytes a vector." in found
    assert "b" not in found.split("`ndcg_at_10`")[0].replace("best", "").replace("**a**", "")


def test_a_long_list_of_ties_is_cut():
    rows = [row(f"m{number}", 0.8 - number / 1000, ties=True) for number in range(14)]
    found = text(table(*rows))
    assert "m1, m2, m3, m4, m5, m6, m7, m8, m9, m10 and 3 more cannot be told from it." in found


def test_models_without_a_score_do_not_count():
    assert make_answer([table(row("bare", None, View(8), ties=None))]) is None
    assert "is the only model" in text(table(row("a", 0.5, View(8), ties=True), row("bare", None, View(8), ties=None)))


def test_a_model_that_may_have_seen_the_test_is_marked():
    assert text(table(row("a", 0.5, ties=True, leakage=True))).startswith("**a ‡** is")


def test_the_best_mean_is_named_where_a_model_has_one():
    means = MeanTable("talk", "test", "cosine_spearman", ["a", "b"])
    means.rows = [
        MeanRow("low", "mrl", View(8), {}, 0.25),
        MeanRow("high", "mrl", View(4, "int8"), {}, 0.5),
        MeanRow("half", "mrl", View(8), {}, None),
    ]
    assert mean_text(means) == "**high** has the best at 4 dimensions in int8: `cosine_spearman` 0.5000."
    means.rows = means.rows[2:]
    assert mean_text(means) == "no model has a score on all of them."
