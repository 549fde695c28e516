from __future__ import annotations

import datetime
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import read_yaml
from bench.errors import BenchError, UsageError


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def laughs() -> str:
    """Ten values, each standing for ten of the one before: 10^9 values in a few hundred bytes."""
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ("a:\n\t- 1\n", ["not valid YAML", "indent with spaces", "tabs"], 2),
        ("a: 1\nb: &loop [1, *loop]\n", ["an anchor contains itself", "remove the alias"], 2),
        ("a: &loop\n  b:\n    c: *loop\n", ["an anchor contains itself"], 1),
        (laughs(), ["more than 100,000 values", "aliases"], 1),
        ("a: 1\nb: 2\na: 3\n", ["the key `a` stands twice", "first set in line 1"], 3),
        ("a:\n  b: 1\n  b: 2\n", ["the key `b` stands twice", "first set in line 2"], 3),
        ("a: 1\nb: !!python/name:os.system\n", ["python/name:os.system is not allowed", "use plain values"], 2),
        ("a: !secret x\n", ["!secret is not allowed"], 1),
        ("a: 1\nb: *nobody\n", ["undefined alias 'nobody'"], 2),
        ("a: 1\nb: {c: 1\n", ["not valid YAML"], 3),
        ("a: 1\nb: 'open\n", ["not valid YAML", "quotes"], 3),
        ("a: 1\n---\nb: 2\n", ["another document"], 2),
        ("a: 1\n? [b, c]\n: 2\n", ["keys must be plain names"], 2),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", ["keys must be plain names"], 3),
        ("a: 1\nb: 2020-13-45\n", ["cannot read '2020-13-45' as timestamp", "plain value"], 2),
        ("a: !!int abc\n", ["cannot read 'abc' as int"], 1),
        ('a: 1\nb: "\\ud800"\n', ["cannot read", "as str"], 2),
        (f"a: {'9' * 5000}\n", [f"cannot read '{'9' * 60}' as int"], 1),
        ("a: 1\nb: !!binary x\n", ["cannot read 'x'"], 2),
    ],
)
def test_a_fault_names_file_line_and_reason(tmp_path, content, words, line):
    path = written(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_yaml(path)
    assert caught.value.where == f"{path}, line {line}"
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing but a comment\n", "\ufeff", "  \n# c"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, content):
    path = written(tmp_path, content)
    with pytest.raises(UsageError, match="the file is empty") as caught:
        read_yaml(path)
    assert caught.value.where == str(path)
    assert "README" in caught.value.hint


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UsageError, match="is a folder") as caught:
        read_yaml(tmp_path)
    assert caught.value.where == str(tmp_path)


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="no such file") as caught:
        read_yaml(tmp_path / "none.yaml")
    assert caught.value.where == str(tmp_path / "none.yaml")
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "a\0b",
        "none/x",
        pytest.param(
            "x" * 300,
            id="too long",
        ),
    ],
)
def test_a_path_that_the_system_refuses(tmp_path, name):
    with pytest.raises(UsageError, match="no such file"):
        read_yaml(tmp_path / name)


def test_a_byte_that_is_not_utf8_with_its_line(tmp_path):
    path = written(tmp_path, b"a: 1\nb: caf\xe9\n")
    with pytest.raises(BenchError, match="byte 0xe9 is not UTF-8") as caught:
        read_yaml(path)
    assert caught.value.where == f"{path}, line 2"
    assert "iconv" in caught.value.hint


@pytest.mark.parametrize("content", ["a: \x00\n", "[" * 5000, "a: " * 5000])
def test_control_characters_and_deep_nesting_are_refused(tmp_path, content):
    path = written(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    document = read_yaml(written(tmp_path, b"\xef\xbb\xbfa: 1\n"))
    assert document.data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2020-01-02", datetime.date(2020, 1, 2)),
        ("no", False),
        ("~", None),
        ("1:30", 90),
        ("0x1f", 31),
        ("1e3", "1e3"),
        (".inf", float("inf")),
        ("'384'", "384"),
        ("!!str 5", "5"),
    ],
)
def test_scalars_follow_yaml_1_1(tmp_path, text, value):
    found = read_yaml(written(tmp_path, f"a: {text}\n")).data["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_names_whatever_they_look_like(tmp_path):
    assert read_yaml(written(tmp_path, "1: a\nyes: b\n2020-01-01: c\n")).data == {
        "1": "a",
        "yes": "b",
        "2020-01-01": "c",
    }


def test_an_alias_gives_the_value_of_its_anchor(tmp_path):
    assert read_yaml(written(tmp_path, "a: &x {k: [1]}\nb: *x\n")).data == {"a": {"k": [1]}, "b": {"k": [1]}}


def test_lines_of_keys_and_items(tmp_path):
    document = read_yaml(written(tmp_path, "# head\na:\n  - x\n  - b: 1\n    c:\n      d: 2\n"))
    assert {location: document.lines[location] for location in [("a",), ("a", 0), ("a", 1), ("a", 1, "c", "d")]} == {
        ("a",): 2,
        ("a", 0): 3,
        ("a", 1): 4,
        ("a", 1, "c", "d"): 6,
    }
    assert document.where(("a", 1, "c", "absent")) == f"{document.path}, line 5"


@pytest.mark.parametrize("content", ["a: !!timestamp foo", "a: !!bool foo", "a: !!int ''", "a: !!float ''"])
def test_a_tag_that_does_not_fit_its_value(tmp_path, content):
    path = written(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_yaml(path)
    assert caught.value.where == f"{path}, line 1"


@pytest.mark.parametrize(
    "content",
    [
        "a: !!python/object:os.system {b: 1}",
        "a: !!python/object/apply:os.system [x]",
        "a: !secret [1]",
        "a: !!set {b, c}",
        "a: !!omap [b: 1]",
        "!secret {a: 1}",
    ],
)
def test_tags_are_refused_wherever_they_stand(tmp_path, content):
    with pytest.raises(UsageError, match="is not allowed"):
        read_yaml(written(tmp_path, content))


@pytest.mark.parametrize("tag", ["!!python/name:os.system", "!secret", "!!binary"])
def test_a_key_with_a_tag_is_refused(tmp_path, tag):
    with pytest.raises(UsageError, match="keys must be plain names"):
        read_yaml(written(tmp_path, f"{tag} a: 1"))


def test_python_tags_run_nothing(tmp_path):
    ran = tmp_path / "ran"
    path = written(tmp_path, f"a: !!python/object/apply:os.mkdir ['{ran}']\nb: !!python/object/apply:os.mkdir {ran}\n")
    with suppress(UsageError):
        read_yaml(path)
    assert not ran.exists()


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(PLAIN, VALUES, min_size=1, max_size=4))
def test_what_pyyaml_writes_is_read_back(data):
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), yaml.safe_dump(data, allow_unicode=False))
        assert read_yaml(path).data == data


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=" \t\n\r:-[]{}&*!|>'\"#%@,?ab01.~", max_size=30))
def test_any_text_is_read_or_refused_with_its_file(text):
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), text)
        try:
            read_yaml(path)
        except UsageError as error:
            assert str(path) in str(error)
