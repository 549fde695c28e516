from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from gate_results import AFTER, BEFORE, FULL, gate, rule, write_quality
from hypothesis import given
from hypothesis import strategies as st

from bench.gate.output.annotations import escape_data, escape_property, render_annotations
from bench.gate.output.document import render_json
from bench.gate.output.explain import render_explanation
from bench.gate.output.histogram import BINS, histogram
from bench.gate.output.junit import render_junit
from bench.gate.output.summary import render_markdown
from bench.gate.output.text import render_text
from bench.neutral import neutral

UNIT = ("shop", "test", "default")
RULES = (
    rule(name="drop", max_drop=0.05),
    rule(name="drop, hard: 100%", max_drop=0.08, underpowered="fail"),
    rule(name="kept", coverage=True),
    rule(name="typo", max_drop=0.1, models="mimi", not_comparable="warn"),
)


@pytest.fixture
def outcome(tmp_path):
    """A loss, an unclear one, a missing model with a hostile name, a rule that matches nothing."""
    rng = np.random.default_rng(0)
    before = rng.uniform(0.4, 0.6, 60)
    names = ["q<1>", "a | b", *[f"q{row}" for row in range(58)]]
    write_quality(tmp_path / "old", {FULL: before, (4, "int8"): before}, created=BEFORE, ids=names)
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE, model="<gone> & | [31m")
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE, task="evil\n::error::x")
    after = {FULL: before - np.linspace(0.15, 0.25, 60), (4, "int8"): before - rng.normal(0.06, 0.2, 60)}
    write_quality(tmp_path / "new", after, created=AFTER, fingerprint="e" * 32, ids=names)
    return gate(tmp_path / "old", tmp_path / "new", *RULES)


def test_the_text_says_what_got_worse_by_how_much_how_sure_and_where(outcome):
    text = render_text(outcome, {(UNIT, "q57"): "red pipe\x1b[31m"})
    lines = text.splitlines()
    row = next(line for line in lines if line.startswith("regressed") and " drop " in line)
    assert "-0.2000 [-0.2" in row
    assert "at least -0.0500" in row
    assert any("underpowered (warning)" in line for line in lines)
    assert "q57" in text
    assert "red pipe" in text
    assert "\x1b" not in text
    assert lines[-1].startswith("regressed: ")


def test_markdown_shows_names_as_they_are(outcome):
    page = render_markdown(outcome, {(UNIT, "q57"): "a|b<script>"})
    assert page.startswith("## bench gate: regressed\n")
    assert "<script>" not in page.replace("\\<", "")
    assert "a\\|b\\<script\\>" in page
    assert "\\<gone\\>" in page


def test_json_has_every_check(outcome):
    found = json.loads(render_json(outcome, {(UNIT, "q57"): "red pipe"}))
    assert (found["conclusion"], found["exit_status"], len(found["checks"])) == ("regressed", 1, len(outcome.checks))
    check = next(check for check in found["checks"] if check["verdict"] == "regressed" and check["rule"] == "drop")
    assert check["figure"] == pytest.approx(0.2)
    assert check["before"] - check["after"] == pytest.approx(check["figure"])
    assert next(item for item in check["worst"] if item["id"] == "q57")["text"] == "red pipe"


def test_junit_counts_what_it_holds(outcome):
    root = ET.fromstring(render_junit(outcome))  # noqa: S314 - written here
    assert root.tag == "testsuites"
    elements = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for parent in (root, *root.findall("testsuite")):
        cases = list(parent.iter("testcase"))
        assert int(parent.get("tests")) == len(cases)
        for total, element in elements.items():
            assert int(parent.get(total)) == sum(case.find(element) is not None for case in cases)
    assert {suite.get("name") for suite in root} == {found.name for found in RULES}
    # What the schema of JUnit asks of each case.
    for case in root.iter("testcase"):
        assert case.get("name")
        assert case.get("classname")
        assert len(case) <= 1
    failing = sum(check.fails for check in outcome.checks)
    assert int(root.get("failures")) + int(root.get("errors")) == failing
    assert int(root.get("skipped")) == 2


