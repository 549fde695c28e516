from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from support import random_beir, write_jsonl, write_parquet

from bench.cli import run_cli
from bench.errors import UsageError
from bench.tasks.add import Wishes, new_task
from bench.tasks.catalog import read_card


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_csv(path: str, rows: list[dict], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", newline="", encoding=encoding) as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return Path(path)


def add(*arguments: str, name: str = "mine", status: int = 0) -> dict | None:
    """The card that `bench tasks add` writes, None where it writes none."""
    assert run_cli(["tasks", "add", *arguments, "--name", name]) == status
    path = Path("tasks") / f"{name}.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else None


FAQ = [{"Question": "how?", "Answer": "so"}, {"Question": "why?", "Answer": "because"}]


def test_a_csv_of_questions_becomes_a_task_that_runs(tiny_model, capsys):
    write_csv("data/faq.csv", FAQ)
    card = add("data/faq.csv", "--description", "Ours.", "--language", "en")
    assert card == {
        "name": "mine",
        "type": "retrieval",
        "description": "Ours.",
        "path": "../data/faq.csv",
        "language": "en",
        "table": {
            "shape": "qa",
            "files": {"test": "faq.csv"},
            "columns": {"question": "Question", "answer": "Answer"},
        },
    }
    said = capsys.readouterr().out
    assert "question: column Question" in said
    assert "split test: 2 queries, 2 documents" in said
    assert "bench run --tasks mine" in said
    assert run_cli(["run", "--model", "./tiny", "--tasks", "mine", "--no-cost"]) == 0
    assert run_cli(["tasks", "--tasks", "mine"]) == 0
    assert "2 queries, 2 documents" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "shape", "columns"),
    [
        ({"anchor": "q", "positive": "p"}, "qa", {"question": "anchor", "answer": "positive"}),
        ({"id": 1, "prompt-id": 2, "Query": "q", "Passage": "p"}, "qa", {"question": "Query", "answer": "Passage"}),
        (
            {"query": "q", "answer": ["a", "b"], "doc_id": 1},
            "qa",
            {"question": "query", "answer": "answer"},
        ),
        (
            {"anchor": "q", "positive": "p", "negative": "n"},
            "triplets",
            {"query": "anchor", "positive": "positive", "negative": "negative"},
        ),
        (
            {"query": "q", "pos": "p", "Negative 1": "n", "Negative 2": "m"},
            "triplets",
            {"query": "query", "positive": "pos", "negative": "Negative *"},
        ),
        (
            {"id": 3, "product_uid": 7, "product_title": "t", "search_term": "s", "relevance": 1},
            "relevance",
            {
                "query": "search_term",
                "document": "product_title",
                "relevance": "relevance",
                "document_id": "product_uid",
            },
        ),
        (
            {"query-id": "1", "query": "q", "title": "t", "text": "d", "score": 1},
            "relevance",
            {"query": "query", "document": "text", "relevance": "score", "query_id": "query-id", "title": "title"},
        ),
    ],
)
def test_columns_are_recognised_by_name_and_type(row, shape, columns):
    for file in (write_jsonl(Path("t.jsonl"), [row]), write_parquet(Path("t.parquet"), [row])):
        card = add(str(file), name=file.suffix[1:])
        assert (card["table"]["shape"], card["table"]["columns"]) == (shape, columns)


def test_scored_pairs_become_an_sts_task(capsys):
    write_csv("p.tsv", [{"text_a": f"a{n}", "text_b": f"b{n}", "Label": n / 2} for n in range(4)], "\t")
    card = add("p.tsv")
    assert card["type"] == "sts"
    assert card["table"]["columns"] == {"sentence1": "text_a", "sentence2": "text_b", "score": "Label"}
    assert "split test: 4 pairs" in capsys.readouterr().out


def test_a_label_of_words_is_no_score(capsys):
    write_csv("p.csv", [{"sentence1": "a", "sentence2": "b", "label": "similar"}])
    assert add("p.csv", status=2) is None
    said = capsys.readouterr().err
    assert "pairs needs a column for score" in said
    assert "sentence1 (text), sentence2 (text), label (text)" in said


