"""What is to be probed of searching: indices, latency, throughput, memory, reranking, storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.effort import Effort
from bench.cost.schedule import ProbeJob
from bench.models.keys import Role
from bench.models.profile import ModelProfile, TextContext
from bench.quality.evaluate import left_out
from bench.results.schema import FigureKey, figure_key
from bench.tasks.data import RetrievalData
from bench.vectors.pipeline import usable_cores
from bench.vectors.store import VectorSpace, keys_to_bytes, text_keys
from bench.views import SHORTLISTS, View, is_short, lengths_of

SEARCHING = ("search", "rerank", "storage")
# Documents of the shortlist whose second stage is timed alone, and that leaderboards show.
SHORTLIST = 100
# Most documents that HNSW is built over unasked, so that a run of sixteen views keeps within minutes.
HNSW_DOCUMENTS = 50_000
# Most scores of a first stage that the quality of reranking is worth: queries times documents.
_RERANK_SCORES = 2_000_000_000
_MODULES = "bench.cost.probes."
# What a process needs besides what it times, on the machine that this was written on.
_STARTING_SECONDS = 0.8


@dataclass(frozen=True)
class SearchTask:
    """What is searched.

    Attributes:
        data: The task's data.
        main_metric: Its metric.
        corpus_size: Documents of a synthetic corpus; None for the task's own.
    """

    data: RetrievalData
    main_metric: str
    corpus_size: int | None = None


@dataclass(frozen=True)
class StoredTexts:
    """The vectors of a task's texts, which are in the store.

    Attributes:
        space: The model's stored vectors.
        profile: Its profile.
        contexts: What texts of each role are encoded with.
    """

    space: VectorSpace
    profile: ModelProfile
    contexts: Mapping[Role, TextContext]


@dataclass(frozen=True)
class SearchPlan:
    """What is measured, and what is not.

    Attributes:
        jobs: The probes.
        not_measured: What cannot be or is left out, and why.
    """

    jobs: list[ProbeJob]
    not_measured: dict[str, str]


def figure_of(probe: str, view: View | None, width: int | None, corpus_size: int | None = None) -> FigureKey | None:
    """A figure that is there when a probe has measured a view; None where it has nothing to measure.

    Args:
        probe: The probe.
        view: The view; None of a baseline.
        width: Dimensions of the full vector; None of a baseline.
        corpus_size: Documents of a synthetic corpus; None for the task's own.
    """
    dim, precision = (None, None) if view is None else (view.truncate_dim, view.precision)
    match probe:
        case "search":
            return figure_key("search_max_ms", dim, precision, {} if corpus_size is None else {"corpus": corpus_size})
        case "storage":
            return figure_key("vectors_bytes", dim, precision, {})
        case "rerank" if view is not None and width is not None and is_short(view, width):
            return figure_key("rerank_max_ms", dim, precision, {"shortlist": SHORTLIST})
    return None


def dense_jobs(
    vectors: StoredTexts,
    task: SearchTask,
    views: Sequence[View],
    workspace: Path,
    effort: Effort,
    probes: Sequence[str],
) -> SearchPlan:
    """The probes of searching the vectors of a model.

    The task's own corpus is searched at all views together; of a synthetic one, which may be large, one view's indices
    are there at a time.

    Args:
        vectors: The model's vectors.
        task: What is searched.
        views: The views to search at.
        workspace: A folder for indices that is there until all has been measured.
        effort: How much is measured.
        probes: The probes that were asked for.
    """
    wanted = set(probes) & set(SEARCHING)
    kinds, not_measured = _kinds(task, wanted, effort)
    space_job = {
        "workspace": str(workspace),
        "space": {"root": str(vectors.space.folder.parent), "fingerprint": vectors.space.folder.name},
        "similarity": vectors.profile.similarity,
        "corpus_size": task.corpus_size,
        **_key_files(vectors.contexts, task.data, workspace),
    }
    shortlists = _names([view for view in views if is_short(view, vectors.profile.width)])
    rerank = "rerank" in wanted and bool(shortlists)
    build = space_job | {"max_queries": effort.queries, "full": rerank, "kinds": kinds}
    jobs = _index_jobs(build, task, views, wanted, effort)
    if rerank:
        stage = space_job | {"views": shortlists, "shortlist": SHORTLIST}
        found = _rerank_jobs(stage, task, workspace, effort)
        jobs += found.jobs
        not_measured |= found.not_measured
    if "storage" in wanted:
        jobs.append(ProbeJob("storage", f"{_MODULES}storage", space_job | {"views": _names(views)}, 2.0, watched=False))
    return SearchPlan(jobs, not_measured)


def _kinds(task: SearchTask, wanted: set[str], effort: Effort) -> tuple[list[str], dict[str, str]]:
    """The kinds of indices to build, and what is not measured for the lack of one."""
    if not effort.thorough:
        left = [text for probe, text in (("search", _LEFT_OUT), ("storage", "HNSW")) if probe in wanted]
        return ["flat"], ({left[0]: "left out of a quick look"} if left else {})
    if not wanted & {"search", "storage"}:
        return ["flat"], {}
    n = len(task.data.documents)
    if task.corpus_size is None and n > HNSW_DOCUMENTS:
        why = f"{n:,} documents are more than {HNSW_DOCUMENTS:,}; `bench cost --corpus-size {n}` builds it"
        return ["flat"], {"HNSW": why}
    return ["flat", "hnsw"], {}


def _index_jobs(
    build: dict[str, Any], task: SearchTask, views: Sequence[View], wanted: set[str], effort: Effort
) -> list[ProbeJob]:
    """Building indices, and searching them."""
    owner = next((probe for probe in ("search", "storage", "rerank") if probe in wanted), "search")
    detail = {} if task.corpus_size is None else {"corpus": task.corpus_size}
    groups = [list(views)] if task.corpus_size is None else [[view] for view in views]
    count = task.corpus_size or len(task.data.documents)
    timed = "hnsw" in build["kinds"]
    jobs = []
    for number, group in enumerate(groups):
        job = build | {"views": _names(group), "detail": detail}
        seconds = _STARTING_SECONDS + len(group) * count * (1e-4 if timed else 2e-6)
        jobs.append(ProbeJob(owner, f"{_MODULES}build", job, seconds, group=number, watched=timed))
        if "search" in wanted:
            jobs += search_jobs({**job, "calls": effort.search()}, effort, number)
    return jobs


def _rerank_jobs(stage: dict[str, Any], task: SearchTask, workspace: Path, effort: Effort) -> SearchPlan:
    """Ranking shortlists again: the second stage alone, both stages, and what quality that gives."""
    jobs, not_measured = [_rerank_job(stage, effort)], {}
    if effort.thorough:
        jobs.append(_cascade_job(stage, len(task.data.documents), effort))
    else:
        not_measured["cascades"] = "left out of a quick look"
    if len(task.data.queries) * len(task.data.documents) <= _RERANK_SCORES:
        quality = stage | {"judged": str(write_judged(task.data, workspace)), "metric": task.main_metric}
        jobs.append(ProbeJob("rerank", f"{_MODULES}rerank_quality", quality, 5.0, watched=False))
    else:
        not_measured[f"{task.main_metric} after reranking"] = "too many queries times documents to score again"
    return SearchPlan(jobs, not_measured)


_LEFT_OUT = "HNSW, search in bulk, memory of search"


def search_jobs(job: dict[str, Any], effort: Effort, group: int = 0) -> list[ProbeJob]:
    """Search what `bench.cost.probes.build` has built: time in several processes, memory in one of its own an index.

    Args:
        job: As bench.cost.probes.search takes it.
        effort: How much is measured.
        group: Of the build.
    """
    needs = f"{_MODULES}build"
    indices = [(view, kind) for view in job.get("views", ()) for kind in job["kinds"]]
    seconds = _STARTING_SECONDS + max(len(indices), 1) * (effort.search()["min_seconds"] + 0.15)
    jobs = [ProbeJob("search", f"{_MODULES}search", job, seconds, effort.processes, 1, needs, group)]
    if not effort.thorough:
        return jobs
    if indices:
        seconds = _STARTING_SECONDS + 0.3 * len(indices)
        bulk = ProbeJob(
            "search", f"{_MODULES}search_bulk", job, seconds, effort.processes, usable_cores(), needs, group
        )
        jobs.append(bulk)
    each = [job | {"views": [view], "kinds": [kind]} for view, kind in indices] or [job]
    memory = f"{_MODULES}search_memory"
    # Nothing is timed, so that there is no need to know how busy the machine is.
    jobs += [ProbeJob("search", memory, one, _STARTING_SECONDS, 1, 1, needs, group, watched=False) for one in each]
    return jobs


def write_judged(data: RetrievalData, workspace: Path) -> Path:
    """Write which documents are relevant as bench.cost.probes.rerank_quality reads it.

    Args:
        data: The task's data.
        workspace: The folder to write to.
    """
    excluded_queries, excluded_documents = left_out(data)
    path = workspace / "judged.npz"
    np.savez(
        path,
        pair_queries=data.pair_queries,
        pair_documents=data.pair_documents,
        pair_gains=data.pair_gains,
        excluded_queries=excluded_queries,
        excluded_documents=excluded_documents,
        lacking_queries=data.lacking_queries,
        lacking_gains=data.lacking_gains,
    )
    return path


def _rerank_job(stage: dict[str, Any], effort: Effort) -> ProbeJob:
    job = stage | {"calls": effort.search()}
    seconds = _STARTING_SECONDS + len(stage["views"]) * (effort.search()["min_seconds"] + 0.15)
    return ProbeJob("rerank", f"{_MODULES}rerank", job, seconds, effort.processes, 1, f"{_MODULES}build")


def _cascade_job(stage: dict[str, Any], documents: int, effort: Effort) -> ProbeJob:
    lengths = lengths_of(SHORTLISTS, documents)
    job = stage | {"shortlists": lengths, "calls": effort.cascade()}
    seconds = _STARTING_SECONDS + len(stage["views"]) * len(lengths) * (effort.cascade()["min_seconds"] + 0.01)
    return ProbeJob("rerank", f"{_MODULES}cascade", job, seconds, effort.processes, 1, f"{_MODULES}build")


def _key_files(contexts: Mapping[Role, TextContext], data: RetrievalData, workspace: Path) -> dict[str, str]:
    """Files of the keys that the texts' vectors are stored by."""
    keys = {
        "queries": text_keys(data.queries, contexts["query"]),
        "documents": text_keys(data.documents, contexts["document"]),
    }
    for name, found in keys.items():
        (workspace / f"{name}.keys").write_bytes(keys_to_bytes(found))
    return {name: str(workspace / f"{name}.keys") for name in keys}


def _names(views: Sequence[View]) -> list[tuple[int, str]]:
    return [(view.truncate_dim, view.precision) for view in views]
