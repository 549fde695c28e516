"""Adding an entry to the text of models.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.errors import UsageError
from bench.models.entries.registry_edit import with_entry

PATH = Path("models.yaml")
ENTRY = ["# new", "- name: new", "  source: x", "  prompts:", '    query: "q: "']

TEXTS = {
    "plain": "models:\n  - name: a\n    source: b\n",
    "no line end": "models:\n  - name: a\n    source: b",
    "at the margin": "models:\n- name: a\n  source: b\n",
    "deep": "models:\n      - name: a\n        source: b\n",
    "not last": "models:\n  - name: a\n    source: b\n\n# of runs\nrun: [a]\n",
    "not last, close": "models:\n  - name: a\n    source: b\nrun: [a]\n",
    "in one line": "models:\n  - {name: a, source: b}  # short\ntasks: [t]\n",
    "list inside": "models:\n  - name: a\n    source:\n      - b\n      - c\n\ntasks: [t]\n",
    "comment of the last": "models:\n  - name: a\n    source: b\n    # dtype: float16\n\n# end\n",
    "comment of the file": "models:\n  - name: a\n    source: b\n\n# end\n",
    "folded": "models:\n  - name: a\n    source: b\n    prompts:\n      query: |\n        q\n\n\ntasks: [t]\n",
    "folded at the end": "models:\n  - name: a\n    source: b\n    prompts:\n      query: >-\n        q\n",
    "empty value": "models:\n  - name: a\n    source: b\n    revision:\ntasks: [t]\n",
    "none yet": "# mine\ninclude: more.yaml\n",
    "windows": "models:\r\n  - name: a\r\n    source: b\r\n\r\nrun: [a]\r\n",
    "quoted": 'models:\n  - name: "a # b"\n    source: "b\n      c"\n',
    "nothing": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_one_more_entry_and_nothing_else(text):
    new = with_entry(text, ENTRY, PATH)
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(new)
    assert after.pop("models") == [
        *before.pop("models", []), {"name": "new", "source": "x", "prompts": {"query": "q: "}}
    ]  # fmt: skip
    assert after == before
    # Whatever was there is still there, in its order.
    added = new.splitlines(keepends=True)
    for line in text.splitlines():
        assert line in [kept.rstrip("\r\n") for kept in added]
        del added[: [kept.rstrip("\r\n") for kept in added].index(line) + 1]
    assert ("\r\n" in text) == ("\r\n" in new) and new.count("\r\n") in {0, new.count("\n")}
    assert new.endswith("\n")


def test_where_the_lines_stand():
    assert with_entry(TEXTS["comment of the last"], ENTRY[:3], PATH) == (
        "models:\n  - name: a\n    source: b\n    # dtype: float16\n\n  # new\n  - name: new\n    source: x\n\n# end\n"
    )
    assert with_entry("", ENTRY[:3], PATH) == "models:\n  # new\n  - name: new\n    source: x\n"
    assert with_entry(TEXTS["none yet"], ENTRY[1:3], PATH) == (
        "# mine\ninclude: more.yaml\n\nmodels:\n  - name: new\n    source: x\n"
    )


def test_many_entries_in_turn():
    text = ""
    for number in range(5):
        text = with_entry(text, [f"- name: m{number}", "  source: x"], PATH)
    assert [entry["name"] for entry in yaml.safe_load(text)["models"]] == [f"m{number}" for number in range(5)]


@pytest.mark.parametrize(
    "text", ["models: [{name: a, source: b}]\n", "{models: [{name: a, source: b}]}\n", "{include: more.yaml}\n"]
)
def test_a_list_in_brackets_is_refused(text):
    with pytest.raises(UsageError, match="in brackets") as caught:
        with_entry(text, ENTRY, PATH)
    assert "models.yaml, line 1" in caught.value.where and "--print" in caught.value.hint
