from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quality_record, write_scored

from bench.comparing.operands import Operand, make_side, parse_operand
from bench.errors import UsageError
from bench.results.index import ResultIndex
from bench.views import PRECISIONS, View


def index(*names):
    return ResultIndex([(None, quality_record(name)) for name in names])


def side(text, *names):
    found = index(*names)
    made = make_side(parse_operand(text, found.models), found)
    return made.model, made.view


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mini", ("mini", None)),
        ("mini@192", ("mini", View(192, "float32"))),
        ("mini@192/int8", ("mini", View(192, "int8"))),
        ("#mini@8/binary", ("mini", View(8, "binary"))),
        # Names that hold what divides.
        ("org/mini", ("org/mini", None)),
        ("org/mini@96/int8", ("org/mini", View(96, "int8"))),
        ("hub:org/mini", ("hub:org/mini", None)),
        ("mini@96", ("mini", View(96, "float32"))),
        ("odd@96", ("odd@96", None)),
        ("odd@96@48", ("odd@96", View(48, "float32"))),
        ("odd@96/int8", ("odd@96/int8", None)),
        ("a#b", ("a#b", None)),
        ("##c", ("#c", None)),
        ("a b", ("a b", None)),
    ],
)
def test_models_and_views(text, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert side(text, "mini", "org/mini", "hub:org/mini", "odd@96", "odd@96/int8", "a#b", "#c", "a b") == expected


@given(
    st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    st.integers(1, 9999),
    st.sampled_from(PRECISIONS),
)
def test_every_name_can_be_written(name, dim, precision):
    assert side(f"#{name}@{dim}/{precision}", name) == (name, View(dim, precision))
    assert side(f"#{name}", name) == (name, None)


@pytest.mark.parametrize(
    ("text", "source", "model"),
    [
        ("old", "old", None),
        ("old#mini@8", "old", "mini@8"),
        ("old#", "old", None),
        ("old#a#b", "old", "a#b"),
        ("odd#folder#mini", "odd#folder", "mini"),
        ("odd#folder", "odd#folder", None),
        ("main:results", "main:results", None),
        ("main:results#mini@8/int8", "main:results", "mini@8/int8"),
        ("git:main", "git:main", None),
        ("git:main#org/mini:x@8", "git:main", "org/mini:x@8"),
        ("git:fix#12#", "git:fix#12", None),
    ],
)
def test_sources(text, source, model, tmp_path):
    for name in ("old", "odd#folder"):
        write_scored(tmp_path / name, {(8, "float32"): {"a": 1.0}})
    assert parse_operand(text, ["mini"], tmp_path) == Operand(text, source, model)


def test_a_name_that_is_a_model_and_a_folder_is_not_guessed(tmp_path):
    write_scored(tmp_path / "mini", {(8, "float32"): {"a": 1.0}})
    with pytest.raises(UsageError, match="is a model and a results folder") as caught:
        parse_operand("mini", ["mini"], tmp_path)
    assert "`#mini`" in caught.value.hint
    assert parse_operand("#mini", ["mini"], tmp_path).model == "mini"
    assert parse_operand("./mini", ["mini"], tmp_path).source == "./mini"


def test_a_models_own_folder_is_no_results_folder(tmp_path):
    (tmp_path / "tiny").mkdir()
    assert parse_operand("./tiny", ["./tiny"], tmp_path) == Operand("./tiny", None, "./tiny")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("minni", "did you mean `mini`"),
        ("minni@8", "did you mean `mini`"),
        ("Mini", "did you mean `mini`"),
        ("whatever", "models with results: mini"),
        ("mini@8/int4", "did you mean `int8`"),
        ("mini@8/complex64", "precisions: float32"),
        ("mini@eight", "models with results"),
        ("#other", "there are: mini"),
        ("#", "there are: mini"),
        (" ", "name a model"),
    ],
)
def test_what_names_nothing_says_what_there_is(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        side(text, "mini")
    assert words in caught.value.hint
