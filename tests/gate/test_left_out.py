"""The gate lists what it does not compare since it is not current."""

from __future__ import annotations

import json

from gate_results import AFTER, BEFORE, FULL, gate, rule, write_latency, write_quality

from bench.gate.output.document import render_json
from bench.gate.output.summary import render_markdown
from bench.gate.output.text import render_text
from bench.gate.rules import DEFAULT_RULES

SCORES = {FULL: [0.5, 0.6, 0.7] * 20, (4, "int8"): [0.5, 0.4, 0.6] * 20}
LATER = "2026-03-01T00:00:00+00:00"


def both(tmp_path):
    """The same scores of two models on both sides."""
    for side in ("old", "new"):
        for model in ("mini", "maxi"):
            write_quality(tmp_path / side, SCORES, created=BEFORE, model=model)
    return tmp_path / "old", tmp_path / "new"


def test_a_cost_record_of_a_rebuilt_model_takes_no_scores_from_the_gate(tmp_path):
    old, new = both(tmp_path)
    write_latency(new, [[1.0] * 9] * 3, created=AFTER, fingerprint="e" * 32)
    outcome = gate(old, new, *DEFAULT_RULES)
    assert (outcome.conclusion, outcome.left_out) == ("pass", [])
    assert sum(check.subject.rule.coverage or False for check in outcome.checks) == 4


def test_what_a_changed_task_hides_is_missing_and_listed(tmp_path):
    old, new = both(tmp_path)
    write_quality(new, SCORES, created=AFTER, data="e" * 32, model="maxi")
    outcome = gate(old, new, rule(coverage=True))
    reason = "the task's data changed on 2026-02-01 (newer scores are of the new data)"
    line = f"mini on shop: 2 views left out: {reason}; bench run --tasks shop --model mini"
    missing = [check for check in outcome.checks if check.verdict == "missing"]
    assert {check.subject.model for check in missing} == {"mini"}
    assert {check.reason for check in missing} == {f"its results are left out: {reason}"}
    assert f"note: {line}" in render_text(outcome, {}).splitlines()
    assert f"- note: {line}" in render_markdown(outcome, {}).replace("\\", "").splitlines()
    [entry] = json.loads(render_json(outcome, {}))["left_out"]
    assert entry == {
        "side": "candidate", "model": "mini", "task": "shop", "what": f"2 views left out: {reason}",
        "command": "bench run --tasks shop --model mini",
    }  # fmt: skip


def test_what_the_baseline_alone_leaves_out_is_marked(tmp_path):
    old, new = both(tmp_path)
    write_quality(old, SCORES, created=AFTER, data="e" * 32, model="maxi")
    outcome = gate(old, new, rule(max_drop=0.1))
    # Of mini there is nothing to compare with: that is not passed over in silence.
    assert "note: baseline: mini on shop: 2 views left out" in render_text(outcome, {})
    # What both leave out is told once.
    write_quality(new, SCORES, created=AFTER, data="e" * 32, model="maxi")
    outcome = gate(old, new, rule(max_drop=0.1))
    assert [side for side, _ in outcome.left_out] == ["candidate"]


def test_costs_that_newer_costs_hide_are_listed(tmp_path):
    old, new = both(tmp_path)
    for side in (old, new):
        write_latency(side, [[1.0] * 9] * 3, created=BEFORE)
    write_latency(new, [[1.0] * 9] * 3, name="encode", view=None, created=LATER, fingerprint="e" * 32)
    [(_, entry)] = gate(old, new, rule(coverage=True)).left_out
    assert entry.command == "bench cost --tasks shop --model mini"