def test_another_delimiter_is_seen_in_the_heading():
    write_csv("t.csv", [{"frage": "a, b?", "antwort": "c, d"}], ";")
    card = add("t.csv", "--query-column", "frage", "--answer-column", "ANTWORT")
    assert card["table"]["delimiter"] == ";"
    assert card["table"]["columns"] == {"question": "frage", "answer": "antwort"}


def test_fractions_of_relevance_want_a_threshold(capsys):
    rows = [
        {"search_term": "q", "product_title": "a", "rating": 2.67},
        {"search_term": "q", "product_title": "b", "rating": 1},
    ]
    write_csv("t.csv", rows)
    assert add("t.csv", status=1) is None
    said = capsys.readouterr().err
    assert "t.csv, line 2: the label 2.67" in said
    assert "--relevant-from" in said
    assert add("t.csv", "--relevant-from", "2.5")["table"]["relevant_from"] == 2.5


def test_the_users_word_overrules(capsys):
    write_csv("t.csv", [{"query": "q", "document": "d", "summary": "s", "score": 1}])
    card = add("t.csv", "--shape", "qa", "--document-column", "summary")
    assert card["table"]["shape"] == "qa"
    assert card["table"]["columns"]["answer"] == "summary"
    assert add("t.csv", "--shape", "qb", name="other", status=2) is None
    assert add("t.csv", "--query-column", "querry", name="other", status=2) is None
    assert "did you mean `query`?" in capsys.readouterr().err
    assert add("t.csv", "--shape", "qa", "--relevance-column", "score", name="other", status=2) is None
    assert "qa has no relevance" in capsys.readouterr().err


def test_encoding():
    write_csv("t.csv", [{"question": "café?", "answer": "oui"}], encoding="latin-1")
    assert add("t.csv", status=1) is None
    assert add("t.csv", "--encoding", "latin-1")["table"]["encoding"] == "latin-1"
    assert read_card(Path("tasks/mine.yaml")).units()[0].data.queries == ["café?"]
    assert add("t.csv", "--encoding", "utf-99", name="other", status=2) is None


def test_a_folder_with_a_file_a_split(capsys):
    write_jsonl(Path("d/train_set.jsonl"), [{"question": "a", "answer": "b"}])
    write_jsonl(Path("d/test_set.jsonl"), [{"question": "c", "answer": "d"}])
    write_jsonl(Path("d/training_notes.jsonl"), [{"note": "x"}])
    card = add("d")
    assert card["table"]["files"] == {"train": "train_set.jsonl", "test": "test_set.jsonl"}
    assert "split train: 1 queries, 1 documents, to train with" in capsys.readouterr().out


def test_the_hubs_layout_of_several_files():
    for part in (0, 1):
        rows = [{"question": f"q{part}", "answer": f"a{part}"}]
        write_parquet(Path(f"d/data/train-0000{part}-of-00002.parquet"), rows)
    # The only rows there are will be scored, so they are no training rows.
    assert add("d")["table"]["files"] == {"test": "data/train[-_.0-9]*.parquet"}
    assert read_card(Path("tasks/mine.yaml")).units()[0].data.queries == ["q0", "q1"]
    assert read_card(Path("tasks/mine.yaml")).training() is None


def test_a_beir_folder(capsys):
    random_beir(Path("elsewhere/shop"))
    assert add("elsewhere/shop") == {"name": "mine", "type": "retrieval", "path": "../elsewhere/shop"}
    assert "split test: 8 queries, 30 documents" in capsys.readouterr().out


def test_data_outside_the_project_is_named_in_full(tmp_path, monkeypatch):
    write_csv("faq.csv", FAQ)
    Path("project").mkdir()
    monkeypatch.chdir("project")
    assert add("../faq.csv")["path"] == str(tmp_path / "faq.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hardware_store", "there is a task `hardware_store` already"),
        ("a/b", "is no name"),
        ("", "is no name"),
        ("x" * 101, "at most 100"),
    ],
)
def test_names_that_cannot_be_taken(name, message, capsys):
    write_csv("faq.csv", FAQ)
    assert add("faq.csv", name=name, status=2) is None
    assert message in capsys.readouterr().err


