"""The figures in docs/controls.md against the committed results."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support import ROOT

from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.store import ResultStore, read_items
from bench.statistics.paired import paired_test
from bench.views import Control, ControlledView, View

PAGE = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")
PCA = Control("pca")
MODELS = {
    "hardware_store": ("minilm-store", "minilm-store-mrl"),
    "home_depot_titles, 42": ("minilm-home-depot-titles-s42", "minilm-home-depot-titles-mrl-s42"),
    "home_depot_titles, 7": ("minilm-home-depot-titles-s7", "minilm-home-depot-titles-mrl-s7"),
}


@pytest.fixture(scope="module")
def index():
    return ResultIndex(ResultStore(Path(ROOT / "results")).records())


def table_rows():
    """(task and seed, dim, the figures behind it) of each row of the table."""
    found, name = [], ""
    for line in re.findall(r"^\| (.*\d\] \|)$", PAGE, re.MULTILINE):
        cells = [cell.strip() for cell in line.split("|")]
        name = cells[0] or name
        found.append((name, int(cells[1]), [float(number) for number in re.findall(r"-?\d\.\d{4}", line)]))
    return found


def of_queries(index, model, task, dim, control=None):
    """The main metric of each query and its cluster, by query id in order."""
    cells = {
        key[4]: cell
        for key, cell in index.cells.items()
        if key[0] == model and key[2][0] == task and not index.superseded(cell.record)
    }
    items = ItemReader().read(cells[View(dim)])
    if control is None:
        return items.values, items.clusters
    [(path, record)] = {
        found.path: (found.path, found.record)
        for key, cuts in index.controls.items()
        for cut, found in cuts.items()
        if (key[0], key[2][0], cut) == (model, task, ControlledView(control, dim))
    }.values()
    table = read_items(path, record).to_pandas()
    rows = table[(table["method"] == control.method) & (table["truncate_dim"] == dim)].set_index("query_id")
    return rows.loc[items.ids, record.task.main_metric].to_numpy(), items.clusters


def test_the_table_has_every_model():
    assert {name for name, *_ in table_rows()} == set(MODELS)
    assert len(table_rows()) == 9


@pytest.mark.parametrize(("name", "dim", "told"), table_rows(), ids=lambda value: str(value)[:20])
def test_what_came_out(index, name, dim, told):
    (plain, mrl), task = MODELS[name], name.split(",")[0]
    first, clusters = of_queries(index, mrl, task, dim)
    control, _ = of_queries(index, plain, task, dim, PCA)
    test = paired_test((first - control)[:, None], clusters)
    scores = [first.mean(), of_queries(index, plain, task, dim)[0].mean(), control.mean()]
    ends = [end[0] for end in test.interval()]
    assert np.round([*scores, test.mean[0], *ends], 4).tolist() == told


def test_scifact_centred(index):
    [told] = re.findall(r"scores (0\.\d+), (0\.\d+) and (0\.\d+) nDCG@10 at 192, 96 and 48 centred", PAGE)
    scores = [of_queries(index, "all-MiniLM-L6-v2", "scifact", dim, PCA)[0].mean() for dim in (192, 96, 48)]
    assert [f"{score:.4f}" for score in scores] == list(told)
