"""Records of what a run found, from its own objects to the results schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from bench import __version__, environment
from bench.cost.schedule import Measurement
from bench.inputs import roles_of
from bench.measuring import Measured
from bench.models.fingerprint import changed_settings
from bench.models.folders.weights import has_tokenizer
from bench.models.keys import Role
from bench.models.profile import ModelProfile
from bench.models.prompts import text_context
from bench.plan import PlannedModel
from bench.quality.agreement import DEPTH, RBO_P
from bench.quality.changes import SAMPLE
from bench.quality.evaluate import Scores, fold_means
from bench.quality.fidelity import FidelityScores
from bench.quality.shortlists import RECALL
from bench.results import study_records
from bench.results.common import TextInput
from bench.results.items import CLUSTER, GOLD, ITEM_KEYS, SHORTLIST, metric_column
from bench.results.schema import (
    CostRecord,
    Encoding,
    ModelInfo,
    QualityRecord,
    TaskInfo,
    Value,
    ViewScores,
    detail_text,
)
from bench.results.study_records import (
    ControlRecord,
    ControlScores,
    FidelityRecord,
    FidelitySettings,
    LeadingShares,
    RerankRecord,
    ShortlistScores,
)
from bench.tasks.data import RetrievalData
from bench.tasks.unit import TaskUnit
from bench.vectors.encode import EncodeReport
from bench.views import ControlledView, Shortlist, View

Scored = Sequence[tuple[View | None, Scores]]
ControlsScored = Sequence[tuple[ControlledView, Scores]]
ShortlistsScored = Sequence[tuple[Shortlist, Scores]]
FidelityScored = Sequence[tuple[View, FidelityScores]]

FIDELITY_SETTINGS = FidelitySettings(depth=DEPTH, rbo_p=RBO_P, sample=SAMPLE)
# Decimals of the shares that dimensions hold: those of the grid that they are summed on.
_SHARE_DECIMALS = 6


def quality_record(
    created: str,
    model: PlannedModel,
    unit: TaskUnit,
    profile: ModelProfile | None,
    report: EncodeReport | None,
    scored: Scored,
) -> QualityRecord:
    """The record of views scored together."""
    return QualityRecord(
        **_provenance(created, model, unit, profile),
        encoding=Encoding(**asdict(report)) if report else None,
        views=[view_scores(view, scores, unit) for view, scores in scored],
        items="",
    )


def view_scores(view: View | None, scores: Scores, unit: TaskUnit) -> ViewScores:
    """The scores of one view, with those of each fold where the task's queries are divided into folds."""
    folds = unit.data.folds if isinstance(unit.data, RetrievalData) else None
    return ViewScores(
        truncate_dim=view.truncate_dim if view else None,
        precision=view.precision if view else None,
        metrics={name: Value(**asdict(estimate)) for name, estimate in scores.metrics.items()},
        mteb=scores.mteb,
        folds=fold_means(folds, scores.items[unit.main_metric]) if folds else {},
    )


def control_record(
    created: str, model: PlannedModel, unit: TaskUnit, profile: ModelProfile, scored: ControlsScored
) -> ControlRecord:
    """The record of controls scored together, with the metrics that leaderboards show."""
    shown = dict.fromkeys([unit.main_metric, *unit.card.shown])
    return ControlRecord(
        **_provenance(created, model, unit, profile),
        controls=[
            ControlScores(
                method=cut.control.method,
                draw=cut.control.draw,
                truncate_dim=cut.truncate_dim,
                metrics={name: Value(**asdict(scores.metrics[name])) for name in shown},
            )
            for cut, scores in scored
        ],
        items="",
    )


def control_columns(unit: TaskUnit, scored: ControlsScored) -> dict[str, Any]:
    """The Parquet columns of a record of controls: a row a cut and query or pair, with what the main metric needs."""
    of_pairs = unit.info.type == "sts"
    needed = [unit.main_metric.rpartition("_")[0], GOLD] if of_pairs else [unit.main_metric]
    columns: dict[str, Any] = {
        "method": [cut.control.method for cut, scores in scored for _ in scores.ids],
        "draw": pa.array([cut.control.draw for cut, scores in scored for _ in scores.ids], pa.int32()),
        "truncate_dim": [cut.truncate_dim for cut, scores in scored for _ in scores.ids],
        ITEM_KEYS[unit.info.type]: [name for _, scores in scored for name in scores.ids],
    }
    for name in needed:
        columns[name] = np.concatenate([scores.items[name] for _, scores in scored])
    return columns


def rerank_record(
    created: str, model: PlannedModel, unit: TaskUnit, profile: ModelProfile, scored: ShortlistsScored
) -> RerankRecord:
    """The record of shortlists scored together."""
    return RerankRecord(
        **_provenance(created, model, unit, profile),
        shortlists=[
            ShortlistScores(
                truncate_dim=shortlist.view.truncate_dim,
                precision=shortlist.view.precision,
                shortlist=shortlist.length,
                metrics={
                    name: Value(**asdict(estimate)) for name, estimate in scores.metrics.items() if name != RECALL
                },
                recall=Value(**asdict(scores.metrics[RECALL])),
            )
            for shortlist, scores in scored
        ],
        items="",
    )


def rerank_columns(unit: TaskUnit, scored: ShortlistsScored) -> dict[str, Any]:
    """The Parquet columns of a record of shortlists: a row a shortlist and query."""
    columns: dict[str, Any] = {
        "truncate_dim": [shortlist.view.truncate_dim for shortlist, scores in scored for _ in scores.ids],
        "precision": [shortlist.view.precision for shortlist, scores in scored for _ in scores.ids],
        SHORTLIST: [shortlist.length for shortlist, scores in scored for _ in scores.ids],
        ITEM_KEYS[unit.info.type]: [name for _, scores in scored for name in scores.ids],
    }
    for name in (unit.main_metric, RECALL):
        columns[name] = np.concatenate([scores.items[name] for _, scores in scored]).astype(np.float32)
    columns[CLUSTER] = np.concatenate([scores.clusters for _, scores in scored if scores.clusters is not None])
    return columns


