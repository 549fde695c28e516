from __future__ import annotations

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, gate, rule, verdicts, write_latency

from bench.gate.cost import noisy_places
from bench.gate.sides import CostKey, read_side
from bench.results.schema import Figure

LATENCY = rule(figure="search_p50_ms", max_increase="20%")


def calls(median, seed=0, processes=3, n=300):
    """Latencies of several processes, whose medians differ a little."""
    rng = np.random.default_rng(seed)
    return [median * rng.uniform(0.99, 1.01) * rng.lognormal(0, 0.05, n) for _ in range(processes)]


@pytest.fixture
def compared(tmp_path):
    def compare(before, after, *rules, old=None, new=None):
        write_latency(tmp_path / "old", before, created=BEFORE, **(old or {}))
        write_latency(tmp_path / "new", after, created=AFTER, fingerprint="e" * 32, **(new or {}))
        return gate(tmp_path / "old", tmp_path / "new", *(rules or (LATENCY,)))

    return compare


@pytest.mark.parametrize(
    ("factor", "verdict"), [(2.0, "regressed"), (1.0, "pass"), (0.5, "pass"), (1.2, "underpowered"), (1.4, "regressed")]
)
def test_a_latency_that_doubles_is_called_and_a_steady_one_is_not(compared, factor, verdict):
    before, after = calls(1.0), calls(factor, seed=1)
    (check,) = compared(before, after).checks
    assert check.verdict == verdict
    ratio = np.median(np.concatenate(after)) / np.median(np.concatenate(before))
    assert check.evidence.figure == pytest.approx(ratio, rel=1e-6)
    assert check.evidence.low < ratio < check.evidence.high


def test_two_environments_are_never_compared(compared):
    outcome = compared(calls(1.0), calls(1.0, seed=1), new={"environment": "other"})
    (check,) = outcome.checks
    assert (check.verdict, outcome.status) == ("not comparable", 3)
    assert "env and other" in check.reason
    assert "bench cost --model mini --tasks shop --force" in check.hint


def test_a_rule_may_pass_over_what_cannot_be_compared(compared):
    lenient = rule(figure="search_p50_ms", max_increase="20%", not_comparable="warn")
    assert compared(calls(1.0), calls(9.0), lenient, new={"environment": "other"}).status == 0


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("noise", [{"noisy": True}, {"spread": 0.3}])
def test_noise_is_not_comparable(compared, tmp_path, side, noise):
    outcome = compared(calls(1.0), calls(2.0), **{side: noise})
    (check,) = outcome.checks
    assert check.verdict == "not comparable"
    assert "noise" in check.reason
    places = noisy_places(outcome.checks, read_side("new", tmp_path / "new"))
    assert places == ({CostKey("mini", ("shop", "test", "default"), "env"): {"search"}} if side == "new" else {})


def test_other_settings_and_other_data_are_not_comparable(compared):
    assert verdicts(compared(calls(1.0), calls(1.0), new={"setup": {"device": "cuda"}})) == ["not comparable"]


def test_other_data_is_not_comparable(compared):
    assert verdicts(compared(calls(1.0), calls(1.0, seed=1), new={"data": "c" * 32})) == ["not comparable"]


def test_a_single_process_tells_nothing_of_chance(compared):
    (check,) = compared(calls(1.0, processes=1), calls(2.0, processes=1)).checks
    assert check.verdict == "not comparable"
    assert "single process" in check.reason


def test_a_new_figure_passes_and_one_that_is_gone_is_told(tmp_path):
    write_latency(tmp_path / "old", calls(1.0), created=BEFORE)
    write_latency(tmp_path / "new", [], created=AFTER, figures=[Figure(name="index_bytes", value=8, n=1)])
    both = rule(figure=["search_p50_ms", "index_bytes"], max_increase="20%")
    found = gate(tmp_path / "old", tmp_path / "new", both).checks
    assert [(check.subject.measure, check.verdict) for check in found] == [
        ("search_p50_ms", "not comparable"),
        ("index_bytes", "new"),
    ]


