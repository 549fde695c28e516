"""`bench tasks add ARTICLES --queries CLICKS`: columns of two files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from written_tasks import Dialect, write_table

from bench.cli import run_cli
from bench.tasks.catalog import read_card

ARTICLES = [{"id": n, "title": f"T{n}", "body": f"article {n}", "views": n, "votes": n % 3} for n in range(1, 31)]
CLICKS = [{"query": f"q{n % 20}", "article": n % 25 + 1, "device": "phone"} for n in range(1, 41)]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def add(*options: str, articles: list = ARTICLES, clicks: list = CLICKS, kinds=("csv", "csv"), status: int = 0) -> dict:
    """The card that is written."""
    first = write_table(Path(f"articles.{kinds[0]}"), articles)
    second = write_table(Path(f"clicks.{kinds[1]}"), clicks)
    Path("tasks/mine.yaml").unlink(missing_ok=True)
    assert run_cli(["tasks", "add", str(first), "--queries", str(second), "--name", "mine", *options]) == status
    path = Path("tasks/mine.yaml")
    assert path.exists() == (status == 0)
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def loaded():
    (unit,) = read_card(Path("tasks/mine.yaml")).units()
    return unit.data


def test_the_columns_of_both_files_are_printed(capsys):
    card = add("--on", "article=id")
    assert card["table"] == {
        "shape": "qa",
        "files": {"test": "clicks.csv"},
        "columns": {"question": "query", "answer": "body", "title": "title"},
        "join": {"files": "articles.csv", "on": {"article": "id"}, "searched": "all"},
        "repeated": "log2",
    }
    assert capsys.readouterr().out.splitlines()[1:11] == [
        "articles.csv (delimiter comma, utf-8)",
        "  document_id: column id",
        "  answer: column body",
        "  title: column title",
        "  not used: column views (number)",
        "  not used: column votes (number)",
        "clicks.csv (delimiter comma, utf-8)",
        "  question: column query",
        "  document_id: column article = id of articles.csv, 25 of 25 different values found",
        "  not used: column device (text)",
    ]
    assert loaded().document_ids == [str(n) for n in range(1, 31)]


@pytest.mark.parametrize("query", ["search", "Search Term", "q", "question", "keywords", "Search-Query"])
@pytest.mark.parametrize("texts", [("title", "text"), ("headline", "article body"), (None, "html"), ("Title", None)])
def test_usual_names_are_recognised(query, texts):
    articles = [
        {"id": row["id"]} | {name: row[role] for name, role in zip(texts, ("title", "body"), strict=True) if name}
        for row in ARTICLES
    ]
    clicks = [{query: row["query"], "article": row["article"]} for row in CLICKS]
    columns = add("--on", "article=id", articles=articles, clicks=clicks)["table"]["columns"]
    title, text = texts
    assert columns == {"question": query, "answer": text or title} | ({"title": title} if title and text else {})


def test_every_role_can_be_named():
    articles = [{"nr": row["id"], "a": row["body"], "b": row["title"], "body": "x"} for row in ARTICLES]
    clicks = [{"nr": row["article"], "x": row["query"], "query": "y", "z": 1} for row in CLICKS]
    named = "--query-column x --document-column a --title-column b --label-column z --repeated count --on nr".split()
    table = add(*named, articles=articles, clicks=clicks)["table"]
    assert table["columns"] == {"query": "x", "relevance": "z", "document": "a", "title": "b"}
    assert (table["shape"], table["join"]["on"], table["repeated"]) == ("relevance", "nr", "count")
    assert loaded().documents[0] == "T1 article 1"


def test_the_only_columns_that_overlap_are_taken(capsys):
    clicks = [{**row, "article": 1000 + row["article"]} for row in CLICKS]
    articles = [{**row, "id": 1000 + row["id"]} for row in ARTICLES]
    assert add(articles=articles, clicks=clicks)["table"]["join"]["on"] == {"article": "id"}
    assert "article = id of articles.csv, 25 of 25 different values found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "options", "words"),
    [
        ({"shelf": 7}, [], ['--on "article=id" (25 of 25 different values found)', '--on "shelf=id" (1 of 1']),
        ({}, ["--on", "artcle=id"], ["no column `artcle` in clicks.csv", '--on "article=id" (25 of 25']),
        ({}, ["--on", "article=nr"], ["no column `nr` in articles.csv", '--on "article=id" (25 of 25']),
        ({}, ["--on", "id"], ["no column `id` in clicks.csv", '--on "article=id"']),
        ({}, ["--on", "query=title"], ["20 of 20 values of `query` are not in `title`", '--on "article=id"']),
        ({}, ["--on", "article=votes"], ["of 25 values of `article` are not in `votes`", '--on "article=id"']),
    ],
)
def test_a_wrong_or_missing_key_names_the_columns_that_overlap(extra, options, words, capsys):
    clicks = [{**row, **extra} for row in CLICKS]
    articles = [{name: value for name, value in row.items() if name != "views"} for row in ARTICLES]
    add(*options, articles=articles, clicks=clicks, status=2)
    said = " ".join(capsys.readouterr().err.split())
    assert all(word in said for word in words), said


@pytest.mark.parametrize(("left", "right"), [("7.0", "7"), ("007", "7"), ("A7", "a7")])
def test_ids_that_are_written_differently_are_pointed_out(left, right, capsys):
    articles = [{"id": right, "body": "x"}, {"id": "k8", "body": "y"}]
    add("--on", "a=id", articles=articles, clicks=[{"query": "q", "a": left}], status=2)
    said = " ".join(capsys.readouterr().err.split())
    assert f"`a` has `{left}` where `id` has `{right}`" in said


def test_a_position_is_not_taken_for_an_article():
    clicks = [{"query": row["query"], "position": n % 9 + 1} for n, row in enumerate(CLICKS)]
    add(clicks=clicks, status=2)
    assert add("--on", "position=id", clicks=clicks)


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [("clicks", (3, 1), "log2"), ("Count", (9, 2), "log2"), ("rating", (3, 0), None), ("grade", (2, 1), None)],
)
def test_counts_are_added_up_and_grades_are_not(column, values, rule, capsys):
    clicks = [{"query": f"q{n}", "article": n, column: values[n % 2]} for n in range(1, 31)]
    table = add("--on", "article=id", clicks=clicks)["table"]
    assert (table["columns"]["relevance"], table.get("repeated")) == (column, rule)
    assert ("n their sum" in capsys.readouterr().out) == (rule is not None)
    assert set(loaded().pair_gains.tolist()) == {n.bit_length() if rule else n for n in values} - {0}


def test_a_least_number_of_clicks():
    clicks = [{"query": f"q{n % 4}", "article": n % 4 + 1, "clicks": 1} for n in range(9)]
    table = add("--on", "article=id", "--relevant-from", "3", clicks=clicks)["table"]
    assert (table["repeated"], table["relevant_from"]) == ("count", 3)
    data = loaded()
    assert [(data.queries[q], gain) for q, gain in zip(data.pair_queries, data.pair_gains, strict=True)] == [("q0", 1)]
    assert data.n == 4


def test_a_column_of_the_clicks_that_looks_like_labels_is_asked_about(capsys):
    clicks = [{**row, "solved": row["article"] % 2} for row in CLICKS]
    add("--on", "article=id", clicks=clicks, status=2)
    assert "the column `solved` looks like labels (0, 1)" in capsys.readouterr().err
    add("--on", "article=id", "--ignore-column", "solved", clicks=clicks)
    assert "not used: column solved (number)" in capsys.readouterr().out
    add("--on", "article=id", "--ignore-column", "solvd", clicks=clicks, status=2)
    assert "did you mean `solved`" in capsys.readouterr().err
    add("--on", "article=id", clicks=[{**row, "position": row["article"] % 5} for row in CLICKS])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--shape", "pairs"], "articles and clicks have no shape pairs"),
        (["--sentence1-column", "query"], "--sentence1-column: articles and clicks have no such column"),
        (["--document-id-column", "views"], "an article's id is `id`, by --on"),
        (["--query-column", "body"], "no column `body`"),
        (["--title-column", "query"], "no column `query`"),
        (["--repeated", "log3"], "log3"),
        (["--queries", "nowhere.csv"], "--queries: no such file"),
        (["--queries", "articles.csv"], "--queries is the file of the articles"),
    ],
)
def test_what_cannot_be(options, words, capsys):
    add("--on", "article=id", *options, status=2)
    assert words in " ".join(capsys.readouterr().err.split())


def test_an_option_for_two_files_needs_both(capsys):
    write_table(Path("a.csv"), CLICKS)
    assert run_cli(["tasks", "add", "a.csv", "--name", "x", "--on", "article=id"]) == 2
    assert "--queries is missing" in capsys.readouterr().err


def test_repeated_rows_of_one_table():
    rows = [{"question": "q", "answer": answer} for answer in "aaab"]
    write_table(Path("t.csv"), rows)
    assert run_cli(["tasks", "add", "t.csv", "--name", "x", "--repeated", "count"]) == 0
    (unit,) = read_card(Path("tasks/x.yaml")).units()
    assert unit.data.pair_gains.tolist() == [3, 1]
    assert unit.info.notes == ["4 rows: 2 query-document pairs of 1 queries; 2 repeated rows merged (label n)"]


def test_files_of_different_kinds_in_different_folders():
    dialect = Dialect(delimiter=";", encoding="cp1252")
    write_table(Path("data/a b/articles.csv"), [{**row, "title": f"Té{row['id']}"} for row in ARTICLES], dialect)
    write_table(Path("data/log/clicks.jsonl.gz"), [{**row, "query": f"é{row['query']}"} for row in CLICKS])
    options = ["--on", "article=id", "--name", "mine", "--encoding", "cp1252"]
    assert run_cli(["tasks", "add", "data/a b/articles.csv", "--queries", "data/log/clicks.jsonl.gz", *options]) == 0
    card = yaml.safe_load(Path("tasks/mine.yaml").read_text())
    assert card["path"] == "../data"
    assert card["table"]["files"] == {"test": "log/clicks.jsonl.gz"}
    assert card["table"]["join"]["files"] == "a b/articles.csv"
    data = loaded()
    assert (data.documents[0], data.queries[0]) == ("Té1 article 1", "éq1")


def test_articles_in_parts():
    for part in range(2):
        write_table(Path(f"articles-0000{part}-of-00002.parquet"), ARTICLES[part * 15 : part * 15 + 15])
    write_table(Path("clicks.csv"), CLICKS)
    arguments = ["--queries", "clicks.csv", "--on", "article=id", "--name", "mine"]
    assert run_cli(["tasks", "add", "articles-00000-of-00002.parquet", *arguments]) == 0
    assert len(loaded().documents) == 30


def test_articles_with_one_id_twice(capsys):
    add("--on", "article=id", articles=[*ARTICLES, {**ARTICLES[2], "body": "else"}], status=1)
    said = " ".join(capsys.readouterr().err.split())
    assert "articles.csv, line 32: the document id `3` has another text than in" in said
    assert "articles.csv, line 4" in said


def test_markup_in_any_layout_is_warned_about_and_left_out(capsys):
    write_table(Path("t.csv"), [{"question": "a &amp; b", "answer": "<p>x</p>"}, {"question": "c", "answer": "y"}])
    assert run_cli(["tasks", "add", "t.csv", "--name", "x"]) == 0
    said = capsys.readouterr().out
    assert "warning: 1 of 2 documents (50%) hold HTML, such as '<p>x</p>'; --strip-html" in said
    assert "warning: 1 of 2 queries (50%) hold HTML, such as 'a &amp; b'" in said
    assert run_cli(["tasks", "add", "t.csv", "--name", "y", "--strip-html"]) == 0
    assert "HTML" not in capsys.readouterr().out
    assert yaml.safe_load(Path("tasks/y.yaml").read_text())["strip_html"] is True
    (unit,) = read_card(Path("tasks/y.yaml")).units()
    assert (unit.data.queries, unit.data.documents) == (["a & b", "c"], ["x", "y"])
