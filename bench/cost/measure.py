"""All probes of one model on one task unit, as one cost record's figures."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.process import NoiseWatch, run_probe
from bench.errors import BenchError
from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.results.schema import Figure, Noise
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.encode import batch_memory
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.views import View

_SEED = 20240917
_SINGLES = 256
_BULK = 512


@dataclass(frozen=True)
class Subject:
    """A located model with its stored vectors.

    Attributes:
        entry: Its entry in the registry.
        located: Its files.
        space: Its stored vectors.
        profile: Its profile.
    """

    entry: ModelEntry
    located: Located
    space: VectorSpace
    profile: ModelProfile


@dataclass(frozen=True)
class Measurement:
    """What the probes gave.

    Attributes:
        figures: All figures.
        samples: Raw latencies in ms, by what was timed.
        settings: How it was measured.
        noise: How busy the machine was.
        not_measured: Probe and reason, for what cannot be measured here.
        failures: Errors of probes that failed.
    """

    figures: list[Figure]
    samples: dict[str, list[float]]
    settings: dict[str, Any]
    noise: Noise
    not_measured: dict[str, str]
    failures: list[BenchError]


def measure_model(
    subject: Subject, data: RetrievalData | PairData, views: Sequence[View], on_probe: Callable[[str], None]
) -> Measurement:
    """Encode latency, throughput and memory; for retrieval also search at every view. A failed probe stops no other.

    Args:
        subject: The model.
        data: The task's data; texts are drawn from it by seed.
        views: The views to search at; their vectors must be in the store.
        on_probe: Called with a probe's name before it starts.
    """
    entry = subject.entry
    retrieval = isinstance(data, RetrievalData)
    texts = (data.queries, data.documents) if isinstance(data, RetrievalData) else (data.sentences1, data.sentences2)
    fixed = entry.batch_size if entry.batch_size != "auto" else None
    jobs: list[tuple[str, str, dict[str, Any]]] = [
        (
            "encode",
            "bench.cost.encode_probe",
            {
                "entry": entry.model_dump(mode="json", exclude_unset=True),
                "base_dir": str(entry.base_dir),
                "space": subject.space.folder.name,
                "located": {**asdict(subject.located), "path": str(subject.located.path)},
                "singles": _draw(texts[0], _SINGLES),
                "single_role": "query" if retrieval else "text",
                "bulk": _draw(texts[1], _BULK),
                "bulk_role": "document" if retrieval else "text",
                "batch_rows": fixed,
                "batch_memory": str(batch_memory(subject.space)),
            },
        )
    ]
    not_measured = {}
    with tempfile.TemporaryDirectory(prefix="bench-keys-") as folder:
        if isinstance(data, RetrievalData):
            if can_search():
                jobs.append(("search", "bench.cost.search_probe", _search_job(subject, data, views, Path(folder))))
            else:
                not_measured["search"] = "faiss is not installed: pip install 'mrl-bench[search]'"
        return _measure(jobs, on_probe, not_measured)


def can_search() -> bool:
    """Whether the library that search is measured with is installed."""
    return importlib.util.find_spec("faiss") is not None


def measure_baseline(data: RetrievalData, on_probe: Callable[[str], None]) -> Measurement:
    """Search latency, memory and index size of the BM25 baseline."""
    job = {"texts": data.documents, "query_texts": data.queries}
    return _measure([("search", "bench.cost.search_probe", job)], on_probe, {})


def _measure(
    jobs: list[tuple[str, str, dict[str, Any]]], on_probe: Callable[[str], None], not_measured: dict[str, str]
) -> Measurement:
    figures: list[Figure] = []
    samples: dict[str, list[float]] = {}
    settings: dict[str, Any] = {}
    failures: list[BenchError] = []
    watch = NoiseWatch()
    for name, module, job in jobs:
        on_probe(name)
        try:
            with watch.probe():
                answer = run_probe(module, job)
        except BenchError as error:
            failures.append(error)
            not_measured[name] = error.one_line
            continue
        figures += [Figure(**figure) for figure in answer["figures"]]
        samples |= answer["samples"]
        settings[name] = answer["settings"]
    return Measurement(figures, samples, settings, watch.finish(), not_measured, failures)


def _search_job(subject: Subject, data: RetrievalData, views: Sequence[View], folder: Path) -> dict[str, Any]:
    files = {}
    for role, texts in (("query", data.queries), ("document", data.documents)):
        keys = text_keys(texts, subject.profile.context(subject.entry, role))  # type: ignore[arg-type]
        files[role] = folder / f"{role}.keys"
        files[role].write_bytes(keys_to_bytes(keys))
    return {
        "space": {"root": str(subject.space.folder.parent), "fingerprint": subject.space.folder.name},
        "documents": str(files["document"]),
        "queries": str(files["query"]),
        "similarity": subject.profile.similarity,
        "views": [(view.truncate_dim, view.precision) for view in views],
    }


def _draw(texts: Sequence[str], count: int) -> list[str]:
    """A sample of unique texts, the same for the same texts."""
    unique = sorted(set(texts))
    rng = np.random.default_rng(_SEED)
    return [unique[row] for row in rng.permutation(len(unique))[:count]]
