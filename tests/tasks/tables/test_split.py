from __future__ import annotations

import json
import math
import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import write_jsonl, write_parquet

from bench.audit.findings import audit
from bench.errors import BenchError, UsageError
from bench.tasks.card import TaskCard
from bench.tasks.catalog import read_card
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.readers.files import local_files
from bench.tasks.tables.read import read_table

Rows = Sequence[dict]

# Several writings of a few queries, none of which differs from itself by punctuation.
WRITINGS = st.sampled_from(
    ["Reset password", "reset  password", "RESET\tPASSWORD", "Straße", "STRASSE", "ﬁle", "file", "x"]
)
TEXTS = WRITINGS | st.text("abc ", min_size=1).filter(str.strip)
ROWS = st.lists(
    st.fixed_dictionaries({"query": TEXTS, "document": st.text("de", min_size=1)}),
    min_size=4,
    max_size=30,
)  # fmt: skip


def card(split: dict, shape: str = "relevance", **table: object) -> TaskCard:
    section = {"shape": shape, "files": {"all": "all.*"}, "split": split, **table}
    kind = "sts" if shape == "pairs" else "retrieval"
    return TaskCard.model_validate({"name": "x", "type": kind, "table": section})


def split_rows(rows: Rows, split: dict, *names: str, **table: object) -> list[RetrievalData]:
    with tempfile.TemporaryDirectory() as name:
        write_jsonl(Path(name) / "all.jsonl", [{"relevance": 1, **row} for row in rows])
        return [read_table(local_files(Path(name)), card(split, **table), part) for part in names]