def test_an_annotation_is_one_command_whatever_is_in_it(outcome):
    found = render_annotations(outcome)
    assert all("\n" not in line and line.startswith(("::error ", "::warning ", "::notice ")) for line in found)
    evil = [line for line in found if "evil" in line]
    assert evil
    assert all(line.startswith("::error title=bench gate%3A missing::") for line in evil)


@given(st.text())
def test_escapes_can_be_undone_and_end_nothing(text):
    for escaped in (escape_data(text), escape_property(text)):
        assert not set("\r\n") & set(escaped)
        back = escaped.replace("%2C", ",").replace("%3A", ":")
        assert back.replace("%25", "%") == neutral(text)
    assert not set(":,") & set(escape_property(text))


def test_many_errors_are_cut_to_what_github_shows(tmp_path):
    before = np.full(30, 0.9)
    views = {(dim, "float32"): before for dim in range(8, 30)}
    write_quality(tmp_path / "old", views, created=BEFORE)
    worse = {view: values - np.linspace(0.2, 0.4, 30) for view, values in views.items()}
    write_quality(tmp_path / "new", worse, created=AFTER)
    found = render_annotations(gate(tmp_path / "old", tmp_path / "new", RULES[0]))
    assert len(found) == 10
    assert "and 13 more" in found[-1]


def test_no_line_begins_with_a_name_that_ci_would_take_for_a_command(tmp_path):
    before = np.random.default_rng(0).uniform(0.4, 0.6, 30)
    names = {"model": "::error::a\nb", "task": "::error::c\nd", "ids": [f"::error::{row}\ne" for row in range(30)]}
    write_quality(tmp_path / "old", {FULL: before}, created=BEFORE, **names)
    write_quality(tmp_path / "new", {FULL: before - 0.2}, created=AFTER, **names)
    found = gate(tmp_path / "old", tmp_path / "new", rule(name="::error::", max_drop=0.01), rule(name="b", min=0.9))
    shown = [
        render_text(found, {}),
        render_markdown(found, {}),
        *(render_explanation(found, name.name) for name in found.rules),
    ]
    assert not [line for text in shown for line in text.splitlines() if line.lstrip().startswith(("::", "##["))]


def test_markdown_stays_below_what_github_takes(tmp_path):
    before = np.full(30, 0.9)
    for task in range(60):
        views = {(dim, "float32"): before for dim in range(8, 18)}
        lower = {view: values - np.linspace(0.2, 0.4, 30) for view, values in views.items()}
        write_quality(tmp_path / "old", views, created=BEFORE, task=f"task{task}")
        write_quality(tmp_path / "new", lower, created=AFTER, task=f"task{task}")
    found = gate(tmp_path / "old", tmp_path / "new", RULES[0])
    assert len(found.failures) == 600
    texts = {(item.unit, item.id): "long " * 2000 for check in found.failures for item in check.worst}
    text = render_markdown(found, texts)
    assert len(text.encode()) < 1 << 20
    assert "not all of it is shown here" in text


def test_an_explanation_has_the_arithmetic_and_a_picture(outcome):
    text = render_explanation(outcome, "drop")
    check = next(check for check in outcome.checks if check.verdict == "regressed")
    assert f"p = {check.evidence.p:.4g}" in text
    assert f"by Holm for {check.compared} checks {check.adjusted:.4g}" in text
    assert "<- limit -0.0500" in text
    assert "60 items" in text
    assert render_explanation(outcome, "kept").startswith("check <gone>")
    assert "matches no result" in render_explanation(outcome, "typo")


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=200), st.floats(-1, 1))
def test_a_histogram_counts_every_value_and_marks_the_limit(values, limit):
    lines = histogram(np.array(values), {"limit": limit}, "{:+.3f}".format)
    assert len(lines) == BINS
    assert sum(int(line.split("|")[0].split()[1].replace(",", "")) for line in lines) == len(values)
    assert sum("<- limit" in line for line in lines) == 1