def test_no_card_is_written_over(capsys):
    write_csv("faq.csv", FAQ)
    before = add("faq.csv")
    write_csv("faq.csv", [{"query": "x", "document": "y"}])
    assert add("faq.csv", status=2) == before
    assert "there is a task `mine` already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("question,answer\n", "no rows"),
        ("question,answer\nq,\n", "cannot tell what the table holds"),
        ("question,answer\nq,a\nr,\n", "t.csv, line 3: `answer` is empty"),
        ("question,answer\nq,a,b\n", "t.csv, line 2: 3 cells"),
        ("foo,bar\nq,a\n", "columns found: foo (text), bar (text)"),
    ],
)
def test_broken_tables_leave_no_card(content, message, capsys):
    Path("t.csv").write_text(content)
    assert run_cli(["tasks", "add", "t.csv", "--name", "mine"]) in {1, 2}
    assert message in capsys.readouterr().err
    assert not Path("tasks").exists()


def test_data_that_is_not_there(capsys):
    assert add("nothing.csv", status=2) is None
    assert add("~nobody-of-this-name/x.csv", status=2) is None
    os.mkfifo("pipe.csv")
    assert add("pipe.csv", status=2) is None
    assert "neither a file nor a folder" in capsys.readouterr().err
    Path("empty").mkdir()
    assert add("empty", status=2) is None
    assert "no BEIR folder, and no file that is called test" in capsys.readouterr().err


def test_empty_texts_where_they_are_allowed():
    Path("t.csv").write_text("question,answer\nq,a\nr,\n")
    assert add("t.csv", "--allow-empty")["allow_empty"] is True


def test_a_card_in_another_folder_is_run_by_its_path(capsys):
    write_csv("faq.csv", FAQ)
    assert run_cli(["tasks", "add", "faq.csv", "--name", "mine", "--tasks-dir", "cards"]) == 0
    assert "bench run --tasks cards/mine.yaml" in capsys.readouterr().out
    assert run_cli(["tasks", "--tasks", "cards/mine.yaml"]) == 0
    assert "2 queries" in capsys.readouterr().out
    assert run_cli(["tasks", "add", "faq.csv", "--name", "mine", "--tasks-dir", "faq.csv"]) == 1
    assert "a folder belongs there" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [["high", "low"], ["2", "n/a"]])
def test_labels_that_are_no_numbers_make_no_pair_relevant(labels, capsys):
    rows = [{"query": f"q{n}", "document": f"d{n}", "relevance": label} for n, label in enumerate(labels)]
    write_csv("t.csv", rows)
    assert add("t.csv", status=2) is None
    assert "the column `relevance` looks like labels" in capsys.readouterr().err
    assert add("t.csv", "--shape", "qa")["table"]["shape"] == "qa"


def labelled(column: str, values: list[object], name: str = "t.csv") -> Path:
    rows = [{"query": f"q{n}", "document": f"d{n}", column: value} for n, value in enumerate(values)]
    return write_csv(name, rows) if name.endswith("csv") else write_parquet(Path(name), rows)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("is_relevant", [0, 1, 0]), ("human_rating", [0.1, 0.7, 0.35]), ("flag", [0, 1]), ("correct", [True, False]),
        ("ok", ["True", "False"]), ("accepted", ["yes", "no"]), ("good", ["Y", "N", "Y"]), ("stars", [5, 1, 5]),
        ("usable", ["1.0", "0.0"]), ("relevance", [None, None]), ("label", ["good", "bad"]), ("votes", [3, 1, 2]),
        ("late", [None] * 250 + [1, 0, 1]), ("same", [0, 0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_column_that_looks_like_labels_is_not_left_out_in_silence(column, values, name, capsys):
    labelled(column, values, name)
    assert add(name, status=2) is None
    said = capsys.readouterr().err
    assert f"the column `{column}` looks like labels" in said
    assert f"--ignore-column {column}" in said
    card = add(name, "--ignore-column", column)
    assert card["table"]["shape"] == "qa"
    assert f"not used: column {column}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("id", [0, 1]), ("row_index", [0, 1, 2, 3]), ("price", [1.5, 2.25, 9]), ("version", [2, 2, 2]),
        ("note", ["a", "b"]), ("correct_answer", ["yes, that", "no"]), ("active", [True, True]), ("tags", ["x", "x"]),
    ],
)  # fmt: skip
def test_other_columns_are_listed_as_not_used(column, values, capsys):
    labelled(column, values)
    assert add("t.csv")["table"]["shape"] == "qa"
    assert f"not used: column {column}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "queries"), [([0, 1, 2], 3), (["yes", "no", "YES"], 3), ([True, False, True], 3), ([None, 1, 0], 2)]
)
def test_the_label_column_is_named(values, queries, capsys):
    labelled("checked", values)
    card = add("t.csv", "--label-column", "checked")
    assert card["table"]["columns"]["relevance"] == "checked"
    assert f"split test: {queries} queries, 3 documents" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_it_asks(answer, monkeypatch, capsys):
    labelled("checked", [0, 1, 1])
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text: asked.append(text) or answer)
    card = add("t.csv")
    assert asked == ["Does `checked` say how relevant a document is?"]
    assert card["table"]["shape"] == ("relevance" if answer else "qa")


