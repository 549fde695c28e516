"""What is to be probed of one model on one task unit."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.cost.effort import Effort
from bench.cost.loading import ModelFiles
from bench.cost.schedule import ProbeJob, Subject
from bench.cost.searching import SEARCHING, SearchTask, dense_jobs, search_jobs
from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.encode import batch_memory
from bench.vectors.pipeline import usable_cores
from bench.vectors.store import VectorSpace
from bench.views import View

PROBES = ("encode", "bulk", "memory", "search", "rerank", "storage")
_OF_BASELINES = ("search",)
_SEED = 20240917
_SINGLES = 256
_BULK = 512
_MODULES = "bench.cost.probes."
# What a process needs besides what it times, on the machine that this was written on.
_LOADING_SECONDS = 7.0


def possible_probes(*, searching: bool, baseline: bool) -> tuple[str, ...]:
    """The probes that have a meaning: a baseline does not encode, and only retrieval searches."""
    return tuple(
        probe for probe in PROBES if (searching or probe not in SEARCHING) and (not baseline or probe in _OF_BASELINES)
    )


@dataclass(frozen=True)
class MeasuredModel:
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


def can_search() -> bool:
    """Whether the library that search is measured with is installed."""
    return importlib.util.find_spec("faiss") is not None


def model_subject(
    name: str,
    model: MeasuredModel,
    data: RetrievalData | PairData,
    views: Sequence[View],
    workspace: Path,
    effort: Effort,
    probes: Sequence[str] = PROBES,
    *,
    main_metric: str,
    corpus_size: int | None = None,
) -> Subject:
    """The probes of an embedding model: encoding, memory, and for retrieval also what searching every view takes.

    Args:
        name: What the listener is told.
        model: The model.
        data: The task's data; texts are drawn from it by seed.
        views: The views to search at; their vectors must be in the store.
        workspace: A folder for indices that is there until all has been measured.
        effort: How much is measured.
        probes: Which of PROBES.
        main_metric: The task's.
        corpus_size: Documents of the synthetic corpus to search instead of the task's.
    """
    retrieval = isinstance(data, RetrievalData)
    files = ModelFiles(model.entry, model.located, model.space.folder.name).to_job()
    if isinstance(data, RetrievalData):
        singles = {"query": _draw(data.queries, _SINGLES), "document": _draw(data.documents, _SINGLES)}
        bulk = _draw(data.documents, _BULK)
    else:
        singles = {"text": _draw(data.sentences1, _SINGLES)}
        bulk = _draw([*data.sentences1, *data.sentences2], _BULK)
    main, role = ("query", "document") if retrieval else ("text", "text")
    jobs: list[ProbeJob] = []
    calls, seconds = effort.encode(), len(singles) * (effort.encode()["min_seconds"] + 2.0)
    for threads in dict.fromkeys((usable_cores(), 1)):
        detail = threads if threads != usable_cores() else None
        job = {"model": files, "texts": singles, "main": main, "threads": detail, "calls": calls}
        jobs.append(ProbeJob("encode", f"{_MODULES}encode", job, _LOADING_SECONDS + seconds, effort.processes, threads))
    bulk_job = {
        "model": files,
        "texts": bulk,
        "role": role,
        "batch_rows": model.entry.batch_size if model.entry.batch_size != "auto" else None,
        "batch_memory": str(batch_memory(model.space)),
    }
    jobs.append(ProbeJob("bulk", f"{_MODULES}bulk", bulk_job, 15.0, effort.processes, usable_cores()))
    memory_job = {"model": files, "texts": bulk, "role": role}
    jobs.append(ProbeJob("memory", f"{_MODULES}memory", memory_job, 12.0))
    not_measured: dict[str, str] = {}
    if isinstance(data, RetrievalData):
        if can_search():
            task = SearchTask(data, main_metric, corpus_size)
            searched = dense_jobs(model.entry, model.space, model.profile, task, views, workspace, effort, probes)
            jobs += searched.jobs
            not_measured |= searched.not_measured
        else:
            why = "faiss is not installed: pip install 'mrl-bench[search]'"
            not_measured |= {probe: why for probe in SEARCHING if probe in probes}
    return Subject(name, [job for job in jobs if job.probe in probes], not_measured)


def baseline_subject(
    name: str, data: RetrievalData, workspace: Path, effort: Effort, probes: Sequence[str] = PROBES
) -> Subject:
    """The probes of the BM25 baseline: search latency, memory and index size (see model_subject)."""
    if "search" not in probes:
        return Subject(name, [])
    build = {"workspace": str(workspace), "texts": data.documents}
    job = {
        "workspace": str(workspace),
        "query_texts": _draw(data.queries, effort.queries),
        "calls": effort.search(),
        "kinds": ["bm25"],
    }
    return Subject(name, [ProbeJob("search", f"{_MODULES}build", build, 3.0), *search_jobs(job, effort)])


def _draw(texts: Sequence[str], count: int) -> list[str]:
    """A sample of unique texts, the same for the same texts."""
    unique = sorted(set(texts))
    rng = np.random.default_rng(_SEED)
    return [unique[row] for row in rng.permutation(len(unique))[:count]]