def fidelity_record(
    created: str, model: PlannedModel, unit: TaskUnit, profile: ModelProfile, scored: FidelityScored
) -> FidelityRecord:
    """The record of views compared together with the model at full width in float32."""
    leading = scored[0][1].leading
    return FidelityRecord(
        **_provenance(created, model, unit, profile),
        settings=FIDELITY_SETTINGS,
        views=[
            study_records.FidelityScores(
                truncate_dim=view.truncate_dim,
                precision=view.precision,
                measures={name: Value(**asdict(estimate)) for name, estimate in scores.metrics.items()},
            )
            for view, scores in scored
        ],
        leading=LeadingShares(
            variance=None if leading.variance is None else leading.variance.round(_SHARE_DECIMALS).tolist(),
            norm=leading.norm.round(_SHARE_DECIMALS).tolist(),
        ),
        items="",
    )


def cost_record(created: str, measured: Measured) -> CostRecord:
    """The record of one measurement."""
    model, found = measured.job.model, measured.found
    return CostRecord(
        **_provenance(created, model, measured.job.unit, measured.profile),
        setup=model.setup,
        settings=found.settings,
        noise=found.noise,
        figures=found.figures,
        not_measured=found.not_measured,
    )


def sample_columns(measured: Measurement) -> dict[str, Any]:
    """The Parquet columns of a cost record: a row a call, in the order in which they were made."""
    rows = [(process, timed, value) for process, timed in measured.timed for value in timed.milliseconds]
    return {
        "timed": [timed.name for _, timed, _ in rows],
        "truncate_dim": pa.array([timed.truncate_dim for _, timed, _ in rows], pa.int32()),
        "precision": pa.array([timed.precision for _, timed, _ in rows], pa.string()),
        "detail": [detail_text(timed.detail) for _, timed, _ in rows],
        "process": np.array([process for process, *_ in rows], dtype=np.int16),
        "milliseconds": np.array([value for *_, value in rows], dtype=np.float32),
    }


def item_columns(unit: TaskUnit, scored: Scored) -> dict[str, Any]:
    """The Parquet columns of a quality record: a row a view and query, pair or item."""
    key = ITEM_KEYS[unit.info.type]
    first = scored[0][1]
    columns: dict[str, Any] = {
        "truncate_dim": [view.truncate_dim if view else None for view, scores in scored for _ in scores.ids],
        "precision": [view.precision if view else None for view, scores in scored for _ in scores.ids],
        key: [name for _, scores in scored for name in scores.ids],
    }
    for name in first.items:
        columns[metric_column(name)] = np.concatenate([scores.items[name] for _, scores in scored])
    clusters = [scores.clusters for _, scores in scored if scores.clusters is not None]
    if clusters:
        columns[CLUSTER] = np.concatenate(clusters)
    return columns


def _provenance(created: str, model: PlannedModel, unit: TaskUnit, profile: ModelProfile | None) -> dict[str, Any]:
    return {
        "bench_version": __version__,
        "created": created,
        "environment": environment.fingerprint(),
        "model": _model_info(model, profile),
        "task": task_info(unit),
        "inputs": _inputs(model, unit, profile) if profile else None,
    }


def _inputs(model: PlannedModel, unit: TaskUnit, profile: ModelProfile) -> dict[Role, TextInput]:
    """What texts of each role that the unit has were encoded with."""
    task = unit.prompt_task
    found: dict[Role, TextInput] = {}
    for role in roles_of(unit):
        resolved = model.resolved(task, role)
        asked = resolved.instruction
        found[role] = TextInput(
            prompt=resolved.prompt,
            origin=resolved.origin,
            task=text_context(model.entry, profile, task, role).task,
            instruction=asked.text if asked else None,
            instruction_origin=asked.origin if asked else None,
        )
    return found


def _model_info(model: PlannedModel, profile: ModelProfile | None) -> ModelInfo:
    entry, located = model.entry, model.located
    return ModelInfo(
        name=entry.name,
        kind=entry.kind,
        fingerprint=model.fingerprint,
        source=located.source if located else entry.source[0],
        revision=located.revision if located else None,
        width=profile.width if profile else None,
        parameters=profile.parameters if profile else None,
        max_seq_length=profile.max_seq_length if profile else None,
        dtype=entry.dtype if profile else None,
        similarity=profile.similarity if profile else None,
        leakage=entry.leakage,
        backend=entry.backend if located else None,
        weights=entry.weights if located else None,
        tokenizer="stand-in" if entry.drawn and located and not has_tokenizer(located.path) else None,
        pooling=profile.pooling if profile else None,
        pooling_assumed=model.pooling_assumed,
        padding=profile.padding if profile else None,
        settings=changed_settings(entry),
        trust_remote_code=entry.trust_remote_code,
    )


def task_info(unit: TaskUnit) -> TaskInfo:
    """The task unit that a record is about."""
    info = unit.info
    return TaskInfo(
        name=unit.task,
        type=info.type,
        split=unit.split,
        subset=unit.subset,
        fingerprint=unit.fingerprint,
        main_metric=unit.main_metric,
        n=info.n,
        documents=info.documents,
        mteb=unit.card.mteb,
        mteb_type=info.mteb_type,
        dataset=unit.card.hub,
        revision=info.place.revision,
        shown=unit.card.shown,
        notes=info.notes,
        fold_of=unit.fold_of,
        max_loss=unit.max_loss,
    )
