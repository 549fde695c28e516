"""Labels beside a task's data: merged over its own judgements, or refused."""

from __future__ import annotations

import csv

import pytest
from support import write_beir, write_jsonl

from bench.cli import run_cli
from bench.errors import BenchError
from bench.tasks.catalog import read_card, select_tasks
from bench.tasks.labels import COLUMNS, pair_digest

CORPUS = {f"d{row}": f"document {row}" for row in range(4)}
QUERIES = {"q0": "first", "q1": "second", "q2": "third"}
QRELS = [("q0", "d0", 2), ("q0", "d1", 0), ("q1", "d2", 1)]


@pytest.fixture
def folder(tmp_path):
    write_beir(tmp_path / "shop", CORPUS, QUERIES, QRELS)
    (tmp_path / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\nlabels: [more.csv]\n")
    return tmp_path / "shop"


def write_labels(path, *rows, pool=""):
    """Rows of query, document, label and maybe others of COLUMNS."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for query, document, label, *rest in rows:
            further = dict(rest[0]) if rest else {}
            cells = {"split": "test", "subset": "default", "query_id": query, "document_id": document, "label": label,
                     "pair": "", "pool": pool, "note": "", **further}  # fmt: skip
            writer.writerow([cells[column] for column in COLUMNS])


def load(folder):
    (task,) = select_tasks([str(folder)], [])
    (unit,) = task.units()
    return unit


def judgements(data):
    pairs = zip(data.pair_queries, data.pair_documents, data.pair_gains, strict=True)
    rejected = zip(data.irrelevant_queries, data.irrelevant_documents, strict=True)
    names = {(data.query_ids[q], data.document_ids[d]): 0 for q, d in rejected}
    return names | {(data.query_ids[q], data.document_ids[d]): int(gain) for q, d, gain in pairs}


def test_labels_are_merged_as_if_the_data_had_them(folder, tmp_path):
    write_labels(
        folder / "more.csv", ("q0", "d3", 1), ("q1", "d0", 0), ("q2", "d1", 3), ("q0", "d0", 2), ("q1", "d3", ""),
        ("q1", "d1", 1, {"split": "dev"}), pool="the first 10 of a and b",
    )  # fmt: skip
    data = load(folder).data
    more = [*QRELS, ("q0", "d3", 1), ("q1", "d0", 0), ("q2", "d1", 3)]
    expected = load(write_beir(tmp_path / "whole", CORPUS, QUERIES, more)).data
    assert judgements(data) == judgements(expected)
    assert data.fingerprint() == expected.fingerprint()
    assert data.irrelevant == expected.irrelevant == 2
    (note,) = data.notes
    assert note.startswith("3 labels were added to the data's own, 2 of them relevant, chosen from the first 10 of a")


def test_a_label_answers_a_query_that_had_none(folder, tmp_path):
    write_beir(folder, CORPUS, QUERIES, [*QRELS, ("q2", "d0", 0)])
    write_labels(folder / "more.csv", ("q1", "d0", 0))
    assert "1 of 3 queries have no relevant document and score 0" in load(folder).data.notes
    write_labels(folder / "more.csv", ("q2", "d1", 1))
    assert not any("no relevant document" in note for note in load(folder).data.notes)


def test_a_folder_without_judgements_is_a_task_once_it_has_labels(folder):
    (folder / "qrels" / "test.tsv").unlink()
    write_labels(folder / "more.csv", ("q2", "d1", 1), ("q0", "d1", 0))
    data = load(folder).data
    assert sorted(data.query_ids) == ["q0", "q2"]
    assert judgements(data) == {("q2", "d1"): 1, ("q0", "d1"): 0}
    write_labels(folder / "more.csv", ("q2", "d1", 0))
    with pytest.raises(BenchError, match="no document is relevant"):
        _ = load(folder).data
    write_labels(folder / "more.csv")
    with pytest.raises(BenchError, match="no judgements for the split"):
        _ = load(folder).data


def test_a_table_takes_labels_too(tmp_path):
    rows = [{"qid": "q", "query": "what", "did": f"d{n}", "document": f"text {n}", "relevance": n} for n in range(3)]
    write_jsonl(tmp_path / "test.jsonl", [*rows, {**rows[0], "did": "d9", "document": "text 9", "relevance": None}])
    card = tmp_path / "t.yaml"
    card.write_text(
        "name: t\ntype: retrieval\nlabels: [more.csv]\ntable:\n  shape: relevance\n  files: {test: test.jsonl}\n"
        "  columns: {query_id: qid, document_id: did}\n"
    )
    write_labels(tmp_path / "more.csv", ("q", "d9", 1))
    (unit,) = read_card(card).units()
    assert judgements(unit.data) == {("q", "d0"): 0, ("q", "d1"): 1, ("q", "d2"): 2, ("q", "d9"): 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("q0", "d0", 1), "have the label 1, in the data 2"),
        (("q0", "d0", 0), "have the label 0, in the data 2"),
        (("q0", "d1", 1), "have the label 1, in the data 0 or less"),
        (("q9", "d1", 1), "a label of query `q9`"),
        (("q1", "d9", 1), "a label of document `d9`"),
        (("q1", "d1", "half"), "is not a number"),
        (("q1", "d1", "0.5"), "is not a whole number"),
        (("q1", "d1", 1, {"pair": pair_digest("second", "another text")}), "another text than when it was labelled"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(folder, row, message):
    write_labels(folder / "more.csv", ("q2", "d2", 1), row)
    with pytest.raises(BenchError, match=message) as found:
        _ = load(folder).data
    assert str(found.value.where).endswith("more.csv, line 3")


def test_the_texts_of_a_label_are_those_that_it_names(folder):
    write_labels(folder / "more.csv", ("q1", "d1", 1, {"pair": pair_digest("second", "document 1")}))
    assert judgements(load(folder).data)["q1", "d1"] == 1


def test_two_files_that_contradict(folder):
    (folder / "task.yaml").write_text("name: shop\ntype: retrieval\nlabels: [more.csv, less.csv]\n")
    write_labels(folder / "more.csv", ("q1", "d1", 1))
    with pytest.raises(BenchError, match="no such file of labels"):
        _ = load(folder).data
    write_labels(folder / "less.csv", ("q1", "d1", 0))
    with pytest.raises(BenchError, match="another label than in"):
        _ = load(folder).data
    write_labels(folder / "less.csv", ("q1", "d1", 1), ("q1", "d0", 0))
    assert judgements(load(folder).data)["q1", "d1"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("type: sts\n", "`labels` is for retrieval"),
        ("type: retrieval\nmteb: SciFact\n", "another task than mteb's SciFact"),
    ],
)
def test_cards_that_cannot_have_labels(tmp_path, capsys, line, message):
    card = tmp_path / "t.yaml"
    card.write_text(f"name: t\nlabels: [more.csv]\n{line}")
    assert run_cli(["tasks", "check", str(card)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