def test_a_key_that_is_written_in_two_ways(capsys):
    rows = [{"query": "q", "document": "a", "relevance": 1}, {"query": "q", "document": "b", "Relevance": 1}]
    write_jsonl(Path("t.jsonl"), rows)
    assert add("t.jsonl", status=2) is None
    assert "the relevance can be in `relevance` and `Relevance`" in capsys.readouterr().err


def test_labels_of_the_training_rows_alone(capsys):
    write_csv("d/test.csv", [{"query": "q", "document": "d"}])
    write_csv("d/train.csv", [{"query": f"q{n}", "document": f"d{n}", "clicked": n % 2} for n in range(4)])
    assert add("d", status=2) is None
    assert "train.csv: the column `clicked` looks like labels" in capsys.readouterr().err
    assert add("d", "--ignore-column", "clickd", status=2) is None
    assert "no column `clickd`" in capsys.readouterr().err
    assert add("d", "--ignore-column", "clicked")["table"]["shape"] == "qa"


def test_lists_written_as_text(capsys):
    write_csv("t.csv", [{"question": "q", "answers": "['a', 'b']"}, {"question": "r", "answers": '["c"]'}])
    assert add("t.csv")["table"]["lists"] is True
    assert "2 queries, 3 documents" in capsys.readouterr().out
    assert "lists" in add("t.csv", "--no-lists", name="texts")["table"]
    assert "2 queries, 2 documents" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "status", "words"),
    [
        (["['a', 'b']", "plain"], 1, "--lists or --no-lists"),
        (["['a' 'b']", "['c']"], 1, "--lists or --no-lists"),
        (["{'text': ['a']}", "{'text': ['b']}"], 1, "--lists or --no-lists"),
        (["[deleted]", "see [1]"], 0, "2 queries, 2 documents"),
    ],
)
def test_what_may_be_a_list_is_not_guessed(cells, status, words, capsys):
    write_csv("t.csv", [{"question": f"q{n}", "answer": cell} for n, cell in enumerate(cells)])
    add("t.csv", status=status)
    assert words in "".join(capsys.readouterr())


def test_how_the_file_is_written_is_in_the_card(capsys):
    Path("t.tsv").write_text('question\tanswer\n"What\tso\nhow"\tthus\n')
    card = add("t.tsv")
    assert card["table"]["quoting"] == "none"
    assert "t.tsv (delimiter tab, no quoting, utf-8)" in capsys.readouterr().out
    assert read_card(Path("tasks/mine.yaml")).units()[0].data.queries == ['"What', 'how"']
    card = add("t.tsv", "--quoting", "standard", name="quoted")
    assert card["table"]["quoting"] == "standard"
    assert read_card(Path("tasks/quoted.yaml")).units()[0].data.n == 1


