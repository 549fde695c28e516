"""What is to be probed of one model on one task unit."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cost.effort import Effort
from bench.cost.encoding import draw, encoding_jobs
from bench.cost.loading import ModelFiles
from bench.cost.schedule import ProbeJob, Subject
from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.tasks.data import PairData, RetrievalData
from bench.vectors.encode import batch_memory
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.views import View

PROBES = ("encode", "bulk", "memory", "energy", "search")
_SEARCHING = ("search",)
_OF_BASELINES = ("search",)
_MODULES = "bench.cost.probes."
# What a process needs besides what it times, on the machine that this was written on.
_STARTING_SECONDS = 0.8


def possible_probes(*, searching: bool, baseline: bool) -> tuple[str, ...]:
    """The probes that have a meaning: a baseline does not encode, and only retrieval searches."""
    return tuple(
        probe for probe in PROBES if (searching or probe not in _SEARCHING) and (not baseline or probe in _OF_BASELINES)
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
) -> Subject:
    """The probes of an embedding model: encoding, memory, and for retrieval also search at every view.

    Args:
        name: What the listener is told.
        model: The model.
        data: The task's data; texts are drawn from it by seed.
        views: The views to search at; their vectors must be in the store.
        workspace: A folder for indices that is there until all has been measured.
        effort: How much is measured.
        probes: Which of PROBES.
    """
    files = ModelFiles(model.entry, model.located, model.space.folder.name)
    jobs, not_measured = encoding_jobs(files, batch_memory(model.space), data, effort, probes)
    if isinstance(data, RetrievalData):
        if can_search():
            build = _build_job(model, data, views, workspace, effort)
            jobs += _search_jobs(build, {"workspace": str(workspace), "calls": effort.search()}, views, effort)
        elif "search" in probes:
            not_measured["search"] = "faiss is not installed: pip install 'mrl-bench[search]'"
    return Subject(name, [job for job in jobs if job.probe in probes], not_measured)


def baseline_subject(
    name: str, data: RetrievalData, workspace: Path, effort: Effort, probes: Sequence[str] = PROBES
) -> Subject:
    """The probes of the BM25 baseline: search latency, memory and index size (see model_subject)."""
    build = {"workspace": str(workspace), "texts": data.documents}
    search = {
        "workspace": str(workspace),
        "query_texts": draw(data.queries, effort.queries),
        "calls": effort.search(),
    }
    return Subject(name, _search_jobs(build, search, [], effort) if "search" in probes else [])


def _search_jobs(
    build: dict[str, Any], search: dict[str, Any], views: Sequence[View], effort: Effort
) -> list[ProbeJob]:
    """Build once, then time in several processes; memory in one of its own a view."""
    builder = f"{_MODULES}build"
    all_views = [(view.truncate_dim, view.precision) for view in views]
    each = [{"views": [view]} for view in all_views] or [{}]
    seconds = _STARTING_SECONDS + len(each) * (effort.search()["min_seconds"] + 0.3)
    return [
        ProbeJob("search", builder, build, 3.0),
        ProbeJob(
            "search", f"{_MODULES}search", search | {"views": all_views}, seconds, effort.processes, needs=builder
        ),
        *(
            ProbeJob("search", f"{_MODULES}search_memory", search | view, _STARTING_SECONDS, needs=builder)
            for view in each
        ),
    ]


def _build_job(
    model: MeasuredModel, data: RetrievalData, views: Sequence[View], workspace: Path, effort: Effort
) -> dict[str, Any]:
    files = {}
    for role, texts in (("query", data.queries), ("document", data.documents)):
        keys = text_keys(texts, model.profile.context(model.entry, role))  # type: ignore[arg-type]
        files[role] = workspace / f"{role}.keys"
        files[role].write_bytes(keys_to_bytes(keys))
    return {
        "workspace": str(workspace),
        "space": {"root": str(model.space.folder.parent), "fingerprint": model.space.folder.name},
        "documents": str(files["document"]),
        "queries": str(files["query"]),
        "similarity": model.profile.similarity,
        "views": [(view.truncate_dim, view.precision) for view in views],
        "max_queries": effort.queries,
    }
