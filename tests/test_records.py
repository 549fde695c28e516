"""From scores to the columns of a record's table."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from bench.quality.evaluate import Scores
from bench.records import item_columns
from bench.views import View


def columns_of(kind, *scored):
    return pa.table(item_columns(SimpleNamespace(info=SimpleNamespace(type=kind)), scored))


def test_clusters_stand_beside_every_views_queries():
    clusters = np.array([0, 1, 0], dtype=np.int32)
    scores = Scores({}, ["a", "b", "c"], {"ndcg_at_10": np.array([0.0, 0.5, 1.0])}, clusters)
    found = columns_of("retrieval", (View(8), scores), (View(4, "int8"), scores))
    assert found.schema.field("cluster").type == pa.int32()
    assert found.to_pydict() == {
        "truncate_dim": [8, 8, 8, 4, 4, 4],
        "precision": ["float32"] * 3 + ["int8"] * 3,
        "query_id": ["a", "b", "c"] * 2,
        "ndcg_at_10": [0.0, 0.5, 1.0] * 2,
        "cluster": [0, 1, 0] * 2,
    }


def test_what_mteb_scores_has_no_clusters():
    found = columns_of("mteb", (View(8), Scores({}, ["all"], {"spearman": np.array([0.5])})))
    assert found.column_names == ["truncate_dim", "precision", "item_id", "spearman"]


def test_a_metric_does_not_take_the_place_of_the_views_precision():
    found = columns_of("mteb", (View(8), Scores({}, ["one"], {"precision": np.array([0.5])})))
    assert found.to_pydict() == {
        "truncate_dim": [8], "precision": ["float32"], "item_id": ["one"], "metric_precision": [0.5],
    }  # fmt: skip
