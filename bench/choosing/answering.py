"""From results to the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.choosing.amounts import Amount, read_count
from bench.choosing.answer import Choice, Choosable, Limit, Measure, Relaxation
from bench.choosing.candidates import Candidate, Contest, find_unit, make_contest
from bench.choosing.commands import cost_command
from bench.choosing.constraints import Constraint, check_metric, read_constraints
from bench.choosing.content import content_notes
from bench.choosing.decide import Decision, Effect, Relaxed, decide, fit, unknown
from bench.choosing.known import Known
from bench.choosing.snippet import code
from bench.errors import BenchError, UsageError
from bench.results.folds import without_folds
from bench.results.index import RerankCell, ResultIndex
from bench.results.items import ItemReader, Items, as_columns, shared_clusters
from bench.results.schema import ModelInfo
from bench.results.store import ResultStore
from bench.statistics.paired import holm, indistinguishable, paired_test

_LEVEL = 0.05


def choose(
    task: str,
    *,
    split: str | None = None,
    subset: str | None = None,
    max_storage: Amount | None = None,
    corpus_size: Amount | None = None,
    max_search_p95: Amount | None = None,
    max_encode_p95: Amount | None = None,
    max_memory: Amount | None = None,
    min_share: Amount | None = None,
    min_share_of_best: Amount | None = None,
    min_score: Amount | None = None,
    min_ndcg: Amount | None = None,
    models: Sequence[str] = (),
    environment: str | None = None,
    allow_rerank: bool = False,
    results: str | Path = "results",
) -> Choice:
    """The best view of a task that keeps to all limits, what cannot be told from it, and what each limit costs.

    Args:
        task: The task's name.
        split: Its split, where it has results of several.
        subset: Its subset, likewise.
        max_storage: Most bytes of the serialised index; a text such as "2GB", or a number.
        corpus_size: How many documents will be searched; the task's own by default.
        max_search_p95: Longest search of one query, 95th percentile; a text such as "20ms", or milliseconds.
        max_encode_p95: Longest encoding of one query, likewise.
        max_memory: Most bytes of memory that encoding and searching take together at their peaks.
        min_share: Least share of the model's own score at full width in float32.
        min_share_of_best: Least share of the best score on the task.
        min_score: Least main score.
        min_ndcg: The same, where the main score is nDCG.
        models: Only these models; all by default.
        environment: Whose costs count, by its fingerprint or how it begins; by default the one in which most models
            were measured, the newest of equals.
        allow_rerank: Whether shortlists that are ranked again at full width may be the answer.
        results: The results folder.

    Raises:
        UsageError: A limit that cannot be read or met, or a name that results do not have.
        BenchError: No results, or files in them that cannot be read.
    """
    limits = {
        "max_storage": max_storage,
        "max_search_p95": max_search_p95,
        "max_encode_p95": max_encode_p95,
        "max_memory": max_memory,
        "min_share": min_share,
        "min_share_of_best": min_share_of_best,
        "min_score": min_score,
        "min_ndcg": min_ndcg,
    }
    constraints = read_constraints(limits)
    documents = None if corpus_size is None else read_count("--corpus-size", corpus_size)
    store = ResultStore(Path(results))
    index = ResultIndex(without_folds(store.records()))
    if not index.cells:
        raise BenchError("no results to choose from", where=str(results), hint="make some: bench run")
    unit = find_unit(index, task, split, subset)
    contest = make_contest(index, unit, documents, environment, models, allow_rerank=allow_rerank)
    check_metric(constraints, contest.task.main_metric)
    _check_knowable(constraints, contest)
    facts = store.environments().get(contest.environment or "", {})
    found = _Answering(contest, constraints, documents, facts).choice()
    return found.model_copy(update={"notes": [*found.notes, *content_notes(index, unit, models)]})


class _Answering:
    """One answer in the making."""

    def __init__(
        self, contest: Contest, constraints: Sequence[Constraint], corpus_size: int | None, facts: dict[str, Any]
    ) -> None:
        self._contest = contest
        self._constraints = constraints
        self._corpus_size = corpus_size
        self._facts = facts
        self._decision: Decision = decide(contest.candidates, constraints)
        self._reader = ItemReader()

    def choice(self) -> Choice:
        contest, decision = self._contest, self._decision
        best = decision.accepted[0] if decision.accepted else None
        tied = self._tied()
        cheapest = min([best, *(tied or [])], key=_cheapness) if best else None
        considered = {candidate.key for candidate in contest.candidates}
        shortlists = {candidate.key for candidate in contest.candidates if candidate.shortlist is not None}
        return Choice(
            task=contest.task.name,
            split=contest.task.split,
            subset=contest.task.subset,
            metric=contest.task.main_metric,
            n=contest.task.n,
            environment=contest.environment,
            machine=self._machine(),
            environments=list(contest.others),
            corpus_size=self._corpus_size,
            documents=contest.task.documents,
            accepted=len(decision.accepted),
            views=len(considered) - len(shortlists),
            shortlists=len(shortlists),
            status=decision.status,
            best=self._shown(best),
            other_index=self._shown(self._other_index()),
            runners_up=None if tied is None else [self._show(candidate) for candidate in tied],
            cheapest=self._shown(cheapest),
            unproven=[self._show(candidate) for candidate in decision.unproven],
            constraints=self._limits(),
            top=self._show(decision.top),
            closest=self._shown(decision.closest),
            code=self._code(best) if best else None,
            notes=self._notes([best, cheapest, decision.closest]),
        )

    def _tied(self) -> list[Candidate] | None:
        """Accepted candidates that cannot be told from the best."""
        accepted = self._decision.accepted
        if not accepted:
            return []
        items = self._items(accepted)
        if items is None:
            return None
        scores = np.array([candidate.score for candidate in accepted])
        same = indistinguishable(scores, as_columns(items), shared_clusters(items), _LEVEL)
        return [candidate for candidate, tie in zip(accepted[1:], same[1:], strict=True) if tie]

    def _items(self, candidates: Sequence[Candidate]) -> list[Items] | None:
        """What each query or pair contributes to each score; None where a score is no mean of such."""
        metric = self._contest.task.main_metric
        found = [self._reader.read(self._contest.cells[candidate.key], metric) for candidate in candidates]
        known = [items for items in found if items is not None]
        return known if len(known) == len(found) else None

    def _told_apart(self) -> dict[object, bool]:
        """Which candidates that a looser limit admits can be told from the best."""
        accepted = self._decision.accepted
        relaxed = {
            found.candidate.key: found.candidate
            for effect in self._decision.effects
            for found in (effect.step, effect.without)
            if found is not None
        }
        if not accepted or not relaxed:
            return {}
        items = self._items([accepted[0], *relaxed.values()])
        if items is None:
            return {}
        values = as_columns(items)
        found = holm(paired_test(values[:, 1:] - values[:, :1], shared_clusters(items)).p)
        return {key: bool(p <= _LEVEL) for key, p in zip(relaxed, found, strict=True)}

    def _limits(self) -> list[Limit]:
        told = self._told_apart()
        return [self._limit(effect, told) for effect in self._decision.effects]

    def _limit(self, effect: Effect, told: dict[object, bool]) -> Limit:
        constraint = effect.constraint
        return Limit(
            name=constraint.name,
            quantity=constraint.quantity,
            limit=constraint.limit,
            binds=effect.binds,
            broken_by=effect.broken_by,
            unknown_for=effect.unknown_for,
            step=self._relaxation(effect.step, told),
            without=self._relaxation(effect.without, told),
        )

    def _relaxation(self, relaxed: Relaxed | None, told: dict[object, bool]) -> Relaxation | None:
        if relaxed is None:
            return None
        accepted, candidate = self._decision.accepted, relaxed.candidate
        return Relaxation(
            limit=relaxed.limit,
            view=self._show(candidate),
            gain=candidate.score - accepted[0].score if accepted else None,
            told_apart=told.get(candidate.key),
        )

    def _other_index(self) -> Candidate | None:
        """The best view with its other index, where that is as good an answer."""
        decision = self._decision
        if not decision.accepted:
            return None
        best = decision.accepted[0]
        return next(
            (
                candidate
                for candidate in self._contest.candidates
                if candidate.key == best.key
                and candidate.index != best.index
                and fit(candidate, self._constraints) == decision.status
                and unknown(candidate, self._constraints) == unknown(best, self._constraints)
            ),
            None,
        )

    def _shown(self, candidate: Candidate | None) -> Choosable | None:
        return None if candidate is None else self._show(candidate)

    def _show(self, candidate: Candidate) -> Choosable:
        info, cell = self._info(candidate), self._contest.cells[candidate.key]
        score = cell.scores.metrics[self._contest.task.main_metric]
        limited = {constraint.quantity: constraint for constraint in self._constraints}
        lacking = [
            known.command
            for quantity, known in candidate.quantities.items()
            if quantity in limited and known.verdict(limited[quantity]) == "unknown" and known.command is not None
        ]
        return Choosable(
            model=candidate.model,
            kind=info.kind,
            truncate_dim=candidate.view.truncate_dim if candidate.view else None,
            precision=candidate.view.precision if candidate.view else None,
            index=candidate.index,
            shortlist=candidate.shortlist,
            shortlist_recall=cell.scores.recall.value if isinstance(cell, RerankCell) else None,
            score=score.value,
            ci_low=score.ci_low,
            ci_high=score.ci_high,
            bytes_per_vector=candidate.view.bytes_per_vector if candidate.view else None,
            hnsw_recall_at_10=_measure(candidate.recall, None) if candidate.recall else None,
            quantities={
                quantity: _measure(known, limited.get(quantity)) for quantity, known in candidate.quantities.items()
            },
            status=fit(candidate, self._constraints),
            noisy=candidate.noisy,
            leakage=info.leakage,
            measure=list(dict.fromkeys(lacking)),
        )

    def _code(self, candidate: Candidate) -> str:
        record = self._contest.cells[candidate.key].record
        inputs = None if record.inputs is None else {str(role): given for role, given in record.inputs.items()}
        return code(candidate, record.model, self._contest.task, inputs)

    def _info(self, candidate: Candidate) -> ModelInfo:
        return self._contest.cells[candidate.key].record.model

    def _machine(self) -> str | None:
        parts = [str(self._facts[key]) for key in ("cpu", "os") if key in self._facts]
        return ", ".join(" ".join(part.split()) for part in parts) or None

    def _notes(self, shown: Sequence[Candidate | None]) -> list[str]:
        contest = self._contest
        told = list({candidate.key: candidate for candidate in shown if candidate is not None}.values())
        notes = []
        if contest.others and contest.picked:
            there = ", ".join(contest.others)
            notes.append(f"most models were measured in environment {contest.environment}; --environment: {there}")
        for model in dict.fromkeys(candidate.model for candidate in told if candidate.noisy):
            again = cost_command(contest.task.name, model, again=True)
            notes.append(f"{model}: cost figures are noisy; with the machine quiet: {again}")
        leaking = dict.fromkeys(candidate.model for candidate in told if self._info(candidate).leakage)
        notes += [f"{model} may have been trained on what it is tested on" for model in leaking]
        notes += [f"{model} has random weights and no score: not considered" for model in contest.drawn]
        notes += contest.task.notes
        return notes


def _check_knowable(constraints: Sequence[Constraint], contest: Contest) -> None:
    """Refuse a limit on what no candidate can ever have."""
    for constraint in constraints:
        found = [candidate.quantities[constraint.quantity] for candidate in contest.candidates]
        if all(known == Known.missing(known.why or "") for known in found):
            raise UsageError(f"{constraint.option}: {found[0].why}", hint="leave it out, or name another task")


def _cheapness(candidate: Candidate) -> tuple[object, ...]:
    """Smallest storage first, unknown ones last; then fewest bytes a vector, then the order of candidates."""
    storage = candidate.quantities["storage_bytes"]
    size = storage.value if storage.low == storage.high and storage.value is not None else math.inf
    return size, candidate.view.bytes_per_vector if candidate.view else math.inf, candidate.rank


def _measure(known: Known, constraint: Constraint | None) -> Measure:
    return Measure(
        value=known.value,
        documents=known.documents,
        computed=known.computed,
        at_least=known.low if math.isfinite(known.low) else None,
        at_most=known.high if math.isfinite(known.high) else None,
        verdict=known.verdict(constraint) if constraint else None,
        why=known.why,
    )
