"""Rules against results as a whole: coverage, what rules match, the conclusion."""

from __future__ import annotations

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, gate, rule, verdicts, write_quality

from bench.errors import BenchError
from bench.gate.rules import DEFAULT_RULES
from bench.gate.sides import read_side

VIEWS = {FULL: [0.5, 0.6], (4, "float32"): [0.4, 0.5], (4, "binary"): [0.1, 0.2]}


@pytest.fixture
def folder(tmp_path):
    for model in ("mini", "maxi"):
        write_quality(tmp_path, VIEWS, created=BEFORE, model=model)
        write_quality(tmp_path, {FULL: [0.5, 0.6]}, created=BEFORE, model=model, task="books")
    write_quality(tmp_path, {(None, None): [0.5, 0.6]}, created=BEFORE, model="bm25", kind="baseline", width=None)
    return tmp_path


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ({}, 9),
        ({"models": "mini"}, 4),
        ({"models": "m*i"}, 8),
        ({"models": ["mini", "bm*"]}, 5),
        ({"tasks": "books"}, 2),
        ({"truncate_dims": "full"}, 4),
        ({"truncate_dims": [4]}, 4),
        ({"precisions": "float*"}, 6),
        ({"truncate_dims": 4, "precisions": "binary"}, 2),
        ({"splits": "t*", "subsets": "default"}, 9),
        ({"metric": "ndcg_at_10"}, 9),
    ],
)
def test_a_rule_is_about_what_it_names(folder, keys, count):
    for kind in ({"max_drop": 0}, {"coverage": True}):
        if kind == {"coverage": True} and "metric" in keys:
            continue
        assert verdicts(gate(folder, folder, rule(**keys, **kind))) == ["pass"] * count


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"models": "mimi"}, "did you mean `mini`?"),
        ({"models": "min-*"}, "did you mean `mini`?"),
        ({"tasks": "book"}, "did you mean `books`?"),
        ({"truncate_dims": 5}, "there are: 4, 8"),
        ({"metric": "ndcg_at_1"}, "did you mean `ndcg_at_10`?"),
        ({"precisions": "int8", "models": "bm25"}, "there are: binary, float32"),
        ({"tasks": "books", "precisions": "binary"}, "leave out some of it"),
    ],
)
def test_a_rule_that_matches_nothing_is_told_and_no_pass(folder, keys, told):
    outcome = gate(folder, folder, rule(max_drop=0.1, **keys))
    (check,) = outcome.checks
    assert (check.verdict, outcome.conclusion, outcome.status) == ("not comparable", "cannot tell", 3)
    assert told in check.hint
    assert gate(folder, folder, rule(max_drop=0.1, not_comparable="warn", **keys)).status == 0


def test_one_name_of_several_that_is_unknown_is_told(folder):
    outcome = gate(folder, folder, rule(max_drop=0.1, models=["mini", "maxy"]))
    assert outcome.status == 0
    assert outcome.notes == ["rule `rule`: no result has `models: maxy`; did you mean `maxi`?"]


def test_what_was_in_the_baseline_must_still_be_there(folder, tmp_path_factory):
    new = tmp_path_factory.mktemp("new")
    # One view less of one model; the other changed and was scored on one task only.
    write_quality(new, {view: VIEWS[view] for view in list(VIEWS)[:2]}, created=BEFORE, model="mini")
    write_quality(new, {FULL: [0.5, 0.6]}, created=BEFORE, model="mini", task="books")
    write_quality(new, VIEWS, created=BEFORE, model="maxi")
    write_quality(new, {FULL: [0.5, 0.6]}, created=AFTER, model="maxi", task="books", fingerprint="e" * 32)
    outcome = gate(folder, new, rule(coverage=True))
    missing = [check for check in outcome.checks if check.verdict == "missing"]
    found = {(check.subject.model, check.subject.unit[0], str(check.subject.view)): check.reason for check in missing}
    assert found == {
        ("bm25", "shop", "None"): "the model has no current results",
        ("mini", "shop", "4 binary"): "this view was not scored",
        **{
            ("maxi", "shop", view): (
                "its results are left out: the model changed on 2026-02-01 (newer scores are of the new model)"
            )
            for view in ("8 float32", "4 float32", "4 binary")
        },
    }
    assert outcome.conclusion == "regressed"


def test_the_default_rules_pass_results_beside_themselves(folder):
    outcome = gate(folder, folder, *DEFAULT_RULES)
    assert (set(verdicts(outcome)), outcome.status, outcome.notes) == ({"pass"}, 0, [])


def test_the_conclusion_is_the_worst_verdict(tmp_path):
    rng = np.random.default_rng(0)
    before = rng.uniform(0.4, 0.6, 100)
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE)
    unclear = before - rng.normal(0.02, 0.2, 100)
    write_quality(tmp_path / "new", {FULL: unclear}, created=AFTER)
    told, failed = rule(name="a", max_drop=0.02), rule(name="b", max_drop=0.02, underpowered="fail")
    assert gate(tmp_path / "old", tmp_path / "new", told).conclusion == "pass"
    assert gate(tmp_path / "old", tmp_path / "new", told, failed).conclusion == "cannot tell"
    worst = gate(tmp_path / "old", tmp_path / "new", told, failed, rule(name="c", min=0.9))
    assert (worst.conclusion, worst.status) == ("regressed", 1)
    assert worst.counts == {"regressed": 1, "underpowered": 2}


def test_records_in_another_order_give_the_same(folder, tmp_path_factory):
    new = tmp_path_factory.mktemp("new")
    write_quality(new, {(None, None): [0.4, 0.6]}, created=BEFORE, model="bm25", kind="baseline", width=None)
    for model in ("maxi", "mini"):
        write_quality(new, {FULL: [0.5, 0.6]}, created=BEFORE, model=model, task="books")
        write_quality(new, dict(reversed(VIEWS.items())), created=BEFORE, model=model)
    rules = rule(name="b", max_drop=0.01), rule(name="a", coverage=True)
    one, other = gate(folder, new, *rules), gate(folder, new, *reversed(rules))
    assert sorted(one.checks, key=str) == sorted(other.checks, key=str)
    assert verdicts(gate(folder, new, rules[0])).count("pass") == 8


def test_an_empty_folder_is_no_side(tmp_path):
    with pytest.raises(BenchError, match="no results in it"):
        read_side("here", tmp_path)
