from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.gate.rules import DEFAULT_RULES, find_rules, load_rules
from bench.models.registry_file import load_registry

TWO = """
gates:
  - {name: quality, models: minilm-*, tasks: [shop, sts17], max_drop: 2%, confidence: 0.9}
  - {name: floor, min: 0.4, truncate_dims: [full, 96], precisions: int8, underpowered: fail}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="gates.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_rules_are_read(write):
    quality, floor = load_rules(write(TWO))
    assert (quality.kind, quality.models, quality.confidence) == ("max_drop", ["minilm-*"], 0.9)
    assert quality.max_drop.of(0.5) == pytest.approx(0.01)
    assert (floor.kind, floor.min, floor.truncate_dims, floor.precisions) == ("min", 0.4, ["full", 96], ["int8"])
    assert (floor.underpowered, floor.not_comparable) == ("fail", "fail")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("{name: a, max_dorp: 1%}", "unknown key `max_dorp`", "max_drop"),
        ("{max_drop: 1%}", "the key `name` is missing", "name"),
        ("{name: a}", "rule `a` checks nothing", ""),
        ("{name: a, max_drop: 1%, min: 0.3}", "checks both `max_drop` and `min`", ""),
        ("{name: a, max_drop: -0.1}", "`gates[0].max_drop`: must be a number such as 0.01", ""),
        ("{name: a, max_drop: true}", "max_drop", ""),
        ("{name: a, max_drop: 2}", "write two points as 0.02", ""),
        ("{name: a, max_drop: 100%}", "allows the whole score to be lost", ""),
        (f"{{name: a, max_drop: {'9' * 400}}}", "must be a number such as 0.01", ""),
        (f"{{name: a, min: {'9' * 400}}}", "is too large", ""),
        (f"{{name: a, min_share: {'9' * 400}}}", "must be a share", ""),
        (f"{{name: a, figure: search_p50_ms, max_increase: {'9' * 400}%}}", "must be a share", ""),
        ("{name: a, max_drop: .inf}", "max_drop", ""),
        ("{name: a, max_drop: much}", "max_drop", ""),
        ("{name: a, min: much}", "`gates[0].min`", ""),
        ("{name: a, min_share: 120%}", "must be a share of the full width's score", ""),
        ("{name: a, figure: search_p50_ms, max_increase: 0.1}", "must be a share of the baseline's figure", ""),
        ("{name: a, max_increase: 10%}", "lacks `figure`", ""),
        ("{name: a, figure: search_p50_ms, max_drop: 1%}", "`figure` has no meaning beside `max_drop`", ""),
        ("{name: a, coverage: true, confidence: 0.9}", "`confidence` has no meaning beside `coverage`", ""),
        ("{name: a, coverage: true, subsets: mean}", "`subsets: mean` has no meaning", ""),
        ("{name: a, coverage: false}", "coverage", ""),
        ("{name: a, min: 0.3, confidence: 1}", "`gates[0].confidence`", ""),
        ("{name: a, min: 0.3, underpowered: faill}", "underpowered", "did you mean `fail`?"),
        ("{name: a, min: 0.3, truncate_dims: [0]}", "truncate_dims", ""),
        ("{name: a, min: 0.3, truncate_dims: half}", "truncate_dims", ""),
        ("{name: a, min: 0.3, models: []}", "models", ""),
    ],
)
def test_every_fault_has_its_line_and_key(write, line, message, hint):
    with pytest.raises(UsageError) as found:
        load_rules(write(f"# Rules.\ngates:\n  - {line}\n"))
    assert message in found.value.message
    assert "gates.yaml, line 3" in found.value.where
    assert hint in (found.value.hint or "")


def test_two_rules_of_one_name_are_refused(write):
    with pytest.raises(UsageError, match="stands twice") as found:
        load_rules(write("gates:\n  - {name: a, min: 0.1}\n  - {name: a, min: 0.2}\n"))
    assert (found.value.where.endswith("line 3"), "line 2" in found.value.hint) == (True, True)


def test_without_a_file_there_are_default_rules(write):
    assert find_rules() == (list(DEFAULT_RULES), "default rules")
    assert all(rule.not_comparable == "warn" for rule in DEFAULT_RULES if rule.kind == "max_increase")
    names = [rule.name for rule in DEFAULT_RULES]
    assert len(set(names)) == len(names)


def test_rules_may_stand_in_the_registry(write):
    registry = write("models: [{name: bm25, kind: baseline, source: bm25s}]" + TWO, "models.yaml")
    rules, where = find_rules()
    assert ([rule.name for rule in rules], where) == (["quality", "floor"], "models.yaml")
    assert [entry.name for entry in load_registry(registry).models] == ["bm25"]
    write(TWO)
    with pytest.raises(UsageError, match=r"gates\.yaml has rules too"):
        find_rules()


def test_a_registry_without_rules_leaves_the_default_ones(write):
    write("models: [{name: bm25, kind: baseline, source: bm25s}]", "models.yaml")
    assert find_rules()[1] == "default rules"


def test_faults_in_the_registrys_rules_have_their_line_too(write):
    path = write("models: [{name: bm25, kind: baseline, source: bm25s}]\ngates:\n- {name: a, nim: 3}\n", "models.yaml")
    with pytest.raises(UsageError, match="unknown key `nim`") as found:
        load_rules(path)
    assert found.value.where.endswith("line 3")


def test_a_link_to_nowhere_is_no_lack_of_rules(write, tmp_path):
    (tmp_path / "gates.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(UsageError, match="no such file"):
        find_rules()
