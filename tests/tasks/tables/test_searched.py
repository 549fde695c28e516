"""A table about the documents of a second file, every one of which is searched."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import write_jsonl, write_parquet

from bench.errors import BenchError
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.layouts import read_data
from bench.tasks.readers.labels import Judgement
from bench.tasks.readers.rows import Row
from bench.tasks.tables.repeated import label_of, merge_repeated

ARTICLES = [{"id": n, "title": f"T{n}", "body": f"article {n}", "views": n * 10} for n in range(1, 6)]
CLICKS = [{"q": q, "clicked": n} for q, n in [("a", 1), ("a", 1), ("b", 2), ("A", 2), ("a", 1), ("a", 3), ("a", 1)]]
JOIN = {"files": "articles.jsonl", "on": {"clicked": "id"}, "searched": "all"}
COLUMNS = {"question": "q", "answer": "body", "title": "title"}


def card(shape: str = "qa", *, strict: bool = False, strip_html: bool = False, **table: object) -> TaskCard:
    section = {"shape": shape, "files": {"test": "clicks.jsonl"}, "columns": COLUMNS, "join": JOIN, **table}
    return TaskCard.model_validate(
        {"name": "x", "type": "retrieval", "strict": strict, "strip_html": strip_html, "table": section}
    )


def read(folder: Path, task: TaskCard, articles: list = ARTICLES, clicks: list = CLICKS) -> RetrievalData:
    write_jsonl(folder / "articles.jsonl", articles)
    write_jsonl(folder / "clicks.jsonl", clicks)
    data = read_data(task, folder, "test", "default")
    assert isinstance(data, RetrievalData)
    return data


def gains(data: RetrievalData) -> dict[tuple[str, str], int]:
    return {
        (data.queries[q], data.document_ids[d]): int(gain)
        for q, d, gain in zip(data.pair_queries, data.pair_documents, data.pair_gains, strict=True)
    }


def test_every_article_is_searched_and_clicks_are_counted(tmp_path):
    data = read(tmp_path, card(repeated="log2"))
    assert data.document_ids == ["1", "2", "3", "4", "5"]
    assert data.documents[3] == "T4 article 4"
    assert gains(data) == {("a", "1"): 3, ("b", "2"): 1, ("A", "2"): 1, ("a", "3"): 1}
    assert data.notes == [
        "7 clicks: 4 query-document pairs of 3 queries; 3 repeated clicks merged (label 1 + floor(log2 n))"
    ]


@pytest.mark.parametrize(("rule", "label"), [("count", 4), ("once", 1), (None, 1)])
def test_the_rule_says_what_repeated_clicks_count(tmp_path, rule, label):
    data = read(tmp_path, card(repeated=rule))
    assert gains(data)["a", "1"] == label
    assert data.n == 3


def test_an_article_that_nobody_clicked_belongs_to_the_task(tmp_path):
    before = read(tmp_path, card()).fingerprint()
    assert read(tmp_path, card(), articles=ARTICLES[::-1]).fingerprint() == before
    changed = [*ARTICLES[:4], {**ARTICLES[4], "body": "another text"}]
    assert read(tmp_path, card(), articles=changed).fingerprint() != before
    assert read(tmp_path, card(), articles=ARTICLES[:4]).fingerprint() != before
    seen = [*ARTICLES[:4], {**ARTICLES[4], "views": 7}]
    assert read(tmp_path, card(), articles=seen).fingerprint() == before


def test_columns_of_the_same_name_do_not_mix(tmp_path):
    clicks = [
        {"id": 900 + n, "title": "x", "body": row["q"], "clicked": row["clicked"]} for n, row in enumerate(CLICKS)
    ]
    task = card(columns={**COLUMNS, "question": "body"})
    assert read(tmp_path, task, clicks=clicks).fingerprint() == read(tmp_path, card()).fingerprint()


def test_a_click_on_an_article_that_is_gone_is_named(tmp_path):
    articles = [{**ARTICLES[0], "id": n, "body": f"article {n}"} for n in range(40)]
    clicks = [{"q": f"q{n}", "clicked": n} for n in range(40)] + [{"q": "q1", "clicked": 99}]
    data = read(tmp_path, card(), articles, clicks)
    (note,) = data.notes
    assert note.startswith("1 of 41 judged documents are not in articles.jsonl (`99`): they are never found")
    assert (data.lacking_queries.tolist(), data.lacking_gains.tolist()) == ([1], [1])
    with pytest.raises(BenchError, match=r"1 of 41 judged documents are not in articles.jsonl: `99`"):
        read(tmp_path, card(strict=True), articles, clicks)
    with pytest.raises(BenchError, match="1 of 5 judged documents"):
        read(tmp_path, card(), clicks=[*CLICKS, {"q": "c", "clicked": 4}, {"q": "c", "clicked": "4.0"}])


def test_searches_without_a_click_are_counted(tmp_path):
    data = read(tmp_path, card(repeated="count"), clicks=[*CLICKS, {"q": "a"}, {"q": "z", "clicked": " "}])
    assert data.queries == ["a", "b", "A"]
    assert "2 of 9 rows name no document" in data.notes[1]


def test_an_article_id_with_two_texts_is_refused_with_both_places(tmp_path):
    twice = [*ARTICLES, {**ARTICLES[1], "body": "else"}]
    with pytest.raises(BenchError, match=r"id `2` has another text than in .*articles.jsonl, line 2") as caught:
        read(tmp_path, card(), articles=twice)
    assert caught.value.where == f"{tmp_path}/articles.jsonl, line 6"
    data = read(tmp_path, card(), articles=[*ARTICLES, ARTICLES[1]])
    assert data.notes == ["1 of 5 document ids are repeated: each is one document"]
    assert len(data.documents) == 5


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(7.0, 7, True), (7, "7", True), ("007", "7", False), ("007", "007", True), ("7.0", 7, False), (" 7", "7", False)],
)
def test_ids_are_compared_by_the_rule_of_all_layouts(tmp_path, left, right, same):
    write_parquet(tmp_path / "clicks.parquet", [{"q": "a", "clicked": left}])
    articles = [{"id": right, "body": "x", "title": "t"}]
    write_parquet(tmp_path / "articles.parquet", articles)
    task = card(files={"test": "clicks.parquet"}, join={**JOIN, "files": "articles.parquet"})
    if same:
        assert read_data(task, tmp_path, "test", "default").document_ids == [str(right)]
    else:
        with pytest.raises(BenchError, match="1 of 1 judged documents are not in"):
            read_data(task, tmp_path, "test", "default")


def test_a_column_of_counts_is_added_up(tmp_path):
    rows = [{"q": "a", "clicked": 1, "n": 3}, {"q": "a", "clicked": 1, "n": "2"}, {"q": "a", "clicked": 2, "n": 0}]
    columns = {"query": "q", "document": "body", "relevance": "n"}
    data = read(tmp_path, card("relevance", columns=columns, repeated="count"), clicks=rows)
    assert gains(data) == {("a", "1"): 5}
    assert data.irrelevant == 1
    assert data.notes == ["3 rows that count 5 clicks: 2 query-document pairs of 1 queries (label n, n their sum)"]
    data = read(tmp_path, card("relevance", columns=columns, repeated="count"), clicks=[*rows, {**rows[0], "n": None}])
    assert data.notes[1] == "1 of 4 rows have no label, the first in line 4: they judge nothing"
    for wrong in (-1, 0.5):
        with pytest.raises(BenchError, match=f"the label {wrong} is no count") as caught:
            read(
                tmp_path, card("relevance", columns=columns, repeated="count"), clicks=[*rows, {**rows[0], "n": wrong}]
            )
        assert caught.value.where == f"{tmp_path}/clicks.jsonl, line 4"
    with pytest.raises(BenchError, match="another label than in"):
        read(tmp_path, card("relevance", columns=columns), clicks=rows)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=40),
    st.sampled_from(["log2", "count", "once"]),
)
def test_labels_follow_from_how_often_a_pair_is_there(pairs, rule):
    rows = [Judgement(query, document, 1, Row({}, "f", f"line {n}")) for n, (query, document) in enumerate(pairs)]
    merged, note = merge_repeated(rows, rule, None, counted=False, what="clicks")
    expected = {
        pair: {"log2": 1 + math.floor(math.log2(n)), "count": n, "once": 1}[rule] for pair, n in Counter(pairs).items()
    }
    assert {(row.query, row.document): row.label for row in merged} == expected
    assert len(merged) == len(expected)
    assert note.startswith(
        f"{len(pairs)} clicks: {len(expected)} query-document pairs of {len({q for q, _ in pairs})} "
    )


def test_no_click_is_no_label():
    assert [label_of(n, "log2") for n in (0, 1, 2, 3, 4, 7, 8)] == [0, 1, 2, 2, 3, 3, 4]
    assert [label_of(0, rule) for rule in ("count", "once")] == [0, 0]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(NotHereError, match="no column `clicked` to join by"):
        read(tmp_path, card(), clicks=[{"q": "a", "article": 1}])
    with pytest.raises(NotHereError, match="no column `body` for answer") as caught:
        read(tmp_path, card(), articles=[{"id": 1, "title": "a"}])
    assert caught.value.where == f"{tmp_path}/articles.jsonl"
    read(tmp_path, card())
    (tmp_path / "articles.jsonl").unlink()
    with pytest.raises(NotHereError, match=r"no file articles.jsonl with the documents"):
        read_data(card(), tmp_path, "test", "default")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"shape": "pairs", "repeated": "log2", "join": None, "columns": {}}, "`repeated` belongs to the shapes"),
        ({"shape": "triplets", "columns": {}}, "`join.searched: all` belongs to the shapes"),
        ({"columns": {"document_id": "id"}}, "leave `document_id` out"),
        ({"corpus": ["test"]}, "leave `corpus` and `distractors` out"),
        ({"join": {**JOIN, "on": {}}}, "on"),
        ({"join": {**JOIN, "on": [1]}}, "on"),
    ],
)
def test_what_does_not_go_together(table, message):
    with pytest.raises(ValueError, match=message):
        TaskCard.model_validate(
            {
                "name": "x",
                "type": "sts" if table.get("shape") == "pairs" else "retrieval",
                "table": {"shape": "qa", "files": {"test": "t"}, "join": JOIN, **table},
            }
        )


@pytest.mark.parametrize(
    "division", [{"split": {"test": 0.4, "seed": 1}}, {"sample": {"test": 1, "train": 2, "seed": 1}}]
)
def test_divided_clicks_are_searched_among_all_articles(tmp_path, division):
    task = card(files={"all": "clicks.jsonl"}, repeated="count", **division)
    data = read(tmp_path, task)
    train = read_data(task, tmp_path, "train", "default")
    assert data.document_ids == ["1", "2", "3", "4", "5"]
    assert set(train.document_ids) <= {"1", "2", "3"}
    if "split" in division:
        assert sum(data.pair_gains) + sum(train.pair_gains) == len(CLICKS)


def test_names_that_differ_join_columns_of_the_same_rows_too(tmp_path):
    task = card(join={**JOIN, "searched": "named"}, columns={**COLUMNS, "document_id": "id"})
    data = read(tmp_path, task)
    assert data.document_ids == ["1", "2", "3"]
    assert gains(data) == {("a", "1"): 1, ("b", "2"): 1, ("A", "2"): 1, ("a", "3"): 1}


def test_markup_is_left_out_before_texts_are_compared(tmp_path):
    articles = [{**row, "body": f"<p>{row['body']}</p>", "title": f"<b>{row['title']}</b>"} for row in ARTICLES]
    clicks = [{"q": q, "clicked": 1} for q in ("a &amp; b", "a & b", "<i>a</i> &amp;  b")]
    data = read(tmp_path, card(repeated="count", strip_html=True), articles, clicks)
    assert data.documents == [f"{row['title']} {row['body']}" for row in ARTICLES]
    assert gains(data) == {("a & b", "1"): 3}
    with pytest.raises(BenchError, match="`body` holds markup alone") as caught:
        read(tmp_path, card(strip_html=True), [*ARTICLES, {"id": 6, "title": "t", "body": "<img src='x'>"}], clicks)
    assert caught.value.where == f"{tmp_path}/articles.jsonl, line 6"