def test_the_same_measurement_passes_even_with_noise(tmp_path):
    for name in ("old", "new"):
        write_latency(tmp_path / name, calls(1.0), created=BEFORE, noisy=True)
    assert verdicts(gate(tmp_path / "old", tmp_path / "new", LATENCY)) == ["pass"]


@pytest.mark.parametrize(
    ("name", "before", "after", "spread", "verdict"),
    [
        ("index_bytes", 1000, 1300, None, "regressed"),
        ("index_bytes", 1000, 1100, None, "pass"),
        ("index_bytes", 1000, 1200, None, "pass"),
        # Sizes are what they are, however busy the machine.
        ("memory_encode_mib", 1000, 1300, 0.01, "regressed"),
        ("memory_encode_mib", 1000, 1190, 0.05, "underpowered"),
        # Of a rate less is worse: half as many texts a second take twice as long.
        ("encode_texts_per_s", 1000, 500, 0.01, "regressed"),
        ("encode_texts_per_s", 1000, 2000, 0.01, "pass"),
        ("index_bytes", 0, 10, None, "not comparable"),
    ],
)
def test_figures_without_samples_are_judged_by_their_values(compared, name, before, after, spread, verdict):
    old, new = ([Figure(name=name, value=value, n=3, spread=spread)] for value in (before, after))
    noisy = not name.endswith("_per_s")
    limit = rule(figure=name, max_increase="20%")
    outcome = compared([], [], limit, old={"figures": old, "noisy": noisy}, new={"figures": new, "noisy": noisy})
    assert verdicts(outcome) == [verdict]


def test_what_is_no_cost_matches_no_rule(compared):
    figures = [Figure(name=name, value=1, n=1) for name in ("hnsw_recall_at_10", "rerank_ndcg_at_10", "search_max_ms")]
    outcome = compared([], [], rule(figure="*", max_increase="1%"), old={"figures": figures}, new={"figures": figures})
    assert [check.reason for check in outcome.checks] == ["the rule matches no result on either side"]


def test_details_keep_figures_apart(compared):
    old, new = (
        [
            Figure(name="search_queries_per_s", value=100, n=1),
            Figure(name="search_queries_per_s", value=value, n=1, detail={"index": "hnsw"}),
        ]
        for value in (100, 10)
    )
    sides = {"old": {"figures": old}, "new": {"figures": new}}
    plain = rule(name="plain", figure="search_*", max_increase="5%")
    hnsw = rule(name="hnsw", figure="search_*", max_increase="5%", detail="index=hnsw")
    every = rule(name="every", figure="search_*", max_increase="5%", detail="*")
    found = compared([], [], plain, hnsw, every, **sides).checks
    assert [(check.subject.rule.name, check.verdict) for check in found] == [
        ("plain", "pass"),
        ("hnsw", "regressed"),
        ("every", "regressed"),
        ("every", "pass"),
    ]


def test_the_same_input_gives_the_same_evidence(compared, tmp_path):
    first = compared(calls(1.0), calls(1.1, seed=3))
    again = gate(tmp_path / "old", tmp_path / "new", LATENCY)
    assert first.checks == again.checks


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("encode_texts_per_s", 5, 0, "regressed"),
        ("encode_texts_per_s", 0, 5, "not comparable"),
        ("memory_encode_mib", 5, 0, "pass"),
        ("memory_encode_mib", 0, 5, "not comparable"),
    ],
)
def test_figures_that_are_not_above_0(compared, name, before, after, verdict):
    sides = {
        side: {"figures": [Figure(name=name, value=value, n=3, spread=0.01)]}
        for side, value in (("old", before), ("new", after))
    }
    assert verdicts(compared([], [], rule(figure=name, max_increase="20%"), **sides)) == [verdict]
