"""Labels become a file beside the card, and the card names it; nothing else changes."""

from __future__ import annotations

import pytest
from support import write_beir

from bench.errors import BenchError, UsageError
from bench.labelling.saving import add_labels, card_file
from bench.tasks.catalog import select_tasks
from bench.tasks.labels import Label

CORPUS = {"d0": "zero", "=1": "one", " d 2": "two"}
QUERIES = {"q0": "first", "007": "second"}
CARD = "# Our help centre.\nname: shop  # as tables call it\ntype: retrieval\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_beir(tmp_path / "tasks" / "shop", CORPUS, QUERIES, [("q0", "d0", 1)])
    (folder / "task.yaml").write_text(CARD)
    return folder


def unit_of(folder):
    (task,) = select_tasks([str(folder)], [])
    return task, task.units()[0]


def label(query, document, gain, note=""):
    return Label(query, document, gain, "", "the first 10 of a and b", "l.csv, line 2", note)


def add(folder, *labels, output=None):
    task, unit = unit_of(folder)
    new = add_labels(unit, card_file(task), labels, output)
    new.write()
    return new


def test_the_data_stay_as_they_are_and_the_card_keeps_its_comments(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "task.yaml"}
    new = add(folder, label("q0", "=1", 0, "=a"), label("007", " d 2", 2))
    assert (folder / "task.yaml").read_text() == f"{CARD}labels: [labels/shop.csv]\n"
    assert {path: path.read_bytes() for path in before} == before
    data = unit_of(folder)[1].data
    assert data.fingerprint() == new.data.fingerprint()
    assert set(data.query_ids) == {"q0", "007"}
    assert data.document_ids[data.pair_documents[1]] == " d 2"
    assert b",'=a\r\n" in new.file.read_bytes()


def test_more_labels_join_those_that_are_there(folder):
    add(folder, label("q0", "=1", 0, "=a"))
    text = (folder / "task.yaml").read_text()
    first = (folder / "labels/shop.csv").read_bytes()
    again = add(folder, label("q0", "=1", 0), label("q0", " d 2", 1))
    assert again.added == 1
    assert (folder / "task.yaml").read_text() == text
    assert (folder / "labels/shop.csv").read_bytes().startswith(first)
    with pytest.raises(BenchError, match=r"have the label 1 here and 0 in .*shop.csv, line 2"):
        add(folder, label("q0", "=1", 1))
    with pytest.raises(BenchError, match="in the data 1"):
        add(folder, label("q0", "d0", 0))


def test_the_line_is_added_however_the_card_ends(folder):
    for ending in ("", "\n", "\r\n"):
        (folder / "task.yaml").write_bytes(b"name: shop\r\ntype: retrieval" + ending.encode())
        add(folder, label("q0", "=1", 0))
        newline = b"\r\n"
        assert (folder / "task.yaml").read_bytes().endswith(b"labels: [labels/shop.csv]" + newline)
        assert unit_of(folder)[0].card.labels == ["labels/shop.csv"]


@pytest.mark.parametrize(
    "card",
    [
        "{name: shop, type: retrieval}\n",
        "name: shop\ntype: retrieval\nlabels: [other.csv]\n",
        "---\n{name: shop, type: retrieval}\n",
    ],
)
def test_a_card_that_takes_no_further_line_is_left_alone(folder, card):
    (folder / "task.yaml").write_text(card)
    with pytest.raises(UsageError, match="by hand") as found:
        add(folder, label("q0", "=1", 0))
    assert "labels: [labels/shop.csv]" in found.value.hint
    assert (folder / "task.yaml").read_text() == card
    assert not (folder / "labels").exists()


def test_the_file_can_be_elsewhere(folder, tmp_path):
    new = add(folder, label("q0", "=1", 0), output=tmp_path / "elsewhere.csv")
    assert unit_of(folder)[0].card.labels == [str(new.file.resolve())]
    assert unit_of(folder)[1].data.irrelevant == 1


def test_cards_that_may_not_be_changed(folder, tmp_path, monkeypatch):
    (folder / "task.yaml").unlink()
    with pytest.raises(UsageError, match="has no card") as found:
        card_file(unit_of(folder)[0])
    assert "bench tasks add" in found.value.hint
    (folder / "task.yaml").write_text(f"{CARD}mteb: SciFact\n")
    with pytest.raises(UsageError, match="mteb's task SciFact"):
        card_file(unit_of(folder)[0])
    (folder / "task.yaml").write_text(CARD)
    assert card_file(unit_of(folder)[0]) == folder / "task.yaml"
    monkeypatch.chdir("/")
    monkeypatch.setattr("bench.labelling.saving.shipped", lambda name: tmp_path / name)
    with pytest.raises(UsageError, match="comes with bench"):
        card_file(unit_of(folder)[0])
