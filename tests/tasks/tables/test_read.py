from __future__ import annotations

import csv
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import write_beir, write_jsonl, write_parquet

from bench.errors import BenchError
from bench.tasks.beir import read_beir
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.pairs import read_pairs
from bench.tasks.readers.files import local_files
from bench.tasks.tables.read import read_table


def card(shape: str, files: dict | None = None, *, allow_empty: bool = False, **table: object) -> TaskCard:
    kind = "sts" if shape == "pairs" else "retrieval"
    section = {"shape": shape, "files": files or {"test": "test.*"}, **table}
    return TaskCard.model_validate({"name": "x", "type": kind, "allow_empty": allow_empty, "table": section})


def write_csv(path: Path, rows: list[dict], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(folder: Path, task: TaskCard, split: str = "test"):
    return read_table(local_files(folder), task, split)


def labels(data: RetrievalData) -> dict[str, dict[str, int]]:
    """{query text: {document text: gain}}."""
    found: dict[str, dict[str, int]] = {query: {} for query in data.queries}
    for query, document, gain in zip(data.pair_queries, data.pair_documents, data.pair_gains, strict=True):
        found[data.queries[query]][data.documents[document]] = int(gain)
    return found


def test_questions_and_answers(tmp_path):
    rows = [
        {"question": "q1", "answer": " a1 "},
        {"question": "q2", "answer": "a2"},
        {"question": "q1", "answer": "a3"},
    ]
    write_csv(tmp_path / "test.csv", rows)
    data = read(tmp_path, card("qa"))
    assert labels(data) == {"q1": {"a1": 1, "a3": 1}, "q2": {"a2": 1}}
    assert data.documents == ["a1", "a2", "a3"]
    assert len(set(data.query_ids)) == 2
    assert data.notes == []


def test_one_answer_of_two_questions_is_one_document(tmp_path):
    write_csv(tmp_path / "test.csv", [{"question": "q1", "answer": "a"}, {"question": "q2", "answer": "a"}])
    assert read(tmp_path, card("qa")).documents == ["a"]


def test_an_id_makes_records_with_the_same_text_queries_of_their_own(tmp_path):
    rows = [{"id": 7, "question": "q", "answer": "a"}, {"id": 8, "question": "q", "answer": "b"}]
    for path in (write_csv(tmp_path / "test.csv", rows), write_parquet(tmp_path / "p" / "test.parquet", rows)):
        data = read(path.parent, card("qa", columns={"query_id": "id", "document_id": "id"}))
        assert (data.query_ids, data.document_ids) == (["7", "8"], ["7", "8"])
        assert data.pair_queries.tolist() == data.pair_documents.tolist() == [0, 1]


def test_lists_are_several_answers(tmp_path):
    write_jsonl(tmp_path / "test.jsonl", [{"question": "q", "answer": ["a", "b"]}, {"question": "r", "answer": "c"}])
    assert labels(read(tmp_path, card("qa"))) == {"q": {"a": 1, "b": 1}, "r": {"c": 1}}


def test_a_list_of_documents_has_one_label(tmp_path):
    rows = [{"query": "q", "document": ["a", "b"], "relevance": 2}, {"query": "q", "document": "c", "relevance": 0}]
    write_jsonl(tmp_path / "test.jsonl", rows)
    assert labels(read(tmp_path, card("relevance"))) == {"q": {"a": 2, "b": 2}}


@pytest.mark.parametrize("shape", ["qa", "triplets", "relevance"])
def test_a_list_written_as_text_is_said_to_be_one_or_not(tmp_path, shape):
    own = {"qa": ("question", "answer"), "triplets": ("query", "positive"), "relevance": ("query", "document")}[shape]
    row = {own[0]: "q", own[1]: "['a', 'b']", "negative": "n", "relevance": 1}
    write_csv(tmp_path / "test.csv", [row])
    with pytest.raises(BenchError, match=f"`{own[1]}` holds .*one text, or several"):
        read(tmp_path, card(shape))
    assert labels(read(tmp_path, card(shape, lists=True))) == {"q": {"a": 1, "b": 1}}
    assert labels(read(tmp_path, card(shape, lists=False))) == {"q": {"['a', 'b']": 1}}


def test_a_title_stands_before_the_text_as_in_beir(tmp_path):
    rows = [{"question": "q", "answer": "text", "title": "Title"}, {"question": "r", "answer": "bare", "title": ""}]
    write_csv(tmp_path / "test.csv", rows)
    assert read(tmp_path, card("qa", columns={"title": "title"})).documents == ["Title text", "bare"]


def test_triplets_search_positives_and_negatives(tmp_path):
    rows = [
        {"query": "q", "positive": "p1", "negative": ["n1", "n2"]},
        {"query": "q", "positive": "p2", "negative": ["p1"]},
        {"query": "r", "positive": "p1", "negative": []},
    ]
    write_parquet(tmp_path / "test.parquet", rows)
    data = read(tmp_path, card("triplets"))
    # p1 is a positive of q, so its standing among the negatives of another row does not count against it.
    assert labels(data) == {"q": {"p1": 1, "p2": 1}, "r": {"p1": 1}}
    assert sorted(data.documents) == ["n1", "n2", "p1", "p2"]


def test_negatives_may_have_a_column_each(tmp_path):
    rows = [{"anchor": "q", "positive": "p", "negative_1": "n1", "negative_2": "", "negative_3": "n3"}]
    write_csv(tmp_path / "test.csv", rows)
    data = read(tmp_path, card("triplets", columns={"query": ["query", "anchor"], "negative": "negative_*"}))
    assert sorted(data.documents) == ["n1", "n3", "p"]


def relevance_rows(values: list[object]) -> list[dict]:
    return [{"query": f"q{n % 2}", "document": f"d{n}", "relevance": value} for n, value in enumerate(values)]


def test_whole_relevances_are_graded_labels(tmp_path):
    write_csv(tmp_path / "test.csv", relevance_rows([2, 0, "3.0", 1, -1]))
    data = read(tmp_path, card("relevance"))
    assert labels(data) == {"q0": {"d0": 2, "d2": 3}, "q1": {"d3": 1}}
    assert len(data.documents) == 5
    assert data.notes == []


def test_relevances_above_zero_only_are_noted(tmp_path):
    write_csv(tmp_path / "test.csv", relevance_rows([1, 5, 3]))
    assert read(tmp_path, card("relevance")).notes == ["every pair counts as relevant: relevances go from 1 to 5"]


def test_relevant_from_makes_one_grade_and_queries_without_any_score_0_or_are_left_out(tmp_path):
    write_csv(tmp_path / "test.csv", relevance_rows([2.5, 1, 2.49, 2.33, 3]))
    data = read(tmp_path, card("relevance", relevant_from=2.5))
    assert labels(data) == {"q0": {"d0": 1, "d4": 1}, "q1": {}}
    assert len(data.documents) == 5
    assert data.notes == ["1 of 2 queries have no relevant document and score 0"]
    data = read(tmp_path, card("relevance", relevant_from=2.5, unanswered="leave_out"))
    assert labels(data) == {"q0": {"d0": 1, "d4": 1}}
    assert len(data.documents) == 5
    assert data.notes == ["1 of 2 queries have no relevant document and are left out"]


def test_queries_without_a_relevant_document_count_as_in_a_beir_folder(tmp_path):
    rows = [("q0", "d0", 1), ("q1", "d1", 0), ("q1", "d2", -1), ("q2", "d3", 2)]
    texts = {f"d{n}": f"text {n}" for n in range(4)}
    beir = write_beir(tmp_path / "beir", texts, {f"q{n}": f"question {n}" for n in range(3)}, rows)
    table = [
        {"qid": q, "query": f"question {q[1:]}", "did": d, "document": texts[d], "relevance": label}
        for q, d, label in rows
    ]
    write_jsonl(tmp_path / "test.jsonl", table)
    data = read(tmp_path, card("relevance", columns={"query_id": "qid", "document_id": "did"}))
    expected = read_beir(beir, "test")
    assert data.fingerprint() == expected.fingerprint()
    assert data.notes == expected.notes == ["1 of 3 queries have no relevant document and score 0"]
    assert data.irrelevant == expected.irrelevant == 2


def test_training_pairs_exceed_train_above_and_bring_their_documents_alone(tmp_path):
    write_csv(tmp_path / "train.csv", relevance_rows([2.5, 1, 2.6, 3]))
    task = card("relevance", {"train": "train.csv"}, relevant_from=2.5, train_above=2.5)
    data = read(tmp_path, task, "train")
    assert labels(data) == {"q0": {"d2": 1}, "q1": {"d3": 1}}
    assert data.documents == ["d2", "d3"]


def test_a_corpus_of_two_splits(tmp_path):
    write_csv(tmp_path / "train.csv", [{"question": "old", "answer": "a"}])
    write_csv(tmp_path / "test.csv", [{"question": "new", "answer": "b"}])
    task = card("qa", {"train": "train.csv", "test": "test.csv"}, corpus=["train", "test"])
    assert (read(tmp_path, task).queries, read(tmp_path, task).documents) == (["new"], ["a", "b"])
    assert (read(tmp_path, task, "train").queries, read(tmp_path, task, "train").documents) == (["old"], ["a"])


def test_pairs_are_the_same_data_as_a_file_of_pairs(tmp_path):
    rows = [{"sentence1": f"a{n}", "sentence2": f"b{n}", "score": n / 3} for n in range(4)]
    expected = read_pairs(write_csv(tmp_path / "test.csv", rows))
    renamed = [{"s": row["sentence1"], "t": row["sentence2"], "label": row["score"]} for row in rows]
    write_parquet(tmp_path / "t" / "test.parquet", renamed)
    data = read(tmp_path / "t", card("pairs", columns={"sentence1": "s", "sentence2": "t", "score": "label"}))
    assert isinstance(data, PairData)
    assert data.fingerprint() == expected.fingerprint()


def test_a_second_file_brings_the_missing_columns(tmp_path):
    write_csv(
        tmp_path / "test.csv", [{"uid": 1, "query": "q", "relevance": 1}, {"uid": 2, "query": "r", "relevance": 1}]
    )
    texts = [{"uid": 2, "document": "two é", "unused": 1}, {"uid": 1, "document": "one", "unused": 1}]
    write_csv(tmp_path / "texts.csv", texts, "latin-1")
    join = {"files": "texts.csv", "on": ["id", "uid"], "encoding": "latin-1"}
    task = card("relevance", join=join, columns={"document_id": "uid"})
    assert labels(read(tmp_path, task)) == {"q": {"one": 1}, "r": {"two é": 1}}
    write_csv(tmp_path / "texts.csv", texts[:1], "latin-1")
    with pytest.raises(BenchError, match=r"1 of 2 judged documents are not in texts.csv: `1`") as caught:
        read(tmp_path, task)
    assert caught.value.where == f"{tmp_path}/test.csv"
    write_csv(tmp_path / "texts.csv", [*texts, {"uid": 1, "document": "another", "unused": 1}], "latin-1")
    with pytest.raises(BenchError, match="duplicate uid `1` with different cells"):
        read(tmp_path, task)
    (tmp_path / "texts.csv").unlink()
    with pytest.raises(NotHereError, match=r"no column `document` for document, and no file texts.csv"):
        read(tmp_path, task)


@pytest.mark.parametrize(("rule", "text"), [("first", "old"), ("last", "new")])
def test_a_document_with_two_texts(tmp_path, rule, text):
    rows = [{"question": q, "answer": a, "id": 5.0} for q, a in (("q", "old"), ("r", "new"))]
    write_jsonl(tmp_path / "test.jsonl", rows)
    columns = {"document_id": "id"}
    assert read(tmp_path, card("qa", columns=columns, same_document=rule)).documents == [text]
    with pytest.raises(BenchError, match=r"`5` has another text than in .*test.jsonl, line 1") as caught:
        read(tmp_path, card("qa", columns=columns))
    assert caught.value.where.endswith("test.jsonl, line 2")


@pytest.mark.parametrize(
    ("shape", "rows", "message", "place"),
    [
        ("qa", [{"question": "q", "answer": "a"}, {"question": "q", "answer": " "}], "`answer` is empty", 2),
        ("qa", [{"question": "q", "answer": "a"}, {"answer": "a"}], "`question` is null or not there", 2),
        ("qa", [{"question": float("nan"), "answer": "a"}], "`question` is empty", 1),
        ("qa", [{"question": "q", "answer": []}], "`answer` is empty", 1),
        ("qa", [{"question": "q", "answer": ["a", None]}], "`answer` is null or not there", 1),
        ("qa", [{"question": 5, "answer": "a"}], "`question` holds '5', of type int, where a text belongs", 1),
        ("qa", [{"question": ["q"], "answer": "a"}], "a list, where a text belongs", 1),
        ("relevance", [{"query": "q", "document": ["d", 3], "relevance": 1}], "of type int, where a text belongs", 1),
        ("relevance", [{"query": "q", "document": "d", "relevance": "high"}], "'high' is not a number", 1),
        ("relevance", [{"query": "q", "document": "d", "relevance": None}], "no row has a label", 1),
        ("relevance", [{"query": "q", "document": "d", "relevance": "y"}], "'y' is not a number", 1),
        ("relevance", [{"query": "q", "document": "d", "relevance": 2.5}], "2.5 is not a whole number", 1),
        ("relevance", [{"query": "q", "document": "d", "relevance": 0}], "no document is relevant", None),
        (
            "relevance",
            [{"query": "q", "document": "d", "relevance": 1}, {"query": "q", "document": "d", "relevance": 2}],
            "another label than in .*line 1",
            2,
        ),
        ("pairs", [{"sentence1": "a", "sentence2": "b", "score": "x"}], "'x' is not a number", 1),
        ("pairs", [{"sentence1": "a", "sentence2": "b", "score": 1}], "needs at least 2", None),
    ],
)
def test_cells_that_hold_something_else_say_where(tmp_path, shape, rows, message, place):
    path = write_jsonl(tmp_path / "test.jsonl", rows)
    with pytest.raises(BenchError, match=message) as caught:
        read(tmp_path, card(shape))
    assert caught.value.where == (f"{path}, line {place}" if place else str(path))


@pytest.mark.parametrize("value", ["", None, 1.5, True, ["x"]])
def test_ids_are_texts_or_whole_numbers(tmp_path, value):
    write_jsonl(tmp_path / "test.jsonl", [{"question": "q", "answer": "a", "id": value}])
    with pytest.raises(BenchError, match="`id` "):
        read(tmp_path, card("qa", columns={"query_id": "id"}))


def test_one_query_id_has_one_text(tmp_path):
    write_csv(tmp_path / "test.csv", [{"question": q, "answer": "a", "id": 1} for q in "qr"])
    with pytest.raises(BenchError, match=r"query id `1` has another text than in .*line 2"):
        read(tmp_path, card("qa", columns={"query_id": "id"}))


def test_empty_texts_where_the_card_allows_them(tmp_path):
    write_csv(tmp_path / "test.csv", [{"question": "q", "answer": ""}, {"question": "r", "answer": "a"}])
    assert read(tmp_path, card("qa", allow_empty=True)).documents == ["", "a"]


def test_a_missing_column_names_those_that_are_there(tmp_path):
    write_csv(tmp_path / "test.csv", [{"Question": "q", "answer": "a"}])
    with pytest.raises(NotHereError, match="no column `question` for question") as caught:
        read(tmp_path, card("qa"))
    assert "did you mean `Question`? columns found: Question, answer" in caught.value.hint


def test_missing_files_are_another_places_chance(tmp_path):
    with pytest.raises(NotHereError, match="no rows for the split `test`"):
        read(tmp_path, card("qa"))
    with pytest.raises(NotHereError, match="no split `train`"):
        read(tmp_path, card("qa"), "train")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=20, unique=True), st.randoms())
