"""How ranks, losses and small tasks are written."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.report.losing import UnitLosses
from bench.report.verdicts import about, few_text, loss_text, rank_text, within_text
from bench.results.claims import Loss
from bench.results.standings import Standing, Standings
from bench.statistics.losses import loss_bounds, unseen_needed
from bench.statistics.margins import Margin


def test_a_rank_has_its_letters_and_its_sharers():
    assert rank_text(None) == ""
    assert rank_text(Standing(3)) == "3"
    assert rank_text(Standing(3, group="bc")) == "3 bc"
    assert rank_text(Standing(1, shared=True, group="a")) == "1 = a"


@pytest.mark.parametrize(
    ("claim", "needed", "text"),
    [
        ("at most the margin", None, "yes"),
        ("more than the margin", None, "no"),
        ("not shown", 1841, "not shown (~1,900 queries)"),
        ("not shown", None, "not shown"),
    ],
)
def test_a_loss_is_within_the_margin_or_not(claim, needed, text):
    loss = Loss(0.00004, -0.00004, 0.0123, 0.01, claim, needed)
    assert within_text(loss, "queries") == text
    assert loss_text(loss) == "0.0000 [0.0000, 0.0123]"


def test_a_loss_without_bounds_is_a_number_alone():
    assert loss_text(Loss(-0.25, -math.inf, math.inf, 0.01, "not shown", None)) == "-0.2500"
    assert (loss_text(None), within_text(None, "queries")) == ("", "")


@pytest.mark.parametrize(("count", "text"), [(7, "7"), (99, "99"), (101, "110"), (1900, "1,900"), (180_001, "190,000")])
def test_numbers_needed_are_rounded_up(count, text):
    assert about(count) == text


def losses(clusters, margin, limit, metric="ndcg_at_10", most=1.0):
    clusters = np.asarray(clusters)
    standings = Standings(metric, {}, values=np.zeros((len(clusters), 1)), clusters=clusters)
    return UnitLosses(margin, standings, {}, limit, unseen_needed(limit, most))


@pytest.mark.parametrize("n", [2, 58, 59, 298, 299, 1000])
@pytest.mark.parametrize("limit", [0.01, 0.05])
def test_a_task_is_too_small_where_equal_scores_would_show_nothing(n, limit):
    shown = loss_bounds(np.zeros((n, 1))).claims(limit) == ["at most the margin"]
    assert bool(few_text(losses(range(n), Margin(limit), limit), "queries")) != shown


def test_it_says_what_would_do():
    assert few_text(losses(range(99), Margin(0.01), 0.01), "queries") == (
        "These queries cannot support a decision at a margin of 0.01: that needs 299 independent queries at least, and "
        "they support one of 0.030 at best."
    )
    # 2% of 0.5 is 0.01; a pair can lose 2, and 600 pairs of 20 sentences are 20 observations: 2 - 2 * 0.05^(1/20).
    of_pairs = losses(np.arange(600) % 20, Margin(0.02, relative=True), 0.01, "cosine_spearman", most=2.0)
    assert few_text(of_pairs, "pairs") == (
        "These pairs cannot support a decision at a margin of 2%: that needs 598 independent pairs at least, and "
        "they support one of 0.28 at best."
    )
    assert pytest.approx(0.2782, abs=1e-4) == 2 * (1 - 0.05 ** (1 / 20))


def test_without_items_nothing_is_said():
    assert few_text(None, "queries") == ""
    assert few_text(UnitLosses(Margin(0.01), Standings("m", {}), {}, 0.01, 299), "queries") == ""
