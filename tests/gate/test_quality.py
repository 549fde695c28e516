from __future__ import annotations

import re

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, gate, rule, verdicts, write_quality
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.errors import BenchError
from bench.gate.judge import Outcome
from bench.statistics.paired import holm

DROP = rule(max_drop=0.05)


def scores(n, mean=0.6, seed=0):
    return np.clip(np.random.default_rng(seed).normal(mean, 0.2, n), 0, 1)


@pytest.fixture
def compared(tmp_path):
    """What a rule says of scores before and after, of any views."""

    def compare(before, after, *rules, after_keys=None, **keys) -> Outcome:
        number = len(list(tmp_path.iterdir()))
        old, new = tmp_path / f"{number}-old", tmp_path / f"{number}-new"
        views = [scores if isinstance(scores, dict) else {FULL: scores} for scores in (before, after)]
        write_quality(old, views[0], created=BEFORE, **keys)
        write_quality(new, views[1], created=AFTER, **{**keys, "fingerprint": "e" * 32, **(after_keys or {})})
        return gate(old, new, *(rules or (DROP,)))

    return compare


@pytest.mark.parametrize(
    ("n", "drop", "noise", "verdict"),
    [
        (400, 0.10, 0.05, "regressed"),
        (400, 0.00, 0.05, "pass"),
        (400, 0.04, 0.02, "pass"),
        (400, -0.20, 0.05, "pass"),
        (12, 0.10, 0.40, "underpowered"),
        (400, 0.05, 0.05, "underpowered"),
    ],
)
def test_a_drop_is_shown_excluded_or_neither(compared, n, drop, noise, verdict):
    before = scores(n)
    change = np.random.default_rng(1).normal(0, noise, n)
    after = before - drop + (change - change.mean())
    outcome = compared(before, after)
    (check,) = outcome.checks
    assert check.verdict == verdict
    assert check.evidence.figure == pytest.approx(drop)
    if n < 100:
        return
    # The t test is another way to the same interval and p-value, where there are many queries.
    assert check.evidence.p == pytest.approx(
        stats.ttest_1samp(before - after, 0.05, alternative="greater").pvalue, abs=0.02
    )
    low, high = stats.t.interval(0.9, n - 1, loc=drop, scale=stats.sem(before - after))
    assert (check.evidence.low, check.evidence.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_more_queries_than_the_detectable_drop_asks_for_show_it(compared):
    rng = np.random.default_rng(3)
    before, change = scores(100), rng.normal(0, 0.3, 100)
    (check,) = compared(before, before - change + change.mean()).checks
    error = stats.sem(change)
    # With 99 degrees of freedom the noncentral t is near the normal approximation.
    assert check.evidence.detectable == pytest.approx(0.05 + (1.645 + 0.842) * error, rel=0.02)


def test_the_same_scores_pass_for_certain_whatever_the_tolerance_and_number(compared):
    for values in ([0.3], [0.3, 0.4], scores(50)):
        (check,) = compared(values, values, rule(max_drop=0)).checks
        assert (check.verdict, check.evidence) == ("pass", None)


def test_one_query_tells_nothing(compared):
    (check,) = compared([0.9], [0.1]).checks
    assert check.verdict == "underpowered"
    assert check.evidence.high == np.inf


@pytest.mark.parametrize(
    ("tolerance", "verdict"), [("20%", "pass"), ("5%", "regressed"), (0.08, "pass"), (0.02, "regressed")]
)
def test_a_tolerance_is_absolute_or_a_share_of_the_baseline(compared, tolerance, verdict):
    before = scores(500)
    # Every score falls by 10%, the mean from 0.6 to 0.54.
    (check,) = compared(before, before * 0.9, rule(max_drop=tolerance)).checks
    assert check.verdict == verdict
    share = float(str(tolerance).rstrip("%")) / 100 * before.mean()
    assert check.limit == pytest.approx(share if isinstance(tolerance, str) else tolerance)


def test_a_relative_tolerance_is_the_test_of_the_scaled_baseline(compared):
    rng = np.random.default_rng(5)
    before = scores(60)
    after = before * 0.9 + rng.normal(0, 0.1, 60)
    (check,) = compared(before, after, rule(max_drop="5%")).checks
    expected = stats.ttest_rel(0.95 * before, after, alternative="greater").pvalue
    assert check.evidence.p == pytest.approx(expected, abs=0.01)


def test_queries_of_one_cluster_count_as_one(compared):
    before, change = np.repeat(scores(20), 20), np.repeat(np.random.default_rng(2).normal(0.1, 0.2, 20), 20)
    alone = compared(before, before - change).checks[0]
    together = compared(before, before - change, clusters=np.repeat(range(20), 20).tolist()).checks[0]
    assert (alone.evidence.clusters, together.evidence.clusters) == (400, 20)
    assert together.evidence.p > 100 * alone.evidence.p
    expected = stats.ttest_1samp(change[::20], 0.05, alternative="greater").pvalue
    assert together.evidence.p == pytest.approx(expected, abs=0.02)


def test_a_lone_drop_must_stand_out_from_all_checks_of_all_rules(compared):
    rng = np.random.default_rng(4)
    dims = range(8, 28)
    before = {(dim, "float32"): scores(80, seed=dim) for dim in dims}
    after = {view: values - rng.normal(0.05, 0.2, 80) for view, values in before.items()}
    outcome = compared(before, after, rule(name="a", max_drop=0.05), rule(name="b", min=0.5))
    found = np.array([check.evidence.p for check in outcome.checks])
    assert [check.compared for check in outcome.checks] == [40] * 40
    assert [check.adjusted for check in outcome.checks] == pytest.approx(holm(found).tolist())
    for check in outcome.checks:
        assert (check.verdict == "regressed") == (check.adjusted <= 0.05)


def test_unchanged_cells_are_no_checks_to_correct_for(compared):
    before = {(dim, "float32"): scores(60, seed=dim) for dim in (8, 6, 4)}
    after = before | {(8, "float32"): before[8, "float32"] - 0.1 + np.random.default_rng(0).normal(0, 0.01, 60)}
    assert [check.compared for check in compared(before, after).checks] == [1, 0, 0]


@pytest.mark.parametrize(("floor", "verdict"), [(0.5, "pass"), (0.7, "regressed"), (0.6, "underpowered")])
def test_a_floor_is_held_by_the_candidates_own_interval(compared, floor, verdict):
    values = scores(200)
    values += 0.6 - values.mean()
    (check,) = compared(scores(200, seed=9), values, rule(min=floor)).checks
    assert check.verdict == verdict
    assert check.before is None
    assert len(check.worst) == (0 if verdict == "pass" else 10)
    low, high = stats.t.interval(0.9, 199, loc=0.6, scale=stats.sem(values))
    assert (-check.evidence.high, -check.evidence.low) == pytest.approx((low, high), abs=0.003)


@pytest.mark.parametrize(("share", "verdict"), [("80%", "pass"), (0.97, "regressed"), ("90%", "underpowered")])
def test_a_share_of_the_full_width_must_be_kept(compared, share, verdict):
    full = scores(300)
    noise = np.random.default_rng(0).normal(0, 0.1, 300)
    cut = 0.9 * full + noise - noise.mean()
    views = {FULL: full, (4, "float32"): cut, (8, "int8"): cut}
    outcome = compared({FULL: full}, views, rule(min_share=share))
    assert verdicts(outcome) == [verdict] * 2
    assert {check.subject.view.truncate_dim for check in outcome.checks} == {8, 4}
    check = outcome.checks[0]
    assert -check.evidence.figure == pytest.approx(cut.mean() / full.mean())
    # Resampling both means together is another way to the interval of their ratio.
    drawn = np.random.default_rng(1).integers(0, 300, (5000, 300))
    low, high = np.quantile(cut[drawn].mean(axis=1) / full[drawn].mean(axis=1), [0.05, 0.95])
    assert (-check.evidence.high, -check.evidence.low) == pytest.approx((low, high), abs=0.002)


def test_a_share_needs_the_full_width(compared):
    (check,) = compared([0.5], {(4, "float32"): [0.5, 0.6]}, rule(min_share=0.9)).checks
    assert (check.verdict, check.fails) == ("not comparable", True)
    assert "truncate_dims" in check.hint


def test_other_data_is_not_comparable_and_no_pass(compared):
    values = scores(50)
    outcome = compared(values, values, after_keys={"data": "c" * 32})
    assert verdicts(outcome) == ["not comparable"]
    assert outcome.status == 3


def test_other_queries_are_not_comparable(compared):
    outcome = compared([0.1, 0.2], [0.1, 0.2], after_keys={"ids": ["a", "b"]})
    assert verdicts(outcome) == ["not comparable"]


def test_a_new_model_passes_and_is_told(tmp_path):
    write_quality(tmp_path / "old", {FULL: [0.5, 0.6]}, created=BEFORE)
    for model in ("mini", "other"):
        write_quality(tmp_path / "new", {FULL: [0.5, 0.6]}, created=BEFORE, model=model)
    outcome = gate(tmp_path / "old", tmp_path / "new", DROP)
    assert [(check.subject.model, check.verdict) for check in outcome.checks] == [("other", "new"), ("mini", "pass")]
    assert outcome.status == 0


def test_what_only_the_baseline_has_is_missing_once(tmp_path):
    for model in ("mini", "other"):
        write_quality(tmp_path / "old", {FULL: [0.5, 0.6]}, created=BEFORE, model=model)
    write_quality(tmp_path / "new", {FULL: [0.5, 0.6]}, created=BEFORE)
    alone = gate(tmp_path / "old", tmp_path / "new", DROP)
    assert verdicts(alone) == ["missing", "pass"]
    watched = gate(tmp_path / "old", tmp_path / "new", DROP, rule(name="all", coverage=True))
    assert [(check.subject.rule.name, check.verdict) for check in watched.checks] == [
        ("rule", "pass"),
        ("all", "missing"),
        ("all", "pass"),
    ]
    assert alone.status == watched.status == 1


def test_subsets_are_judged_by_their_mean(tmp_path):
    rng = np.random.default_rng(0)
    sizes = {"ar": 40, "en": 200, "tr": 90}
    drops = {}
    for name, n in sizes.items():
        before = scores(n, seed=n)
        drops[name] = rng.normal(0.02, 0.1, n)
        ids = [f"{name}{row}" for row in range(n)]
        write_quality(tmp_path / "old", {FULL: before}, created=BEFORE, subset=name, ids=ids)
        write_quality(tmp_path / "new", {FULL: before - drops[name]}, created=AFTER, subset=name, ids=ids)
    (check,) = gate(tmp_path / "old", tmp_path / "new", rule(max_drop=0.05, subsets="mean")).checks
    assert check.subject.unit == ("shop", "test", "mean")
    assert check.evidence.figure == pytest.approx(np.mean([drop.mean() for drop in drops.values()]))
    # Each subset resampled in its own size.
    resampled = [np.mean([rng.choice(drop, len(drop)).mean() for drop in drops.values()]) for _ in range(4000)]
    low, high = np.quantile(resampled, [0.05, 0.95])
    assert (check.evidence.low, check.evidence.high) == pytest.approx((low, high), abs=0.002)


def test_a_query_that_subsets_share_is_one_observation(tmp_path):
    rng = np.random.default_rng(0)
    before, drop = scores(50), rng.normal(0.02, 0.1, 50)
    for name in ("ar", "en", "tr"):
        write_quality(tmp_path / "old", {FULL: before}, created=BEFORE, subset=name)
        write_quality(tmp_path / "new", {FULL: before - drop}, created=AFTER, subset=name)
    mean = gate(tmp_path / "old", tmp_path / "new", rule(max_drop=0.05, subsets="mean")).checks[0]
    alone = gate(tmp_path / "old", tmp_path / "new", rule(max_drop=0.05, subsets=["ar"])).checks[0]
    assert (mean.evidence.clusters, mean.evidence.n) == (50, 150)
    assert mean.evidence.p == pytest.approx(alone.evidence.p, abs=1e-9)
    assert (mean.evidence.low, mean.evidence.high) == pytest.approx((alone.evidence.low, alone.evidence.high))


def test_a_mean_without_one_of_its_subsets_is_another_mean(tmp_path):
    for name in ("ar", "en"):
        write_quality(tmp_path / "old", {FULL: [0.5, 0.6]}, created=BEFORE, subset=name)
    write_quality(tmp_path / "new", {FULL: [0.5, 0.6]}, created=BEFORE, subset="ar")
    (check,) = gate(tmp_path / "old", tmp_path / "new", rule(max_drop=0.05, subsets="mean")).checks
    assert check.verdict == "not comparable"
    assert "en" in check.reason


def test_a_subset_that_is_new_does_not_move_the_mean(tmp_path):
    write_quality(tmp_path / "old", {FULL: [0.5, 0.6]}, created=BEFORE, subset="ar")
    write_quality(tmp_path / "new", {FULL: [0.5, 0.6]}, created=BEFORE, subset="ar")
    write_quality(tmp_path / "new", {FULL: [0.1, 0.1]}, created=BEFORE, subset="en")
    assert verdicts(gate(tmp_path / "old", tmp_path / "new", rule(max_drop=0, subsets="mean"))) == ["pass"]


def test_the_worst_queries_are_those_that_lost_most(compared):
    before = np.full(40, 0.5)
    after = before.copy()
    after[[3, 7, 11]] = [0.1, 0.0, 0.2]
    after[20:] = 0.6
    (check,) = compared(before, after, rule(max_drop=0)).checks
    assert [(item.id, item.before, item.after) for item in check.worst] == [
        ("q00007", 0.5, 0.0),
        ("q00003", 0.5, 0.1),
        ("q00011", 0.5, 0.2),
    ]


differences = st.lists(st.sampled_from([-0.5, -0.1, 0.0, 0.0, 0.1, 0.3, 0.5]), min_size=2, max_size=25)


@settings(max_examples=25, deadline=None)
@given(drops=differences, seed=st.integers(0, 1000))
def test_neither_the_order_of_queries_nor_swapping_nothing_matters(tmp_path_factory, drops, seed):
    folder = tmp_path_factory.mktemp("gate")
    before, drops = np.full(len(drops), 0.5), np.array(drops)
    names = np.array([f"q{row:05}" for row in range(len(drops))])
    shuffled = np.random.default_rng(seed).permutation(len(drops))
    write_quality(folder / "old", {FULL: before}, created=BEFORE)
    write_quality(folder / "new", {FULL: before - drops}, created=AFTER)
    write_quality(folder / "again", {FULL: (before - drops)[shuffled]}, created=AFTER, ids=names[shuffled].tolist())
    one, other = (gate(folder / "old", folder / name, DROP, rule(name="b", min=0.5)) for name in ("new", "again"))
    assert one.checks == other.checks
    same = gate(folder / "new", folder / "again", rule(max_drop=0))
    assert verdicts(same) == ["pass"]


@settings(max_examples=30, deadline=None)
@given(drops=differences)
def test_a_verdict_follows_from_its_numbers(tmp_path_factory, drops):
    folder = tmp_path_factory.mktemp("gate")
    before = np.full(len(drops), 0.5)
    write_quality(folder / "old", {FULL: before}, created=BEFORE)
    write_quality(folder / "new", {FULL: before - np.array(drops)}, created=AFTER)
    (check,) = gate(folder / "old", folder / "new", DROP).checks
    if not any(drops):
        assert check.verdict == "pass"
        return
    shown, excluded = check.adjusted <= 0.05, check.evidence.high <= 0.05 + 1e-12
    assert check.verdict == ("regressed" if shown else "pass" if excluded else "underpowered")
    assert not (shown and np.mean(drops) <= 0.05)


@pytest.mark.parametrize(("before", "after"), [(0.8, 0.79), (0.3, 0.29), (0.7, 0.69)])
def test_a_drop_of_just_the_tolerance_is_no_regression(compared, before, after):
    # In floats 0.8 - 0.79 is more than 0.01.
    assert verdicts(compared([before] * 30, [after] * 30, rule(max_drop=0.01))) == ["pass"]
    mixed = scores(200)
    assert verdicts(compared(mixed, mixed - 0.01, rule(max_drop=0.01))) == ["pass"]
    assert verdicts(compared(mixed, mixed - 0.0101, rule(max_drop=0.01))) == ["regressed"]


@pytest.mark.parametrize(("n", "checks", "told"), [(4, 1, False), (5, 1, True), (7, 10, False), (8, 10, True)])
def test_too_few_queries_show_no_drop_however_large(compared, n, checks, told):
    # 2^n patterns of signs: the smallest p-value is 2^-n, which is to be 0.05 over the number of checks.
    rng = np.random.default_rng(0)
    rules = [rule(name=str(number), max_drop=0.01) for number in range(checks)]
    worse = compared(np.ones(n), rng.uniform(0, 0.1, n), *rules)
    assert verdicts(worse) == ["regressed" if told else "underpowered"] * checks
    unclear = compared(np.full(n, 0.5), 0.5 + rng.permutation(np.linspace(-0.4, 0.4, n)), *rules)
    assert {check.evidence.detectable is not None for check in unclear.checks} == {told}


@pytest.mark.parametrize("keys", [{"min": 0.55}, {"min_share": 0.9}, {"max_drop": 0.01}])
def test_a_mean_without_a_subset_of_the_baseline_is_not_comparable(tmp_path, keys):
    views = {FULL: scores(60, 0.7), (4, "float32"): scores(60, 0.7)}
    for subset in ("de", "en"):
        write_quality(tmp_path / "old", views, created=BEFORE, subset=subset)
    write_quality(tmp_path / "new", views, created=AFTER, subset="en")
    (check, *_) = gate(tmp_path / "old", tmp_path / "new", rule(subsets="mean", truncate_dims=4, **keys)).checks
    assert (check.verdict, "without de" in check.reason) == ("not comparable", True)


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_score_that_is_no_number_is_refused(tmp_path, value):
    write_quality(tmp_path / "old", {FULL: scores(60)}, created=BEFORE)
    path = write_quality(tmp_path / "new", {FULL: scores(60)}, created=AFTER)
    path.write_text(re.sub(r'"value": [0-9.]+', f'"value": {value}', path.read_text()))
    for sides in (("old", "new"), ("new", "old")):
        with pytest.raises(BenchError, match=r"ndcg_at_10\.value: Input should be a finite number") as caught:
            gate(*(tmp_path / side for side in sides), DROP)
        assert str(path) in str(caught.value)