def test_the_order_of_rows_and_the_format_change_nothing(pairs, rng: random.Random):
    rows = [{"question": f"q{query}", "answer": f"a{answer}"} for query, answer in pairs]
    shuffled = rng.sample(rows, len(rows))
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "csv" / "test.csv", rows)
        write_parquet(Path(folder) / "parquet" / "test.parquet", shuffled, group=3)
        found = {read(Path(folder) / name, card("qa")).fingerprint() for name in ("csv", "parquet")}
    assert len(found) == 1


# --- parts by seed ---


def test_rows_are_divided_as_datasets_divides_them(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = [{"question": f"q{n}", "answer": f"a{n}"} for n in range(53)]
    write_csv(tmp_path / "test.csv", rows)
    parts = datasets.Dataset.from_list(rows).shuffle(seed=7).select(range(31)).train_test_split(0.3, seed=7)
    task = card("qa", {"all": "test.csv"}, split={"rows": 31, "test": 0.3, "seed": 7})
    assert read(tmp_path, task).queries == parts["test"]["question"]
    assert read(tmp_path, task, "train").queries == parts["train"]["question"]
    whole = datasets.Dataset.from_list(rows).train_test_split(0.3, seed=7)
    task = card("qa", {"all": "test.csv"}, split={"test": 0.3, "seed": 7})
    assert read(tmp_path, task).queries == whole["test"]["question"]


def test_pairs_are_divided_too(tmp_path):
    rows = [{"sentence1": f"a{n}", "sentence2": "b", "score": n} for n in range(10)]
    write_csv(tmp_path / "test.csv", rows)
    task = card("pairs", {"all": "test.csv"}, split={"test": 0.35, "seed": 1})
    order = np.random.default_rng(1).permutation(10)
    assert read(tmp_path, task).gold.tolist() == order[:4].tolist()
    assert read(tmp_path, task, "train").gold.tolist() == order[4:].tolist()


def test_distractors_are_the_first_ids_of_rows_left_out(tmp_path):
    # Products 0 to 29 stand in one row each, and 0 to 9 in a second.
    uids = [*range(30), *range(10)]
    rows = [{"query": f"q{n}", "document": f"d{uid}", "uid": uid, "relevance": 1} for n, uid in enumerate(uids)]
    write_csv(tmp_path / "test.csv", rows)
    split = {"rows": 20, "test": 0.25, "seed": 5}
    order = np.random.default_rng(5).permutation(40)
    inner = np.random.default_rng(5).permutation(20)
    tests = [uids[row] for row in order[:20][inner[:5]]]
    drawn = {uids[row] for row in order[:20]}
    expected = sorted(uid for uid in range(9, 30) if uid not in drawn)[:3]
    task = card(
        "relevance",
        {"all": "test.csv"},
        split=split,
        columns={"document_id": "uid"},
        distractors={"count": 3, "first_id": 9},
    )
    data = read(tmp_path, task)
    assert data.document_ids == [*map(str, dict.fromkeys(tests)), *map(str, expected)]
    too_many = task.model_copy(
        update={
            "table": task.table.model_copy(
                update={"distractors": task.table.distractors.model_copy(update={"count": 30})}
            )
        }
    )
    with pytest.raises(BenchError, match="30 are wanted"):
        read(tmp_path, too_many)


def test_a_table_with_too_few_rows_is_not_the_task(tmp_path):
    write_csv(tmp_path / "test.csv", [{"question": "q", "answer": "a"}] * 3)
    task = card("qa", {"all": "test.csv"}, split={"rows": 4, "test": 0.5, "seed": 1})
    with pytest.raises(BenchError, match="3 rows, but the split draws 4"):
        read(tmp_path, task)


def triplets(folder: Path, files: int = 3, queries: int = 40) -> Path:
    """Four rows a query, row groups of ten rows."""
    for file in range(files):
        rows = [
            {"query": f"q{file}-{n // 4}", "positive": f"p{file}-{n // 4}", "negative": f"n{file}-{n}"}
            for n in range(4 * queries)
        ]
        write_parquet(folder / f"train-{file}.parquet", rows, group=10)
    return folder


def test_a_sample_reads_no_more_than_it_needs_and_parts_share_no_query(tmp_path):
    triplets(tmp_path)
    task = card("triplets", {"all": "train-*.parquet"}, sample={"test": 5, "train": 12, "seed": 3})
    opened = []

    def find(patterns: list[str]):
        found = local_files(tmp_path)(patterns)
        for file in found:
            actual = file.open
            object.__setattr__(file, "open", lambda name=file.name, actual=actual: opened.append(name) or actual())
        return found

    test = read_table(find, task, "test")
    # The first file of the drawn order has more than five queries.
    assert opened == [f"train-{np.random.default_rng(3).permutation(3)[0]}.parquet"]
    train = read(tmp_path, task, "train")
    assert (len(test.queries), len(train.queries)) == (5, 12)
    assert set(test.queries).isdisjoint(train.queries)
    assert read(tmp_path, task).fingerprint() == test.fingerprint()
    other = card("triplets", {"all": "train-*.parquet"}, sample={"test": 5, "train": 12, "seed": 4})
    assert read(tmp_path, other).fingerprint() != test.fingerprint()


def test_a_sample_of_all_is_the_whole(tmp_path):
    triplets(tmp_path, files=2, queries=6)
    sample = card("triplets", {"all": "train-*.parquet"}, sample={"test": 99, "seed": 0})
    whole = card("triplets", {"test": "train-*.parquet"})
    assert read(tmp_path, sample).fingerprint() == read(tmp_path, whole).fingerprint()
    with pytest.raises(NotHereError, match="no rows for the split `train`"):
        read(tmp_path, sample, "train")
