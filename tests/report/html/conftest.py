"""A small results folder with everything that the page shows, and its page."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from support import audit_record, cost_record, quality_record

from bench.report.html.page import render_html
from bench.report.html.sizes import Sizes, other_sizes
from bench.report.rows import Table, make_tables
from bench.results.index import ResultIndex
from bench.results.items import ItemReader
from bench.results.schema import Figure
from bench.results.store import ResultStore

VIEWS = [(64, "float32"), (64, "int8"), (32, "float32"), (32, "binary")]
DOCUMENTS = 2000
# Scores at the views, search p95 at them in ms, encode p95 in ms, memory of encoding in MiB.
MODELS = {
    "large": ((0.81, 0.8, 0.7, 0.4), (9.0, 5.0, 4.0, 0.5), 80.0, 2000.0),
    "middle": ((0.76, 0.755, 0.72, 0.5), (8.0, 4.0, 3.5, 0.4), 30.0, 900.0),
    "small": ((0.66, 0.65, 0.64, 0.55), (7.0, 3.0, 3.0, 0.3), 6.0, 400.0),
    # Nothing of its costs was measured.
    "unmeasured": ((0.79, 0.78, 0.77, 0.6), None, None, None),
}
ITEMS = 4


def write_quality(store, record, items=ITEMS):
    """Write a quality record whose queries all have its score."""
    rows = [(scores, row) for scores in record.views for row in range(items)]
    metric = record.task.main_metric
    columns = {
        "truncate_dim": [scores.truncate_dim for scores, _ in rows],
        "precision": [scores.precision for scores, _ in rows],
        "query_id": [f"q{row}" for _, row in rows],
        metric: [scores.metrics[metric].value for scores, _ in rows],
    }
    store.write_quality(record, columns)


def with_task(record, **changes):
    return record.model_copy(update={"task": record.task.model_copy(update=changes)})


def with_model(record, **changes):
    return record.model_copy(update={"model": record.model.model_copy(update=changes)})


def shop(record):
    return with_task(record, documents=DOCUMENTS, type="retrieval")


def figures_of(name):
    """The cost figures of a model of MODELS."""
    _, searches, encode, memory = MODELS[name]
    if searches is None:
        return []
    found = [("encode_p95_ms", encode, None, None), ("encode_p50_ms", encode / 2, None, None)]
    found += [("memory_encode_mib", memory, None, None), ("encode_texts_per_s", 12345.6, None, None)]
    for view, search in zip(VIEWS, searches, strict=True):
        found += [("search_p95_ms", search, *view), ("search_p50_ms", search / 3, *view)]
        found += [("memory_search_mib", 100.0, *view), ("hnsw_recall_at_10", 0.98765, *view)]
    return found


def at_a_million(record):
    """With searches in a synthetic corpus."""
    more = [
        Figure(name="search_p95_ms", value=value, n=1, truncate_dim=dim, precision=precision,
               detail={"corpus": 1_000_000})
        for (dim, precision), value in zip(VIEWS, (90.0, 50.0, 40.0, 5.0), strict=True)
    ]  # fmt: skip
    return record.model_copy(update={"figures": [*record.figures, *more]})


def write_sample(root: Path) -> ResultStore:
    """A task of retrieval with costs in two environments, and one of pairs without."""
    store = ResultStore(root)
    for place, (name, (scores, *_)) in enumerate(MODELS.items()):
        kind = ["pretrained", "fine-tuned", "mrl", "pretrained"][place]
        names = {"fingerprint": f"{place:032x}", "kind": kind, "width": 64}
        quality = shop(quality_record(name, views=dict(zip(VIEWS, scores, strict=True)), n=ITEMS, **names))
        quality = with_model(quality, leakage=name == "middle")
        write_quality(store, quality)
        if figures_of(name):
            record = shop(cost_record(name, figures_of(name), noisy=name == "small", **names))
            store.write_cost(at_a_million(record) if name == "middle" else record, {"milliseconds": []})
    write_quality(
        store, shop(quality_record("bm25", kind="baseline", width=None, views={(None, None): 0.625}, n=ITEMS))
    )
    bm25 = cost_record("bm25", [("search_p95_ms", 2.0, None, None), ("index_bytes", 5e5, None, None)], kind="baseline",
                       width=None, not_measured={"hnsw": "bm25 has no vectors"})  # fmt: skip
    store.write_cost(shop(bm25), {"milliseconds": []})
    drawn = cost_record("drawn", [("encode_p95_ms", 1.0, None, None)], fingerprint="9" * 32, width=64)
    store.write_cost(shop(with_model(drawn, weights="random")), {"milliseconds": []})
    other = cost_record("small", [("encode_p95_ms", 2.5, None, None)], environment="gpu", fingerprint=f"{2:032x}",
                        kind="mrl", width=64)  # fmt: skip
    store.write_cost(shop(other), {"milliseconds": []})
    views = {(64, "float32"): 0.5}
    names = {"fingerprint": f"{2:032x}", "kind": "mrl", "width": 64}
    talk = quality_record("small", task="talk", metric="recall_at_10", views=views, n=ITEMS, **names)
    talk = with_task(talk, type="retrieval")
    write_quality(store, talk)
    store.write_audit(audit_record(["3 of 9 queries are in the training data"]))
    store.write_environment("env", {"cpu": "A fast one", "cores": 4, "os": "Linux", "gpus": []})
    return store


def tables_of(store: ResultStore) -> tuple[list[Table], Sizes]:
    index = ResultIndex(store.records())
    return make_tables(index, ItemReader()), other_sizes(index)


def page_of(store: ResultStore) -> str:
    tables, sizes = tables_of(store)
    return render_html(tables, store.environments(), sizes)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Its tables, its page, and where the page lies."""
    root = tmp_path_factory.mktemp("sample")
    store = write_sample(root / "results")
    page = root / "index.html"
    page.write_text(page_of(store), encoding="utf-8")
    tables, sizes = tables_of(store)
    return SimpleNamespace(
        store=store, tables=tables, sizes=sizes, html=page.read_text(encoding="utf-8"), url=page.as_uri()
    )


@pytest.fixture(scope="session")
def makers() -> SimpleNamespace:
    """What tests make results of their own with."""
    return SimpleNamespace(
        write_quality=write_quality, page_of=page_of, shop=shop, with_task=with_task, views=VIEWS, models=MODELS,
        documents=DOCUMENTS,
    )  # fmt: skip
