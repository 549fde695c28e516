"""Sheets written and read back: ids, texts, labels, agreement, conflicts."""

from __future__ import annotations

import csv
import io
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from bench.errors import BenchError
from bench.labelling.answers import agreements, combine, read_sheet
from bench.labelling.proposing import Proposal
from bench.labelling.sheet import COLUMNS, sheet_csv, sheet_rows
from bench.tasks.data import make_retrieval
from bench.tasks.labels import id_cell, id_of_cell, pair_digest

POOL = "the first 10 of a and b"


def task(ids=("d0", "d1", "d2"), queries=("q0", "q1")):
    texts = [f"text {name}" for name in ids]
    return make_retrieval(
        (list(ids), texts), (list(queries), [f"what {name}" for name in queries]), [(0, 0, 1)], "here"
    )


def cells(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet(data, path, labels, notes=None, *, delimiter=",", encoding="utf-8-sig"):
    """A sheet with the labels given, by query and document row, as a spreadsheet saves it."""
    heading, *rows = cells(sheet_csv(sheet_rows(data, [Proposal(*pair, 1.0, 1.0) for pair in labels]), POOL))
    at, noted = heading.index("label"), heading.index("note")
    for row, (pair, label) in zip(rows, labels.items(), strict=True):
        row[at] = str(label)
        row[noted] = (notes or {}).get(pair, "")
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([heading, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)


@given(st.lists(ids, min_size=1, max_size=5, unique=True), st.lists(ids, min_size=1, max_size=4, unique=True))
@example(["=1", "007", " a", "1e5", "'x", "''x", "-2", "a\nb", "a,b", 'a"b', "\ta", "@x"], ["7", "'7"])
@example(["a\r", "\ra", "1-2", "TRUE", "\ufeffa"], ["+1"])
def test_ids_come_back_exactly(tmp_path_factory, documents, queries):
    data = task(documents, queries)
    rng = random.Random(1)
    pairs = [(q, d) for q in range(len(queries)) for d in range(len(documents))]
    labels = {pair: rng.choice([0, 1, 2]) for pair in pairs}
    found = read_sheet(sheet(data, tmp_path_factory.mktemp("sheet") / "l.csv", labels), data)
    assert {key: label.gain for key, label in found.labels.items()} == {
        (queries[q], documents[d]): gain for (q, d), gain in labels.items()
    }


@given(ids)
def test_no_cell_of_an_id_is_a_formula_or_a_number(name):
    cell = id_cell(name)
    assert id_of_cell(cell) == name
    assert cell[0] == "'" or (cell[0].isascii() and cell[0].isalpha())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@a", "\t=1", "\r=1", "  =1", "\uff1dx"])
def test_texts_are_never_formulas(text):
    data = make_retrieval(([text], [text]), ([text], [text]), [(0, 0, 1)], "here")
    _, row = cells(sheet_csv(sheet_rows(data, [Proposal(0, 0, 1.0, 1.0)]), POOL))
    assert not any(cell[:1] in set("=+-@\t\r") for cell in row)


def test_the_sheet_is_blind():
    """Nothing in it depends on which model found a document, or where."""
    data = task()
    one, other = ([Proposal(0, 1, value, lead)] for value, lead in ((0.3, 0.5), (0.9, -0.2)))
    assert sheet_csv(sheet_rows(data, one), POOL) == sheet_csv(sheet_rows(data, other), POOL)
    heading, row = cells(sheet_csv(sheet_rows(data, one), POOL))
    assert heading == list(COLUMNS)
    assert row == ["q0", "d1", "what q0", "text d1", "", "", pair_digest("what q0", "text d1"), POOL]


def test_long_texts_fit_into_a_cell_and_are_still_known(tmp_path):
    data = make_retrieval((["d"], ["x" * 50_000]), (["q"], ["y"]), [(0, 0, 1)], "here")
    path = sheet(data, tmp_path / "l.csv", {(0, 0): 1})
    assert max(len(cell) for row in cells(path.read_bytes()) for cell in row) < 32_767
    assert len(read_sheet(path, data).labels) == 1


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), (",", "utf-8")])
def test_what_spreadsheets_save(tmp_path, delimiter, encoding):
    data = task()
    labels = {(0, 0): "yes", (0, 1): "no", (1, 2): "1.0", (1, 1): "", (1, 0): " "}
    path = sheet(data, tmp_path / "l.csv", labels, {(0, 0): "sure"}, delimiter=delimiter, encoding=encoding)
    found = read_sheet(path, data)
    assert {key: label.gain for key, label in found.labels.items()} == {
        ("q0", "d0"): 1, ("q0", "d1"): 0, ("q1", "d2"): 1,
    }  # fmt: skip
    assert found.skipped == 2
    label = found.labels["q0", "d0"]
    assert (label.note, label.pool, label.pair) == ("sure", POOL, pair_digest("what q0", "text d0"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({(0, 0): "0.5"}, "is not a whole number"),
        ({(0, 0): "maybe"}, "'maybe' is not a number"),
        ({(0, 0): "", (0, 1): " "}, "no pair has a label"),
    ],
)
def test_labels_are_read_by_the_rule_of_all_labels(tmp_path, labels, message):
    with pytest.raises(BenchError, match=message):
        read_sheet(sheet(task(), tmp_path / "l.csv", labels), task())


