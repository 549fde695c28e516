from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from support import quality_record

from bench.comparing.rows import Change, Paired, Point, Row
from bench.errors import BenchError
from bench.examples.finder import ExampleFinder
from bench.results.index import Cell
from bench.tasks.catalog import BrokenTask
from bench.tasks.data import make_retrieval

DATA = make_retrieval(
    (["d0", "d1", "d2", "d3", "d4"], ["red", "steel", "screw", "nail", "hinge"]),
    (["q0", "q1"], ["red steel", "granite"]),
    [(0, 2, 1), (0, 1, 2), (0, 0, 1), (0, 4, 1), (1, 0, 1)],
    "test",
)


def row(view=None, *changes, data="d" * 32):
    cell = Cell(None, quality_record(data=data, views={(None, None): 0.5}), 0)
    paired = Paired(2, 2, None, None, 1.0, 1.0, changed=list(changes))
    points = (Point(name, view, cell, 0.5) for name in ("a b", "bm25"))
    return Row(("shop", "test", "default"), "retrieval", "ndcg_at_10", *points, paired)


def finder(found, tmp_path):
    return ExampleFinder(lambda name: [found], [], tmp_path)


def task(data, fingerprint="d" * 32, split="test"):
    unit = SimpleNamespace(split=split, subset="default", fingerprint=fingerprint, data=data)
    return SimpleNamespace(units=lambda download: [unit])


def test_texts_and_the_most_relevant_documents(tmp_path):
    found = finder(task(DATA), tmp_path).examples(row(None, Change("q0", 0.0, 1.0)))
    (item,) = found.items
    assert item.texts == ("red steel",)
    assert [(document.id, document.label, document.score) for document in item.relevant] == [
        ("d1", 2, None), ("d2", 1, None), ("d0", 1, None),
    ]  # fmt: skip
    assert item.relevant_count == 4
    # The record's fingerprint is no baseline's.
    assert (item.top_a, item.top_b) == (None, None)
    assert "the BM25 here is another version" in found.notes[0]


def test_what_cannot_be_had_is_a_note(tmp_path):
    wanted = row(None, Change("q0", 0.0, 1.0))
    broken = BrokenTask("shop", BenchError("its card is broken", where="shop.yaml", hint="mend it"))
    assert "shop.yaml: its card is broken (mend it)" in finder(broken, tmp_path).examples(wanted).notes[0]
    for found, words in (
        (task(DATA, fingerprint="e" * 32), "is not the data that was scored"),
        (task(DATA, split="dev"), "no such split and subset any more"),
        (task(np.zeros(3)), "only the ids are known"),
    ):
        examples = finder(found, tmp_path).examples(wanted)
        assert words in examples.notes[0]
        assert [item.change.id for item in examples.items] == ["q0"]


def test_where_nothing_changed_nothing_is_read(tmp_path):
    def fail(name):
        raise AssertionError(name)

    assert ExampleFinder(fail, [], tmp_path).examples(row()).items == []
