from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.config import load_typed
from bench.errors import UsageError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    width: int = Field(gt=0)
    dtype: Literal["float32", "float16"] = "float32"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    inner: Inner | None = None
    items: list[Inner] = []
    by_name: dict[str, Inner] = {}
    size: int | Literal["auto"] = "auto"

    @field_validator("name")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        if "/" in value:
            raise ValueError("No slash, please")
        return value


def load(tmp_path: Path, text: str) -> Outer:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return load_typed(Outer, path)


def test_a_file_that_fits(tmp_path):
    found = load(tmp_path, "name: a\ninner: {width: 3}\nitems: [{width: 1}, {width: 2, dtype: float16}]\n")
    assert found == Outer(name="a", inner=Inner(width=3), items=[Inner(width=1), Inner(width=2, dtype="float16")])


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("- 1\n- 2\n", ["`the file` must be a mapping"], 1),
        ("just words\n", ["`the file` must be a mapping"], 1),
        ("---\n", ["`the file` must be a mapping"], 2),
        ("inner: {width: 1}\n", ["the key `name` is missing", "add `name: ...`"], 1),
        ("name: a\nnmae: b\n", ["unknown key `nmae`", "did you mean `name`?"], 2),
        ("name: a\nqqq: b\n", ["unknown key `qqq`", "known keys: by_name, inner, items, name, size"], 2),
        ("name: a\ninner:\n  width: 1\n  dtyp: x\n", ["unknown key `dtyp`", "did you mean `dtype`?"], 4),
        ("name: a\nitems:\n- width: 1\n- widht: 1\n  width: 1\n", ["unknown key `widht`", "did you mean `width`?"], 4),
        (
            "name: a\nby_name:\n  x:\n    widths: 1\n    width: 1\n",
            ["unknown key `widths`", "did you mean `width`?"],
            4,
        ),
        ("name: a\nitems:\n- width: 1\n- dtype: float16\n", ["`width` is missing in `items[1]`"], 4),
        ("name: a\ninner: 5\n", ["`inner` must be a mapping"], 2),
        ("name: a\nitems: 5\n", ["`items`", "list", "found 5"], 2),
        ("name: a\ninner:\n  width: '384'\n", ["`inner.width`", "integer", "found '384'"], 3),
        ("name: a\ninner:\n  width: true\n", ["`inner.width`", "integer", "found True"], 3),
        ("name: a\ninner:\n  width: 1.0\n", ["`inner.width`", "integer", "found 1.0"], 3),
        ("name: a\ninner:\n  width: -1\n", ["`inner.width`", "greater than 0", "found -1"], 3),
        ("name: 2020-01-01\n", ["`name`", "string", "2020"], 1),
        ("name: no\n", ["`name`", "string", "found False"], 1),
        ("name:\n", ["`name`", "string", "found None"], 1),
        ("name: a\ninner: {width: 1, dtype: floatt32}\n", ["`inner.dtype`", "'float16'", "did you mean `float32`?"], 2),
        (f"name: {'9' * 100}\n", ["`name`", f"found {'9' * 60}..."], 1),
        ("name: a/b\n", ["`name`: no slash, please"], 1),
        ("name: a\nsize: x\n", ["`size`", "found 'x'", "'auto'"], 2),
    ],
)
def test_a_fault_names_line_key_and_reason(tmp_path, text, words, line):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'file.yaml'}, line {line}"
    for word in words:
        assert word in str(caught.value)


def test_all_faults_are_listed_at_once_each_with_its_line(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, "name: 1\nnmae: b\ninner:\n  width: 0\nitems:\n- dtype: x\n")
    text = str(caught.value)
    for line, words in [
        (1, "`name`: input should be a valid string"),
        (2, "unknown key `nmae`"),
        (4, "`inner.width`: input should be greater than 0"),
        (6, "the key `width` is missing in `items[0]`"),
        (6, "`items[0].dtype`"),
    ]:
        assert f"line {line}: {words}" in text


def test_a_hexadecimal_number_beyond_pythons_limits(tmp_path):
    with pytest.raises(UsageError, match="`name`"):
        load(tmp_path, f"name: 0x{'f' * 5000}\n")
