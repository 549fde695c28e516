from __future__ import annotations

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, gate, rule, verdicts, write_latency, write_quality

from bench.gate.acceptance import as_accepted
from bench.results.acceptances import AcceptanceRecord
from bench.results.store import ResultStore

DROP = rule(max_drop=0.01)
LATER = "2026-03-01T00:00:00+00:00"


def accept(outcome, folder, message="meant so"):
    record = AcceptanceRecord(
        bench_version="0", created=LATER, message=message, accepted=[as_accepted(check) for check in outcome.failures]
    )
    ResultStore(folder).write_acceptance(record)


@pytest.fixture
def worse(tmp_path):
    """A baseline and a candidate that lost a tenth."""
    before = np.random.default_rng(0).uniform(0.4, 0.8, 200)
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE)
    write_quality(tmp_path / "new", {FULL: before * 0.9}, created=AFTER, fingerprint="e" * 32)
    outcome = gate(tmp_path / "old", tmp_path / "new", DROP)
    assert verdicts(outcome) == ["regressed"]
    accept(outcome, tmp_path / "new")
    return tmp_path, before


def test_what_was_accepted_is_told_and_passes(worse):
    folder, _ = worse
    outcome = gate(folder / "old", folder / "new", DROP)
    (check,) = outcome.checks
    assert (check.verdict, check.accepted, outcome.status) == ("accepted", "meant so", 0)
    (accepted,) = ResultStore(folder / "new").acceptances()[0].accepted
    assert accepted.drop == pytest.approx(check.evidence.figure)


def test_another_rule_judges_anew(worse):
    folder, _ = worse
    assert verdicts(gate(folder / "old", folder / "new", rule(name="other", max_drop=0.01))) == ["regressed"]


@pytest.mark.parametrize(
    "changed", [{"fingerprint": "a" * 32}, {"fingerprint": "e" * 32, "data": "a" * 32}, {"fingerprint": "e" * 32}]
)
def test_what_changes_later_is_judged_anew(worse, changed):
    folder, before = worse
    # Another model, other data, and the same content that scores otherwise, with another library.
    write_quality(folder / "new", {FULL: before * 0.8}, created=LATER, **changed)
    assert gate(folder / "old", folder / "new", DROP).status != 0


def test_missing_and_not_comparable_are_accepted_too(tmp_path):
    for model in ("mini", "gone"):
        write_quality(tmp_path / "old", {FULL: [0.5, 0.6]}, created=BEFORE, model=model)
    write_quality(tmp_path / "new", {FULL: [0.5, 0.6]}, created=AFTER, data="c" * 32)
    rules = DROP, rule(name="all", coverage=True)
    outcome = gate(tmp_path / "old", tmp_path / "new", *rules)
    assert {check.verdict for check in outcome.failures} == {"missing", "not comparable"}
    accept(outcome, tmp_path / "new")
    assert gate(tmp_path / "old", tmp_path / "new", *rules).failures == []


def test_accepting_that_nothing_could_be_compared_excuses_no_loss(tmp_path):
    before = np.random.default_rng(0).uniform(0.4, 0.8, 200)
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE)
    write_quality(tmp_path / "new", {FULL: before * 0.9}, created=AFTER, data="c" * 32)
    accept(gate(tmp_path / "old", tmp_path / "new", DROP), tmp_path / "new")
    assert gate(tmp_path / "old", tmp_path / "new", DROP).failures == []
    write_quality(tmp_path / "old", {FULL: before}, created=LATER, data="c" * 32)
    assert verdicts(gate(tmp_path / "old", tmp_path / "new", DROP)) == ["regressed"]


def test_another_measurement_of_an_accepted_cost_is_judged_anew(tmp_path):
    latency = rule(figure="search_p50_ms", max_increase="10%")
    rng = np.random.default_rng(0)
    fast, slow = ([scale * rng.lognormal(0, 0.05, 100) for _ in range(3)] for scale in (1, 2))
    write_latency(tmp_path / "old", fast, created=BEFORE)
    write_latency(tmp_path / "new", slow, created=AFTER)
    accept(gate(tmp_path / "old", tmp_path / "new", latency), tmp_path / "new")
    assert verdicts(gate(tmp_path / "old", tmp_path / "new", latency)) == ["accepted"]
    write_latency(tmp_path / "new", slow, created=LATER)
    assert verdicts(gate(tmp_path / "old", tmp_path / "new", latency)) == ["regressed"]
