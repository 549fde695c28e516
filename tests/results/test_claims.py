"""What cells lose against one of them, by tables that the test writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import quality_record

from bench.results.claims import largest_loss, losses_against, unit_margin
from bench.results.index import Cell
from bench.results.items import Items
from bench.statistics.losses import loss_bounds
from bench.statistics.margins import Margin

METRIC = "ndcg_at_10"


class AtHand:
    """Gives out items at hand as a reader would."""

    def __init__(self, items):
        self.items = items

    def read(self, cell, metric):
        return self.items[cell.record.model.name]


def losses(values, clusters=None, metric=METRIC, known=None, **options):
    n, m = values.shape
    cells = [Cell(Path("x.json"), quality_record(str(at), metric=metric), 0) for at in range(m)]
    numbers = np.arange(n) if clusters is None else clusters
    ids = [f"{row:04}" for row in range(n)]
    items = {str(at): Items(ids, numbers, values[:, at]) if known is None or at in known else None for at in range(m)}
    return losses_against(cells[0], cells[1:], metric, AtHand(items), **options)


def test_a_loss_is_the_references_score_less_the_others():
    values = np.random.default_rng(0).random((400, 1)) * [[1.0, 0.9, 1.0]]
    clusters = np.arange(400) // 2
    found = losses(values, clusters, together=True)
    by_hand = loss_bounds(values[:, :1] - values[:, 1:], clusters)
    assert found.mean == pytest.approx([0.1 * values[:, 0].mean(), 0.0])
    assert found.high.tolist() == by_hand.high.tolist()
    assert found.clusters == 200
    assert found.claims(0.02) == ["more than the margin", "at most the margin"]


def test_pairs_can_lose_two():
    assert [largest_loss(name) for name in ("ndcg_at_10", "v_measure", "cosine_spearman", "manhattan_pearson")] == [
        1.0, 1.0, 2.0, 2.0,
    ]  # fmt: skip
    # 1 - 0.05^(1/n) of the queries or pairs may be lost that nobody saw.
    same = np.zeros((300, 2))
    assert losses(same, together=True).high[0] == pytest.approx(1 - 0.05 ** (1 / 300))
    of_pairs = losses(same, metric="cosine_spearman", together=True)
    assert of_pairs.high[0] == pytest.approx(2 * (1 - 0.05 ** (1 / 300)))


@pytest.mark.parametrize("known", [[0], [1], []])
def test_what_is_no_mean_of_items_has_no_bounds(known):
    assert losses(np.zeros((9, 2)), known=known, together=True) is None


def test_scores_beyond_the_metrics_range_have_no_bounds():
    assert losses(np.array([[0.5, 2.0], [0.5, 0.5]]), together=True) is None


def test_the_margin_asked_for_comes_before_the_records_and_that_before_the_default():
    task = quality_record().task
    assert unit_margin(task) == Margin(0.01)
    carded = type(task).model_validate({**task.model_dump(), "max_loss": "2%"})
    assert unit_margin(carded) == Margin(0.02, relative=True)
    assert unit_margin(carded, Margin(0.05)) == Margin(0.05)
