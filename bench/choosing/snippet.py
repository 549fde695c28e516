"""The code that uses a view: the model, its vectors at the precision, and the index."""

from __future__ import annotations

from collections.abc import Mapping

from bench.choosing.candidates import Candidate
from bench.choosing.model_code import encode_lines, load_lines
from bench.index_layout import EF_CONSTRUCTION, EF_SEARCH, M, padded
from bench.results.common import TextInput
from bench.results.schema import ModelInfo, TaskInfo

_STORED = "# For a store of your own; faiss makes these codes itself."
_SCALAR = {"float16": "QT_fp16", "int8": "QT_8bit"}


def code(candidate: Candidate, model: ModelInfo, task: TaskInfo, inputs: Mapping[str, TextInput] | None = None) -> str:
    """Python code that encodes, quantises and searches as the candidate was measured.

    It expects `documents` and `queries`, lists of texts, of retrieval; else `texts`.

    Args:
        candidate: The view and the index.
        model: The model.
        task: What it was scored on.
        inputs: What texts of each role were encoded with; None where the record does not say.
    """
    if candidate.view is None:
        return _baseline()
    retrieval = task.type == "retrieval"
    # What is ranked again has to be there at full width.
    dim = candidate.view.truncate_dim if candidate.shortlist is None else model.width
    lines = [*load_lines(model, dim or candidate.view.truncate_dim, inputs), ""]
    lines += encode_lines(model, inputs, retrieval=retrieval)
    if candidate.shortlist is not None:
        lines += ["", *_first_stage(candidate.view.truncate_dim, model)]
    stored = _codes(candidate, "documents" if retrieval else "texts")
    lines += ["", *stored] if stored else []
    if retrieval:
        lines += ["", *_index(candidate)]
    return "\n".join([*_imports(lines), "", *lines]) + "\n"


def _imports(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    found = ["from importlib.util import find_spec", "from pathlib import Path", ""] if "find_spec(" in text else []
    found += ["import faiss"] if "faiss." in text else []
    found += ["import numpy as np"] if "np." in text else []
    found += ["import torch"] if "torch." in text else []
    found += ["from huggingface_hub import snapshot_download"] if "snapshot_download(" in text else []
    found += ["from model2vec import StaticModel"] if " StaticModel." in text else []
    found += ["from sentence_transformers import SentenceTransformer"] if " SentenceTransformer(" in text else []
    if "Normalize(" in text:
        found.append("from sentence_transformers.base.modules import Normalize")
    modules = [name for name in ("LayerNorm", "Pooling") if f"{name}(" in text]
    found += [f"from sentence_transformers.sentence_transformer.modules import {', '.join(modules)}"] if modules else []
    if "TemplateProcessing(" in text:
        found.append("from tokenizers.processors import TemplateProcessing")
    if "quantize_embeddings(" in text:
        found.append("from sentence_transformers.util.quantization import quantize_embeddings")
    return found


def _first_stage(dim: int, model: ModelInfo) -> list[str]:
    """The vectors that the shortlist is found with, beside those that it is ranked again with."""
    lines = ["# Of these only those of shortlists are read: they may lie in a memory-mapped file."]
    lines.append("full_documents, full_queries = documents, queries")
    if dim == model.width:
        return lines
    lines.append(f"documents, queries = documents[:, :{dim}].copy(), queries[:, :{dim}].copy()")
    if model.similarity != "dot":
        lines += [
            "documents /= np.linalg.norm(documents, axis=1, keepdims=True)",
            "queries /= np.linalg.norm(queries, axis=1, keepdims=True)",
        ]
    return lines


def _codes(candidate: Candidate, name: str) -> list[str]:
    """What is stored of each vector."""
    match candidate.view.precision if candidate.view else "float32":
        case "float16":
            return [_STORED, f"codes = {name}.astype(np.float16)"]
        case "int8":
            return [
                "# Of the whole corpus: keep them, since queries and later documents are compared by the same ranges.",
                f"ranges = np.stack([{name}.min(axis=0), {name}.max(axis=0)])",
                _STORED,
                f'codes = quantize_embeddings({name}, precision="int8", ranges=ranges)',
            ]
        case "binary":
            lines = [f'codes = quantize_embeddings({name}, precision="ubinary")']
            if name == "documents":
                lines.append('queries = quantize_embeddings(queries, precision="ubinary")')
            return lines
    return []


def _index(candidate: Candidate) -> list[str]:
    """Building the index that was measured, and searching it."""
    if candidate.view is None:
        return []
    dim, precision = candidate.view.truncate_dim, candidate.view.precision
    hnsw = candidate.index == "hnsw"
    inner = "faiss.METRIC_INNER_PRODUCT"
    added = "documents"
    if precision == "binary":
        added = "codes"
        made = f"IndexBinaryHNSW({padded(dim)}, {M})" if hnsw else f"IndexBinaryFlat({padded(dim)})"
    elif precision == "float32":
        made = f"IndexHNSWFlat({dim}, {M}, {inner})" if hnsw else f"IndexFlatIP({dim})"
    else:
        kind = f"faiss.ScalarQuantizer.{_SCALAR[precision]}"
        made = f"IndexHNSWSQ({dim}, {kind}, {M}, {inner})" if hnsw else f"IndexScalarQuantizer({dim}, {kind}, {inner})"
    lines = [f"index = faiss.{made}"]
    if hnsw:
        lines += [f"index.hnsw.efConstruction = {EF_CONSTRUCTION}", f"index.hnsw.efSearch = {EF_SEARCH}"]
    if precision == "int8":
        lines.append("index.train(ranges)")
    lines.append(f"index.add({added})")
    if candidate.shortlist is not None:
        return [*lines, *_second_stage(candidate.shortlist)]
    found = "distances" if precision == "binary" else "scores"
    return [*lines, f"{found}, rows = index.search(queries, 10)"]


def _second_stage(length: int) -> list[str]:
    """Ranking shortlists again."""
    return [
        f"_, shortlists = index.search(queries, min({length}, index.ntotal))",
        "rows = np.stack(",
        "    [",
        "        shortlist[np.argsort(-(full_documents[shortlist] @ query))[:10]]",
        "        for shortlist, query in zip(shortlists, full_queries)",
        "    ]",
        ")",
    ]


def _baseline() -> str:
    return "\n".join(
        [
            "import bm25s",
            "import Stemmer",
            "",
            "",
            "def words(texts):",
            '    return bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), return_ids=False)',
            "",
            "",
            'index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)',
            "index.index(words(documents))",
            "rows, scores = index.retrieve(words(queries), k=10)",
            "",
        ]
    )
