"""Fidelity as a study: every view beside the same model at full width in float32 (bench.quality.fidelity)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.models.profile import ModelProfile
from bench.plan import Job, PlannedModel
from bench.quality.fidelity import FidelityScores, score_fidelity
from bench.quality.score import Encode, vectors_of
from bench.records import FIDELITY_SETTINGS, fidelity_record, item_columns
from bench.results.index import ResultIndex, ResultKey
from bench.results.store import ResultStore
from bench.results.study_records import FidelityRecord
from bench.tasks.mteb_data import MtebData
from bench.tasks.unit import TaskUnit
from bench.views import View


class FidelityStudy:
    """Every view of a model but the one that is the reference."""

    part = "comparison"

    def parts(self, model: PlannedModel, unit: TaskUnit) -> list[View]:
        """The views; none of a baseline, of random weights, or of what mteb scores."""
        if model.width is None or model.entry.drawn or unit.info.type == "mteb":
            return []
        return [view for view in model.views if view != View(model.width)]

    def results(self, index: ResultIndex) -> Mapping[ResultKey, Mapping[View, FidelityRecord]]:
        """The newest record of every view that has been compared as it would be now."""
        return {
            key: {view: cell.record for view, cell in cells.items() if cell.record.settings == FIDELITY_SETTINGS}
            for key, cells in index.fidelity.items()
        }

    def score(
        self, job: Job, parts: Sequence[View], encode: Encode, profile: ModelProfile
    ) -> Iterator[tuple[View, FidelityScores | BenchError]]:
        """Compare some views (see Study.score)."""
        data, name = job.unit.data, job.model.entry.name
        if isinstance(data, MtebData):
            raise BenchError("fidelity is not told of tasks that mteb scores", where=f"task `{job.unit.label}`")
        yield from score_fidelity(data, vectors_of(data, encode, name), parts, profile.similarity)

    def write(
        self, store: ResultStore, job: Job, profile: ModelProfile, scored: Sequence[tuple[View, FidelityScores]]
    ) -> Path:
        """Write the record of views compared together."""
        record = fidelity_record(store.stamp(), job.model, job.unit, profile, scored)
        return store.write_fidelity(record, item_columns(job.unit, scored))
