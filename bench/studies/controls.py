"""Controls for truncation as a study (bench.quality.controls)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.models.profile import ModelProfile
from bench.plan import Job, PlannedModel
from bench.quality.controls import score_controls
from bench.quality.evaluate import Scores
from bench.quality.score import Encode, vectors_of
from bench.records import control_columns, control_record
from bench.results.index import ResultIndex, ResultKey
from bench.results.store import ResultStore
from bench.results.study_records import ControlRecord
from bench.tasks.mteb_data import MtebData
from bench.tasks.unit import TaskUnit
from bench.views import CONTROLS, ControlledView


class ControlStudy:
    """Every control at every dimension of a model below its width."""

    part = "control"

    def parts(self, model: PlannedModel, unit: TaskUnit) -> list[ControlledView]:
        """The cuts; none of a baseline, of random weights, or of what mteb scores."""
        if model.width is None or model.entry.drawn or unit.info.type == "mteb":
            return []
        dims = dict.fromkeys(view.truncate_dim for view in model.views if view.truncate_dim < model.width)
        return [ControlledView(control, dim) for control in CONTROLS for dim in dims]

    def results(self, index: ResultIndex) -> Mapping[ResultKey, Mapping[ControlledView, ControlRecord]]:
        """The newest record of every cut that has been scored."""
        return {key: {cut: cell.record for cut, cell in cells.items()} for key, cells in index.controls.items()}

    def score(
        self, job: Job, parts: Sequence[ControlledView], encode: Encode, profile: ModelProfile
    ) -> Iterator[tuple[ControlledView, Scores | BenchError]]:
        """Score some cuts (see Study.score)."""
        data, name = job.unit.data, job.model.entry.name
        if isinstance(data, MtebData):
            raise BenchError("controls are not scored on tasks that mteb scores", where=f"task `{job.unit.label}`")
        yield from score_controls(data, vectors_of(data, encode, name), parts, profile.similarity)

    def write(
        self, store: ResultStore, job: Job, profile: ModelProfile, scored: Sequence[tuple[ControlledView, Scores]]
    ) -> Path:
        """Write the record of cuts scored together."""
        record = control_record(store.stamp(), job.model, job.unit, profile, scored)
        return store.write_controls(record, control_columns(job.unit, scored))
