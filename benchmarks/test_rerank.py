"""What two stages take: the cascade probe's figures against a loop that does the same by hand.

Both are timed in turns in one process on one thread over one index, so that what other processes do meets both; the
median ratio counts. Where an index lies in memory is luck that belongs to neither: faiss's int8 read twice differs by
up to 16%, which is why the probe has several processes. The same loop shows what adding the second stage to a search
for ten documents would leave out.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np
import pytest

from bench.cost.indices import (
    FULL,
    FULL_QUERIES,
    index_file,
    make_index,
    prepare,
    queries_file,
    read_index,
    train,
    write_index,
)
from bench.cost.probes import cascade, rerank
from bench.vectors.quantise import Quantiser, unit
from bench.views import SHORTLISTS, View

VIEWS = [View(48), View(192, "int8"), View(48, "binary")]
TURNS = 9
CALLS = {"min_calls": 150, "min_seconds": 0.0, "max_seconds": 5.0}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that bench.cost.probes.build writes, for three views of as many documents as SciFact has."""
    folder = tmp_path_factory.mktemp("workspace")
    rng = np.random.default_rng(0)
    documents, queries = (unit(rng.normal(size=(count, 384)))[0].astype(np.float32) for count in (5183, 300))
    np.save(folder / FULL, documents)
    np.save(folder / FULL_QUERIES, queries)
    for view in VIEWS:
        quantiser = Quantiser(view, "cosine")
        index, rows = make_index(view), prepare(quantiser, documents)
        if view.precision == "int8":
            train(index, rows.min(axis=0), rows.max(axis=0))
        index.add(rows)
        write_index(index, index_file(folder, view, "flat"))
        np.save(queries_file(folder, view), prepare(quantiser, queries))
    return folder


def by_hand(index: Any, folder: Path, view: View, length: int) -> tuple[float, float]:
    """Median milliseconds of both stages in one loop, and of a search for ten documents."""
    documents, vectors = np.load(folder / FULL, mmap_mode="r"), np.load(folder / FULL_QUERIES)
    shorts = np.load(queries_file(folder, view))[:, None, :]
    gathered, both, ten = np.empty((length, documents.shape[1]), dtype=np.float32), [], []
    for position in range(-30, CALLS["min_calls"]):
        short, vector = shorts[position], vectors[position]
        start = time.perf_counter()
        rows = index.search(short, length)[1][0]
        np.take(documents, rows, axis=0, out=gathered, mode="clip")
        rows[np.argsort(-(gathered @ vector))[:10]]
        both.append(time.perf_counter() - start)
    for position in range(-30, CALLS["min_calls"]):
        start = time.perf_counter()
        index.search(shorts[position], 10)
        ten.append(time.perf_counter() - start)
    return median(both[30:]) * 1000, median(ten[30:]) * 1000


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_the_figure_is_what_a_loop_takes(workspace: Path, view: View, ratio, monkeypatch) -> None:
    faiss.omp_set_num_threads(1)
    index = read_index(workspace, view, "flat")
    monkeypatch.setattr(cascade, "read_index", lambda *_: index)
    job = {"workspace": str(workspace), "views": [(view.truncate_dim, view.precision)], "calls": CALLS}
    for length in SHORTLISTS:
        ratios, added = [], []
        for _ in range(TURNS):
            [timed] = cascade.probe(job | {"shortlists": [length]}).timed
            [second] = rerank.probe(job | {"shortlist": length}).timed
            loop, ten = by_hand(index, workspace, view, length)
            ratios.append(median(timed.milliseconds) / loop)
            added.append((ten + median(second.milliseconds)) / loop)
        ratio(
            f"{view}, {length}: {loop:.3f} ms; probe over loop {median(ratios):.3f}; "
            f"search for ten plus second stage over loop {median(added):.3f}"
        )
        assert median(ratios) == pytest.approx(1, abs=0.1)