def test_numbers_whose_comma_can_mean_two_things(capsys):
    write_csv("t.csv", [{"sentence1": "a", "sentence2": "b", "score": s} for s in ("1,250", "2,125")], ";")
    assert add("t.csv", status=1) is None
    assert "--decimal" in capsys.readouterr().err
    assert add("t.csv", "--decimal", ",")["table"]["decimal"] == ","
    assert read_card(Path("tasks/mine.yaml")).units()[0].data.gold.tolist() == [1.25, 2.125]


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        (["title", "question", "answer"], None), (["title", "query", "document"], None),
        (["title", "query", "text"], "title"),
        (["title", "question", "text"], None), (["query", "document_title", "document"], "document_title"),
    ],
)  # fmt: skip
def test_whose_title_it_is(columns, title, capsys):
    write_csv("t.csv", [{column: f"{column} {n}" for column in columns} for n in range(2)])
    assert add("t.csv")["table"]["columns"].get("title") == title
    assert ("not used: column title" in capsys.readouterr().out) is (title is None)
    assert add("t.csv", "--title-column", title or "title", name="asked")["table"]["columns"]["title"] == (
        title or "title"
    )


def test_the_columns_of_a_beir_folder_are_listed(capsys):
    write_jsonl(Path("shop/corpus.jsonl"), [{"_id": "d", "title": "T", "text": "x", "metadata": {}, "url": "u"}])
    write_jsonl(Path("shop/queries.jsonl"), [{"_id": "q", "text": "x"}])
    Path("shop/qrels").mkdir()
    Path("shop/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\tannotator\nq\td\t1\tme\n")
    add("shop")
    said = capsys.readouterr().out
    for line in (
        "corpus.jsonl", "  id: column _id", "  title: column title", "  not used: column metadata",
        "  not used: column url", "queries.jsonl", "qrels/test.tsv", "  label: column score",
        "  not used: column annotator",
    ):  # fmt: skip
        assert f"{line}\n" in said


def test_decimals_are_numbers():
    write_parquet(
        Path("t.parquet"),
        [{"query": f"q{n}", "document": f"d{n}", "relevance": Decimal(n)} for n in range(3)],
    )
    assert add("t.parquet")["table"]["shape"] == "relevance"


def test_one_column_cannot_be_both_sides(capsys):
    write_csv("faq.csv", FAQ)
    assert add("faq.csv", "--query-column", "Answer", "--answer-column", "Answer", status=1) is None
    assert "the column `Answer` stands for question and for answer" in capsys.readouterr().err


@pytest.mark.parametrize("others", [["test.parquet"], ["test-2.csv"], ["test.old.csv"]])
def test_files_that_are_no_parts_of_one_table(others, capsys):
    for name in ["test.csv", *others]:
        write_csv(f"data/{name}", FAQ)
    assert add("data", status=2) is None
    assert "several files can be the split `test`" in capsys.readouterr().err


def test_what_only_a_table_has_is_not_ignored_for_a_beir_folder(tmp_path, capsys):
    random_beir(tmp_path / "shop")
    assert add("shop", "--query-column", "x", status=2) is None
    assert "a BEIR folder is no table" in capsys.readouterr().err
    assert add("shop")["type"] == "retrieval"


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_what_cannot_stand_between_cells(delimiter, capsys):
    write_csv("faq.csv", FAQ)
    assert add("faq.csv", "--delimiter", delimiter, status=2) is None
    assert "--delimiter" in capsys.readouterr().err


def test_another_encoding_says_what_to_do(capsys):
    write_csv("faq.csv", [{"question": "wie schön?", "answer": "sehr"}], encoding="latin-1")
    assert add("faq.csv", status=1) is None
    assert "--encoding latin-1" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-le"])
def test_an_encoding_that_the_file_shows_is_read(encoding, capsys):
    write_csv("faq.csv", [{"question": "wie schön?", "answer": "sehr"}], encoding=encoding)
    assert "encoding" not in add("faq.csv")["table"]
    assert f"faq.csv (delimiter comma, {encoding[:5]}" in capsys.readouterr().out
    assert read_card(Path("tasks/mine.yaml")).units()[0].data.queries == ["wie schön?"]


def test_a_card_written_meanwhile_is_kept():
    write_csv("faq.csv", FAQ)
    task = new_task(Path("faq.csv"), "mine", Path("tasks"), {}, Wishes())
    Path("tasks").mkdir()
    Path("tasks/mine.yaml").write_text("theirs")
    with pytest.raises(UsageError, match="there is a card already"):
        task.write()
    assert [path.name for path in Path("tasks").iterdir()] == ["mine.yaml"]
    assert Path("tasks/mine.yaml").read_text() == "theirs"