def test_a_pair_with_two_labels_in_one_sheet(tmp_path):
    path = sheet(task(), tmp_path / "l.csv", {(0, 0): 1, (0, 1): 0})
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[1].replace(b",1,", b",0,"))
    with pytest.raises(BenchError, match="another label than in") as found:
        read_sheet(path, task())
    assert "line 4" in found.value.where


def test_other_ids_and_other_texts_are_refused_with_their_line(tmp_path):
    path = sheet(task(), tmp_path / "l.csv", {(0, 0): 1, (0, 2): 0})
    with pytest.raises(BenchError, match="no document `d2`") as found:
        read_sheet(path, task(["d0", "d1"]))
    assert "line 3" in found.value.where
    with pytest.raises(BenchError, match="no query `q0`"):
        read_sheet(path, task(queries=["q1"]))
    data = task()
    data.documents[2] = "rewritten"
    with pytest.raises(BenchError, match="another text") as found:
        read_sheet(path, data)
    assert "another version" in found.value.hint
    # A text that the sheet is not about may change.
    data = task()
    data.documents[1] = "rewritten"
    assert len(read_sheet(path, data).labels) == 2


def test_a_sheet_without_its_columns(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("query_id,document_id,label\nq0,d0,1\n")
    with pytest.raises(BenchError, match="no column `note`"):
        read_sheet(path, task())
    path.write_bytes(b"")
    with pytest.raises(BenchError, match="no column `query_id`"):
        read_sheet(path, task())
    other = path.rename(tmp_path / "l.xlsx")
    with pytest.raises(BenchError, match="read from CSV"):
        read_sheet(other, task())


def test_agreement_is_the_share_and_cohens_kappa(tmp_path):
    documents = [f"d{row}" for row in range(40)]
    data = task(documents)
    rng = np.random.default_rng(3)
    given_ = [dict(zip([(0, row) for row in rng.permutation(40)[:30].tolist()], rng.integers(0, 3, 30).tolist(),
                       strict=True)) for _ in range(2)]  # fmt: skip
    sheets = [read_sheet(sheet(data, tmp_path / f"{n}.csv", labels), data) for n, labels in enumerate(given_)]
    (found,) = agreements(sheets)
    shared = sorted(given_[0].keys() & given_[1].keys())
    both = [[labels[pair] for pair in shared] for labels in given_]
    assert found.pairs == len(shared)
    assert found.share == pytest.approx(np.mean(np.array(both[0]) == both[1]))
    assert found.kappa == pytest.approx(cohen_kappa_score(*both))


def test_kappa_is_not_defined_where_there_is_one_label_alone(tmp_path):
    sheets = [read_sheet(sheet(task(), tmp_path / f"{n}.csv", {(0, 0): 1, (0, 1): 1}), task()) for n in range(2)]
    (found,) = agreements(sheets)
    assert (found.share, found.kappa) == (1.0, None)
    apart = [read_sheet(sheet(task(), tmp_path / f"{n}.csv", {(n, 0): 1}), task()) for n in range(2)]
    assert agreements(apart) == []


def test_conflicts(tmp_path):
    def sheets(*labels):
        return [
            read_sheet(sheet(task(), tmp_path / f"{n}.csv", {(0, 0): 1, (0, 1): label}), task())
            for n, label in enumerate(labels)
        ]

    def gains(labels):
        return {label.document: label.gain for label in labels}

    assert gains(combine(sheets(0, 0))) == {"d0": 1, "d1": 0}
    with pytest.raises(BenchError, match="1 pairs have several labels") as found:
        combine(sheets(0, 1, 1))
    assert "query `q0`, document `d1`: 0 in" in found.value.message
    assert "--conflicts majority" in found.value.hint
    assert gains(combine(sheets(0, 1, 1), "majority")) == {"d0": 1, "d1": 1}
    with pytest.raises(BenchError, match="several labels"):
        combine(sheets(0, 1), "majority")
    with pytest.raises(BenchError, match="several labels"):
        combine(sheets(0, 1, 2), "majority")
