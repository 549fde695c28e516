"""The tasks of the committed results keep the fingerprints recorded there: no way of reading makes them stale."""

from __future__ import annotations

import json

import pytest
from support import ROOT

from bench.tasks.catalog import select_tasks
from bench.tasks.places import NotAvailableError
from bench.tasks.sources import Sources
from bench.tasks.unit import TaskUnit

# Of data sets that no committed result is about, read as the first versions read them.
OTHERS = {
    ("stsb", "test", "default"): "08f1451b19083ad5c584f8168041952a",
    ("stsb", "train", "default"): "f85ae669bbdb081407b7dbae3716ca5f",
    ("scifact", "train", "default"): "70a7e481f3ac5652a3e83a2363811a0f",
    ("technographics", "test", "default"): "e5d8f8e1f3eef8d6def9bb51fd85c2c1",
    ("home_depot_titles", "train", "default"): "df93ad0c3a7b17296e018a9a32af9cd7",
    ("sts17", "test", "en-en"): "cfa9132d1de76591b4a9ddedccdbef12",
    ("sts17", "test", "ar-ar"): "c846b19a26171fca9f5372e3dae59849",
    ("hardware_store", "train", "default"): "564ad684a9ec42bf74931d57b69dc820",
}


def committed() -> dict[tuple[str, str, str], str]:
    """The fingerprint of each task unit in the newest of the committed results."""
    records = [json.loads(path.read_text()) for path in (ROOT / "results" / "quality").rglob("*.json")]
    tasks = [record["task"] for record in sorted(records, key=lambda record: record["created"])]
    return {(task["name"], task["split"], task["subset"]): task["fingerprint"] for task in tasks}


UNITS = {**OTHERS, **committed()}


@pytest.mark.parametrize("names", list(UNITS), ids=" ".join)
def test_the_data_is_read_as_it_was(names):
    task, split, subset = names
    card = select_tasks([task], [ROOT / "tasks"])[0].card
    unit = TaskUnit(Sources(card, ROOT / "tasks" / task if card.hub is None else ROOT / "tasks", False), split, subset)
    try:
        found = unit.fingerprint
    except NotAvailableError:
        pytest.skip("needs the public data sets: set BENCH_DATA")
    assert found == UNITS[names]
