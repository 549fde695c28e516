from __future__ import annotations

import numpy as np
import pytest
from gate_results import write_quality

from bench.audit.deviations import deviations, spreads
from bench.results.index import ResultIndex
from bench.results.store import ResultStore

UNIT, DATA = ("shop", "test", "default"), "d" * 32
FULL, INT8, HALF, SMALL, BARE = (8, "float32"), (8, "int8"), (4, "float32"), (4, "int8"), (None, None)


def found(folder, data=DATA, metric="ndcg_at_10"):
    return deviations(ResultIndex(ResultStore(folder).records()), UNIT, data, metric)


def test_views_are_compared_with_the_whole_vectors(tmp_path):
    scores = {FULL: [0.0, 0.5, 1.0, 0.5], INT8: [0.5, 0.5, 0.5, 1.0], HALF: [0, 0, 0, 0], SMALL: [1, 1, 1, 1]}
    write_quality(tmp_path, scores)
    # By hand: differences .5, 0, -.5, .5 have a mean of .125 and squares about it of .6875; 0, -.5, -1, -.5 of .5.
    assert {each.comparison: each.value for each in found(tmp_path)} == {
        "int8 against float32": pytest.approx((0.6875 / 3) ** 0.5),
        "50% of dimensions against all": pytest.approx((0.5 / 3) ** 0.5),
    }
    assert {each.score for each in found(tmp_path)} == {0.625, 0.5}


def test_clusters_are_one_observation(tmp_path):
    write_quality(tmp_path, {FULL: [0.0, 0.5, 1.0, 0.5], INT8: [0.5, 0.5, 0.5, 1.0]}, clusters=[0, 0, 1, 1])
    # Sums of .5 and 0, centred .25 and -.25: the mean's variance is 2 / 1 * .125 / 16, and there are two clusters.
    assert [each.value for each in found(tmp_path)] == [pytest.approx((2 * 0.125 / 16) ** 0.5 * 2**0.5)]


def test_models_are_compared_by_kind(tmp_path):
    rng = np.random.default_rng(0)
    kinds = {"a": "pretrained", "b": "pretrained", "c": "fine-tuned", "d": "mrl", "bm25": "baseline"}
    values = {name: rng.random(20) for name in kinds}
    for name, kind in kinds.items():
        view = BARE if kind == "baseline" else FULL
        write_quality(tmp_path, {view: values[name]}, model=name, kind=kind, width=None if view == BARE else 8)
    spread = {
        tuple(sorted(pair)): float(np.std(values[pair[0]] - values[pair[1]], ddof=1))
        for pair in ["ab", "cd", "ac", "ad", "bc", "bd"]
    }
    kept = spreads(found(tmp_path))
    assert {kind: each.pairs for kind, each in kept.items()} == {
        "two pretrained models": 1, "two fine-tuned models": 1, "fine-tuned against pretrained": 4,
        "embedding model against BM25": 4,
    }  # fmt: skip
    assert kept["two pretrained models"].largest == pytest.approx(spread["a", "b"])
    assert kept["two fine-tuned models"].median == pytest.approx(spread["c", "d"])
    across = [spread[pair] for pair in (("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"))]
    assert kept["fine-tuned against pretrained"].median == pytest.approx(np.median(across))
    assert kept["fine-tuned against pretrained"].largest == pytest.approx(max(across))


def test_results_of_other_data_other_content_or_without_the_metric_do_not_count(tmp_path):
    write_quality(tmp_path, {FULL: [0, 1], INT8: [1, 1]})
    assert len(found(tmp_path)) == 1
    assert found(tmp_path, data="e" * 32) == []
    assert found(tmp_path, metric="mrr_at_10") == []
    write_quality(tmp_path, {FULL: [0, 1]}, fingerprint="e" * 32, created="2026-02-01T00:00:00+00:00")
    assert found(tmp_path) == []


def test_one_query_and_one_view_give_nothing(tmp_path):
    write_quality(tmp_path / "one", {FULL: [0.5], INT8: [0.4]})
    write_quality(tmp_path / "view", {FULL: [0.5, 0.1]})
    write_quality(tmp_path / "parts", {INT8: [0.5, 0.1], HALF: [0.5, 0.1]})
    assert [found(tmp_path / name) for name in ("one", "view", "parts")] == [[], [], []]


def test_spreads_of_nothing():
    assert spreads([]) == {}