def plain(text: str) -> str:
    """The comparison, worked out apart from the program's."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def pairs(data: RetrievalData) -> set[tuple[str, str]]:
    found = zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True)
    return {(data.queries[query], data.documents[document]) for query, document in found}


def several(rows: Rows) -> bool:
    return len({plain(row["query"]) for row in rows}) >= 4


BY_QUERY = {"by": "query", "test": 0.3, "seed": 0}


@settings(max_examples=60, deadline=None)
@given(ROWS.filter(several), st.integers(0, 5), st.floats(0.05, 0.7))
def test_no_query_is_on_both_sides_and_no_row_is_lost(rows, seed, share):
    train, test = split_rows(rows, {"by": "query", "test": share, "seed": seed}, "train", "test")
    trained, tested = ({plain(query) for query in data.queries} for data in (train, test))
    assert not trained & tested
    assert pairs(train) | pairs(test) == {(row["query"], row["document"].strip()) for row in rows}
    assert len(tested) == math.ceil(share * len(trained | tested))
    counted = {finding.kind: finding.count for finding in audit(test, train)}
    assert counted["queries_in_training"] == counted["queries_in_training_normalised"] == 0


@settings(max_examples=40, deadline=None)
@given(ROWS.filter(several), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    for split in (BY_QUERY, {"by": "query", "folds": 3, "seed": 1}):
        name = "test" if "test" in split else "fold-2"
        [one], [other] = (split_rows(found, split, name) for found in (rows, shuffled))
        assert one.fingerprint() == other.fingerprint()


@settings(max_examples=40, deadline=None)
@given(ROWS.filter(several), st.data())
def test_another_document_moves_no_query(rows, data):
    number = data.draw(st.integers(0, len(rows) - 1))
    changed = [{**row, "document": "new"} if place == number else row for place, row in enumerate(rows)]
    [one], [other] = (split_rows(found, BY_QUERY, "test") for found in (rows, changed))
    assert set(one.queries) == set(other.queries)


@settings(max_examples=40, deadline=None)
@given(ROWS.filter(several), st.integers(2, 4), st.integers(0, 3))
def test_folds_test_every_query_once_and_train_on_the_others(rows, folds, seed):
    split = {"by": "query", "folds": folds, "seed": seed}
    names = [f"fold-{number}" for number in range(1, folds + 1)]
    whole, *tested = split_rows(rows, split, "test", *names)
    trained = split_rows(rows, split, *(f"without-{name}" for name in names))
    assert sorted(query for data in tested for query in data.query_ids) == sorted(whole.query_ids)
    sizes = [len({plain(query) for query in data.queries}) for data in tested]
    assert max(sizes) - min(sizes) <= 1
    everything = pairs(whole)
    for name, test, train in zip(names, tested, trained, strict=True):
        assert not {plain(query) for query in test.queries} & {plain(query) for query in train.queries}
        assert pairs(test) | pairs(train) == everything
        # The same documents are searched for each.
        assert sorted(test.documents) == sorted(whole.documents)
        assert [
            query for query, fold in zip(whole.query_ids, whole.folds, strict=True) if fold == name
        ] == test.query_ids


def test_equal_ids_and_equal_texts_are_one_group():
    rows = [
        {"qid": "1", "query": "Reset password", "document": "a"},
        {"qid": "2", "query": "reset password?", "document": "b"},
        {"qid": "3", "query": "other", "document": "a"},
        {"qid": "4", "query": "further", "document": "c"},
    ]
    for seed in range(6):
        split = {"by": "query", "test": 0.4, "seed": seed}
        train, test = split_rows(rows, split, "train", "test", columns={"query_id": "qid"})
        assert len({"1", "2"} & set(test.query_ids)) in {0, 2}
        assert len(set(test.clusters.tolist())) == 2
        assert sorted([*train.query_ids, *test.query_ids]) == ["1", "2", "3", "4"]
        assert test.notes[0].startswith("split by query: 2 of 3 different queries")
        assert test.notes[1].startswith("0 of the 2 different queries")


def test_a_note_says_how_many_queries_want_known_documents():
    rows = [{"query": f"q{number}", "document": "the one answer"} for number in range(4)]
    [test] = split_rows(rows, BY_QUERY, "test")
    assert "of 2 of 2 queries every relevant document is relevant in train too" in test.notes
    [test] = split_rows([{**row, "document": row["query"]} for row in rows], BY_QUERY, "test")
    assert not any("every relevant document" in note for note in test.notes)


def test_the_share_is_taken_as_it_is_written():
    # 0.55 * 100 is 55.00000000000001 in floats.
    rows = [{"query": f"q{number}", "document": "d"} for number in range(100)]
    [test] = split_rows(rows, {"by": "query", "test": 0.55, "seed": 1}, "test")
    assert test.n == 55


@pytest.mark.parametrize("count", [1, 3])
def test_something_is_left_to_train_with(count):
    rows = [{"query": f"q{number}", "document": "d"} for number in range(count)]
    with pytest.raises(BenchError, match=f"0.9 of {count} different queries is all of them"):
        split_rows(rows, {"by": "query", "test": 0.9, "seed": 1}, "test")
    with pytest.raises(BenchError, match="cannot be divided into 4 folds"):
        split_rows(rows, {"by": "query", "folds": 4, "seed": 1}, "test")


TIMES = [
    ["2024-03-01", "2024-01-01", "2024-02-01", "2024-02-01", "2023-12-31"],
    ["2024-03-01 10:00", "2024-01-01T00:00", "2024-02-01T07:30:00", "2024-02-01 07:30", "2023-12-31T23:59"],
    ["2024-03-01T10:00Z", "2024-01-01T00:00+02:00", "2024-02-01T07:30Z", "2024-02-01T08:30+01:00", "2023-12-31T09:00Z"],
    [1709251200, 1704067200, 1706745600.0, "1706745600", 1703980800],
    ["20240301", "20240101", "20240201", "20240201", "20231231"],
]


@pytest.mark.parametrize("times", TIMES)
def test_the_latest_rows_are_tested_with_all_of_their_instant(times):
    rows = [{"query": f"q{n % 3}", "document": f"d{n}", "at": at} for n, at in enumerate(times)]
    train, test = split_rows(rows, {"by": "time", "test": 0.4, "time": "at"}, "train", "test")
    # Two of five rows; the second latest instant has two rows, so that three are tested.
    assert pairs(test) == {("q0", "d0"), ("q2", "d2"), ("q0", "d3")}
    assert pairs(train) == {("q1", "d1"), ("q1", "d4")}
    assert test.notes == [
        f"split by time: 3 of 5 rows, all from {times[2]} on, are the split test",
        "0 of the 2 different queries (after normalisation) are in train too",
    ]


def test_queries_that_were_asked_before_are_counted():
    rows = [{"query": text, "document": "d", "at": n} for n, text in enumerate(["a", "b", "A", "c", "b ", "d"])]
    [test] = split_rows(rows, {"by": "time", "test": 0.5, "time": "at"}, "test")
    assert test.notes[1] == "1 of the 3 different queries (after normalisation) are in train too"


def test_times_of_parquet(tmp_path):
    for kind in (date, datetime):
        rows = [{"question": f"q{day}", "answer": "a", "at": kind(2024, 1, day)} for day in (3, 1, 2, 4)]
        write_parquet(tmp_path / "all.parquet", rows)
        task = card({"by": "time", "test": 0.5, "time": "at"}, "qa")
        assert read_table(local_files(tmp_path), task, "test").queries == ["q3", "q4"]
    rows = [{"question": f"q{day}", "answer": "a", "at": datetime(2024, 1, day, tzinfo=UTC)} for day in (3, 1)]
    write_parquet(tmp_path / "all.parquet", rows)
    assert read_table(local_files(tmp_path), task, "test").queries == ["q3"]


@pytest.mark.parametrize(
    ("times", "message", "line"),
    [
        (["2024-01-01", None], "`at` is empty", 2),
        (["2024-01-01", " "], "`at` is empty", 2),
        (["2024-01-01", "01/02/2024"], "which is no date, time or number", 2),
        (["2024-01-01", "2024-13-01"], "which is no date, time or number", 2),
        (["2024-01-01", True], "which is no date, time or number", 2),
        (["2024-01-01", ["2024-01-01"]], "which is no date, time or number", 2),
        (["2024-01-01", "2024-01-02T10:00"], "a time without a zone, and in .*line 1 2024-01-01, a date", 2),
        (["2024-01-01T10:00", "2024-01-02T10:00Z"], "a time with a zone, and in .*line 1", 2),
        (["2024-01-01", "1704067200"], "a number, and in .*line 1", 2),
        ([1704067200, 1706745600000], "seconds and milliseconds", 2),
        (["1_0", "2"], "which is no date, time or number", 1),
    ],
)  # fmt: skip
def test_times_that_cannot_be_put_in_order_are_refused(tmp_path, times, message, line):
    rows = [{"query": f"q{n}", "document": "d", "relevance": 1, "at": at} for n, at in enumerate(times)]
    write_jsonl(tmp_path / "all.jsonl", rows)
    with pytest.raises(BenchError, match=message) as caught:
        read_table(local_files(tmp_path), card({"by": "time", "test": 0.3, "time": "at"}), "test")
    assert caught.value.where == f"{tmp_path / 'all.jsonl'}, line {line}"


def test_rows_of_one_instant_cannot_be_divided():
    rows = [{"query": f"q{n}", "document": "d", "at": "2024-01-01"} for n in range(4)]
    with pytest.raises(BenchError, match="4 rows are of one instant, 2024-01-01"):
        split_rows(rows, {"by": "time", "test": 0.3, "time": "at"}, "test")


def test_a_file_without_the_column(tmp_path):
    write_jsonl(tmp_path / "all.jsonl", [{"query": "q", "document": "d", "relevance": 1, "made_at": 1}] * 2)
    with pytest.raises(NotHereError, match="no column `at` to split by"):
        read_table(local_files(tmp_path), card({"by": "time", "test": 0.3, "time": "at"}), "test")


def test_pairs_by_time(tmp_path):
    rows = [{"sentence1": f"a{n}", "sentence2": f"b{n}", "score": n, "at": 10 - n} for n in range(6)]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = card({"by": "time", "test": 0.5, "time": "at"}, "pairs")
    test = read_table(local_files(tmp_path), task, "test")
    assert isinstance(test, PairData)
    assert test.sentences1 == ["a0", "a1", "a2"]
    assert test.notes == ["split by time: 3 of 6 rows, all from 8 on, are the split test"]
    assert read_table(local_files(tmp_path), task, "train").sentences1 == ["a3", "a4", "a5"]


def test_a_task_of_folds_has_no_split_train():
    rows = [{"query": f"q{n}", "document": "d"} for n in range(4)]
    with pytest.raises(NotHereError, match=r"makes no split `train`.*2 folds") as caught:
        split_rows(rows, {"by": "query", "folds": 2, "seed": 1}, "train")
    assert "folds: true" in caught.value.hint
    with pytest.raises(NotHereError, match="makes no split `fold-3`"):
        split_rows(rows, {"by": "query", "folds": 2, "seed": 1}, "fold-3")


def test_other_folds_are_another_task():
    rows = [{"query": f"q{n}", "document": f"d{n}"} for n in range(9)]
    found = [split_rows(rows, {"by": "query", "folds": 3, "seed": seed}, "test")[0] for seed in (1, 1, 2)]
    assert found[0].fingerprint() == found[1].fingerprint() != found[2].fingerprint()


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("{by: query, test: 0.2}", "a split by query needs the key `seed`"),
        ("{by: query, test: 0.2, seed: 1, rows: 5}", "a split by query has no `rows`"),
        ("{by: query, test: 0.2, seed: 1, folds: 5}", "`folds` and `test` exclude each other"),
        ("{by: query, seed: 1, folds: 1}", "greater than or equal to 2"),
        ("{by: time, test: 0.2}", "a split by time needs the key `time`"),
        ("{by: time, test: 0.2, time: at, seed: 1}", "a split by time has no `seed`"),
        ("{seed: 1}", "a split by row needs the key `test`"),
        ("{by: row, folds: 3, seed: 1}", "a split by row has no `folds`"),
        ("{by: rows, test: 0.2, seed: 1}", "`table.split.by`"),
    ],
)
def test_keys_that_do_not_go_together(tmp_path, split, message):
    path = tmp_path / "x.yaml"
    path.write_text(f"name: x\ntype: retrieval\ntable:\n  shape: qa\n  files: {{all: t.csv}}\n  split: {split}\n")
    with pytest.raises(UsageError, match=message) as caught:
        read_card(path)
    assert caught.value.where == f"{path}, line 6"


@pytest.mark.parametrize(
    ("shape", "further", "message"),
    [
        ("pairs", {}, "pairs has no queries"),
        ("qa", {"files": {"all": "a.csv", "test": "t.csv"}}, "`files.test` is one of the splits"),
        ("qa", {"split": {"by": "query", "folds": 3, "seed": 1}, "corpus": ["test"]}, "`corpus` does not go with"),
    ],
)
def test_what_cannot_be_split_by_query(shape, further, message):
    with pytest.raises(ValueError, match=message):
        card(**{"split": BY_QUERY, "shape": shape, **further})
