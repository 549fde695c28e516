"""Shortlists of views that are ranked again at full width as a study (bench.quality.reranking)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.keys import Role
from bench.models.profile import ModelProfile
from bench.models.prompts import text_context
from bench.plan import Job, PlannedModel
from bench.quality.evaluate import Estimate, Scores, left_out
from bench.quality.reranking import score_reranked
from bench.quality.score import Encode, vectors_of
from bench.quality.shortlists import RECALL, Judged
from bench.records import rerank_columns, rerank_record
from bench.results.index import ResultIndex, ResultKey
from bench.results.store import ResultStore
from bench.results.study_records import RerankRecord
from bench.statistics.bootstrap import mean_intervals
from bench.tasks.data import RetrievalData
from bench.tasks.unit import TaskUnit
from bench.vectors.store import keys_to_bytes, text_keys
from bench.views import Shortlist, is_short, lengths_of

Float64 = npt.NDArray[np.float64]


class RerankStudy:
    """Every length of shortlist at every view of a model but the full width in float32."""

    part = "shortlist"

    def parts(self, model: PlannedModel, unit: TaskUnit) -> list[Shortlist]:
        """The shortlists; none of a baseline, of random weights, or where no documents are searched."""
        if model.width is None or model.entry.drawn or unit.info.documents is None:
            return []
        lengths = lengths_of(model.shortlists, unit.info.documents)
        views = [view for view in model.views if is_short(view, model.width)]
        return [Shortlist(view, length) for view in views for length in lengths]

    def results(self, index: ResultIndex) -> Mapping[ResultKey, Mapping[Shortlist, RerankRecord]]:
        """The newest record of every shortlist that has been scored."""
        return {key: {part: cell.record for part, cell in cells.items()} for key, cells in index.reranked.items()}

    def score(
        self, job: Job, parts: Sequence[Shortlist], encode: Encode, profile: ModelProfile
    ) -> Iterator[tuple[Shortlist, Scores | BenchError]]:
        """Score some shortlists (see Study.score)."""
        data, unit = job.unit.data, job.unit
        if not isinstance(data, RetrievalData):
            raise BenchError("only tasks that search documents have shortlists", where=f"task `{unit.label}`")
        vectors = vectors_of(data, encode, job.model.entry.name)
        judged = judge(data, job, profile)
        views = list(dict.fromkeys(part.view for part in parts))
        lengths = sorted({part.length for part in parts})
        scored = score_reranked(
            judged, vectors["query"], vectors["document"], views, profile.similarity, lengths, [unit.main_metric]
        )
        for view, values in scored:
            found = values if isinstance(values, BenchError) else dict(zip(lengths, _scores(data, values), strict=True))
            for part in parts:
                if part.view == view:
                    yield part, found if isinstance(found, BenchError) else found[part.length]

    def write(
        self, store: ResultStore, job: Job, profile: ModelProfile, scored: Sequence[tuple[Shortlist, Scores]]
    ) -> Path:
        """Write the record of shortlists scored together."""
        record = rerank_record(store.stamp(), job.model, job.unit, profile, scored)
        return store.write_rerank(record, rerank_columns(job.unit, scored))


def judge(data: RetrievalData, job: Job, profile: ModelProfile) -> Judged:
    """What is relevant, with texts told apart by the keys that their vectors are stored by."""
    roles: tuple[tuple[list[str], Role], ...] = ((data.queries, "query"), (data.documents, "document"))
    contexts = {role: text_context(job.model.entry, profile, job.unit.prompt_task, role) for _, role in roles}
    keys = [keys_to_bytes(text_keys(texts, contexts[role])) for texts, role in roles]
    # Half of a key tells texts apart well enough to draw lots with.
    queries, documents = (np.frombuffer(raw, dtype="<u8")[::2] for raw in keys)
    pairs = data.pair_queries, data.pair_documents, data.pair_gains
    return Judged(queries, documents, *pairs, *left_out(data), data.lacking_queries, data.lacking_gains)


def _scores(data: RetrievalData, values: Mapping[str, Float64]) -> Iterator[Scores]:
    """The scores of each length, with intervals where there is more than one text of a query."""
    clusters = data.clusters
    table = np.concatenate(list(values.values())).T
    means = table.mean(axis=0).tolist()
    ends = mean_intervals(table, clusters).T.tolist() if clusters.any() else [(None, None)] * len(means)
    estimates = iter([Estimate(mean, low, high) for mean, (low, high) in zip(means, ends, strict=True)])
    metrics = {name: [next(estimates) for _ in rows] for name, rows in values.items()}
    for row in range(len(values[RECALL])):
        yield Scores(
            {name: found[row] for name, found in metrics.items()},
            data.query_ids,
            {name: rows[row] for name, rows in values.items()},
            clusters,
        )
