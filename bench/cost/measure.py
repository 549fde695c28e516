"""What is to be probed of one model on one task unit."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cost.effort import Effort
from bench.cost.encoding import draw, encoding_jobs
from bench.cost.loading import ModelFiles
from bench.cost.schedule import ProbeJob, Subject
from bench.cost.searching import SEARCHING, SearchTask, StoredTexts, dense_jobs, search_jobs
from bench.models.keys import Role
from bench.models.profile import ModelProfile, TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.encode import batch_memory
from bench.vectors.store import VectorSpace
from bench.views import View

PROBES = ("encode", "bulk", "memory", "energy", "search", "rerank", "storage")
_OF_BASELINES = ("search",)
_MODULES = "bench.cost.probes."


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
        contexts: What the task's texts of each role are encoded with.
    """

    entry: ModelEntry
    located: Located
    space: VectorSpace
    profile: ModelProfile
    contexts: Mapping[Role, TextContext]


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
    files = ModelFiles(model.entry, model.located, model.space.folder.name, model.profile, model.contexts)
    jobs, not_measured = encoding_jobs(files, batch_memory(model.space), data, effort, probes)
    if isinstance(data, RetrievalData):
        if can_search():
            task = SearchTask(data, main_metric, corpus_size)
            vectors = StoredTexts(model.space, model.profile, model.contexts)
            searched = dense_jobs(vectors, task, views, workspace, effort, probes)
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
        "query_texts": draw(data.queries, effort.queries),
        "calls": effort.search(),
        "kinds": ["bm25"],
    }
    return Subject(name, [ProbeJob("search", f"{_MODULES}build", build, 3.0), *search_jobs(job, effort)])
