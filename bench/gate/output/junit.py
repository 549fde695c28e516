"""The verdicts as a JUnit file, which CI systems show as tests: a suite a rule, a test a check."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bench.gate.checks import Check
from bench.gate.judge import Outcome
from bench.gate.output.lines import certainty_text, change_text, subject_text, verdict_text
from bench.neutral import neutral

_WRONG = {"regressed": "failure", "missing": "failure", "not comparable": "error", "underpowered": "error"}


def render_junit(outcome: Outcome) -> bytes:
    """The file: what regressed fails, what cannot be told is an error, what only warns is skipped."""
    root = ET.Element("testsuites", {"name": "bench gate"})
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for rule in outcome.rules:
        checks = [check for check in outcome.checks if check.subject.rule.name == rule.name]
        if not checks:
            continue
        suite = ET.SubElement(root, "testsuite", {"name": neutral(rule.name)})
        for check in checks:
            _case(suite, check)
        counts = {"tests": len(checks)} | {
            total: sum(case.find(element) is not None for case in suite)
            for total, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        }
        for name, count in counts.items():
            suite.set(name, str(count))
            totals[name] += count
    for name, count in totals.items():
        root.set(name, str(count))
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _case(suite: ET.Element, check: Check) -> None:
    attributes = {"classname": neutral(check.subject.rule.name), "name": neutral(subject_text(check)), "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    if check.verdict in {"pass", "new", "accepted"}:
        if check.verdict != "pass":
            ET.SubElement(case, "system-out").text = neutral(certainty_text(check))
        return
    message = neutral(f"{verdict_text(check)}: {certainty_text(check)}")
    element = _WRONG[check.verdict] if check.fails else "skipped"
    found = ET.SubElement(case, element, {"message": message})
    if element != "skipped":
        found.set("type", check.verdict)
        found.text = "\n".join(map(neutral, filter(None, [change_text(check), check.hint])))
