from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.config import dump_yaml, parse_yaml
from bench.errors import UsageError
from bench.neutral import neutral

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8), st.booleans())
def test_what_is_written_reads_as_the_same_value_and_is_neutral(value, flow):
    text = dump_yaml(value, width=40, default_flow_style=None if flow else False)
    assert yaml.safe_load(text) == value
    assert neutral(text, lines=True) == text


NESTED = {
    "brackets": "a: " + "[" * 200_000,
    "braces": "{a: " * 3_000,
    "dashes": "- " * 5_000 + "a",
    "indents": "".join(" " * row + "a:\n" for row in range(300)),
    "aliases": "\n".join(["a0: &a0 [1]", *(f"a{row}: &a{row} [*a{row - 1}]" for row in range(1, 3_000))]),
    "bomb": "\n".join(["a0: &a0 [1, 1]", *(f"a{row}: &a{row} [{f'*a{row - 1}, ' * 9}]" for row in range(1, 12))]),
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_and_growing_documents_are_refused_with_their_line(name):
    with pytest.raises(UsageError, match=r"deep|more than 100,000 values") as error:
        parse_yaml(NESTED[name], Path("x.yaml"))
    assert error.value.where.startswith("x.yaml, line ")
