"""Scoring any task of mteb at any view: mteb's evaluator over vectors that were encoded once."""

from __future__ import annotations

import copy
import importlib
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.keys import Role
from bench.models.settings import Similarity
from bench.mteb_import import contained
from bench.quality.evaluate import Estimate, Scores
from bench.quality.ranking import ScoreBlock, rank_blocks
from bench.quality.retrieval import MAX_CUTOFF, score_queries
from bench.statistics.bootstrap import mean_intervals
from bench.tasks.mteb_data import MtebData, arrow_cache
from bench.vectors.quantise import Comparable, Quantiser, fit
from bench.views import View

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
# Full vectors of texts in a role, shape (n, width), float32; what is not stored yet is encoded first.
VectorsOf = Callable[[list[str], Role], Float32]

_PASS_TEXTS = 16_384
_BLOCK_CELLS = 1 << 20
# Scores of a single run over all rows have one item.
_WHOLE = "all"


class StoredEncoder:
    """What mteb takes for a model: it gives out a view's values of stored vectors (mteb's EncoderProtocol).

    Args:
        vectors_of: Where full vectors come from.
        similarity: The model's similarity.
        quantiser: The view's; None gives full vectors.

    Attributes:
        texts: The texts asked for, each once, by role.
        width: Dimensions of a full vector, 0 before the first.
        mteb_model_meta: mteb's description of a model, left empty: nothing is looked up by it.
    """

    def __init__(self, vectors_of: VectorsOf, similarity: Similarity, quantiser: Quantiser | None = None) -> None:
        self.texts: dict[Role, dict[str, None]] = {}
        self.width = 0
        self.mteb_model_meta = importlib.import_module("mteb.models.model_meta").ModelMeta.create_empty()
        self._vectors_of = vectors_of
        self._similarity = similarity
        self._quantiser = quantiser

    def encode(self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: Any = None, **_: Any) -> Float32:
        """A view's values of the texts in batches, shape (n, truncate_dim), float32.

        Args:
            inputs: mteb's batches; `text` holds what a model gets: of a document its title, a space and its text, of a
                query its text and its instruction.
            prompt_type: mteb's query, document or None.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        role: Role = "text" if prompt_type is None else prompt_type.value
        self.texts.setdefault(role, {}).update(dict.fromkeys(texts))
        vectors = self._vectors_of(texts, role)
        self.width = vectors.shape[1]
        return vectors if self._quantiser is None else self._quantiser.values(self._quantiser.codes(vectors))

    def ranges_from(self) -> Iterator[Float32]:
        """Blocks of the full vectors that int8 learns its ranges from: documents where there are any, else all."""
        roles: list[Role] = ["document"] if self.texts.get("document") else list(self.texts)
        for role in roles:
            texts = list(self.texts[role])
            for start in range(0, len(texts), _PASS_TEXTS):
                yield self._vectors_of(texts[start : start + _PASS_TEXTS], role)

    def similarity(self, first: Any, second: Any) -> Any:
        """The similarity of every row of one side to every row of the other, a torch tensor of float32.

        Computed as bench's own search does, exactly in float64 and rounded once, so that equal pairs tie.
        """
        left, right = self._comparable(first), self._comparable(second)
        products = left.directions @ right.directions.T
        return _tensor(products * (left.weights[:, None] * right.weights))

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        """The similarity of each row to its partner, a torch tensor of float32."""
        left, right = self._comparable(first), self._comparable(second)
        products = (left.directions * right.directions).sum(axis=1)
        return _tensor(products * (left.weights * right.weights))

    def _comparable(self, values: Any) -> Comparable:
        matrix = np.atleast_2d(np.asarray(values, dtype=np.float32))
        return Quantiser(View(matrix.shape[1]), self._similarity).comparable(matrix)


def _tensor(values: Float64) -> Any:
    return importlib.import_module("torch").from_numpy(values.astype(np.float32))


def score_mteb(
    data: MtebData, vectors_of: VectorsOf, views: Sequence[View], similarity: Similarity
) -> Iterator[tuple[View, Scores | BenchError]]:
    """Score a task of mteb at some views.

    The first pass is at full width in float32, whether or not that view is asked for: it shows which texts there are,
    so that each is encoded once and int8 learns its ranges from all of them.

    Args:
        data: The task.
        vectors_of: Where full vectors come from.
        views: The views.
        similarity: The model's similarity.

    Yields:
        Each view with its scores, or with the reason why it alone could not be scored.

    Raises:
        BenchError: The first pass failed: texts cannot be encoded, or mteb cannot score the data.
    """
    whole = StoredEncoder(vectors_of, similarity)
    full = _evaluate(data, whole)
    for view in views:
        if view == View(whole.width):
            yield view, full
            continue
        try:
            scores = _evaluate(data, StoredEncoder(vectors_of, similarity, fit(view, similarity, whole.ranges_from())))
        except BenchError as error:
            yield view, error
        else:
            yield view, scores


@dataclass
class _Ranked:
    """Every query's ranking and labels, as mteb's evaluator of rankings passes them on."""

    labels: dict[str, dict[str, int]]
    scores: dict[str, dict[str, float]]


def _evaluate(data: MtebData, encoder: StoredEncoder) -> Scores:
    task = _fresh(data)
    seen: list[_Ranked] = []
    if hasattr(task, "task_specific_scores"):
        _listen(task, seen)
    with contained(), arrow_cache(data.cache):
        _seed(task.seed)
        try:
            # A new dictionary each time: mteb changes it.
            found = task.evaluate(
                encoder, data.split, [data.subset], encode_kwargs={"batch_size": 32, "show_progress_bar": False}
            )
            raw = found[data.subset]
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(f"mteb cannot score it: {type(error).__name__}: {error}", where=_where(data)) from error
    ranked = seen[0] if seen and not task.skip_first_result else None
    return _scores(raw, data, _ranking_items(ranked) if ranked else None)


def _fresh(data: MtebData) -> Any:
    """A copy of the task as it was loaded: evaluating draws from its generators and fits its classifier."""
    task = copy.copy(data.task)
    for name in ("rng_state", "np_rng", "evaluator_model"):
        if hasattr(task, name):
            setattr(task, name, copy.deepcopy(getattr(data.task, name)))
    return task


def _seed(seed: int) -> None:
    """Seed the global generators as mteb does when it makes a task."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the generator that mteb's libraries draw from
    importlib.import_module("torch").manual_seed(seed)


def _listen(task: Any, seen: list[_Ranked]) -> None:
    """Keep what mteb passes to the task's own scores: every query's ranking."""
    inner = task.task_specific_scores

    def listening(scores: Any, qrels: Any, results: Any, **names: Any) -> Any:
        seen.append(_Ranked(qrels, {query: dict(ranking) for query, ranking in results.items()}))
        return inner(scores, qrels, results, **names)

    task.task_specific_scores = listening


def _ranking_items(ranked: _Ranked) -> tuple[list[str], dict[str, Float64]]:
    """Every query's metrics from mteb's rankings, with tied documents in no order (bench.quality.retrieval)."""
    ids = sorted(ranked.scores)
    triples = []
    for row, query in enumerate(ids):
        relevant = {document: label for document, label in ranked.labels[query].items() if label > 0}
        # A query's own columns: the documents that mteb ranked, then the relevant ones that it did not.
        columns = {document: column for column, document in enumerate(ranked.scores[query] | relevant)}
        triples += [(row, columns[document], label) for document, label in relevant.items()]
    pairs = np.array(triples, dtype=np.int64).reshape(-1, 3)
    width = max([*map(len, ranked.scores.values()), *(pairs[:, 1] + 1)])
    ranks = rank_blocks(_blocks(ranked, ids, width), pairs[:, 0], pairs[:, 1], MAX_CUTOFF)
    return ids, score_queries(ranks, pairs[:, 0], pairs[:, 2], len(ids))


def _blocks(ranked: _Ranked, ids: list[str], width: int) -> Iterator[ScoreBlock]:
    """Score blocks of mteb's rankings; what it did not rank has no place."""
    size = max(_BLOCK_CELLS // width, 1)
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        scores = np.full((len(part), width), -np.inf, dtype=np.float32)
        for row, query in enumerate(part):
            values = list(ranked.scores[query].values())
            scores[row, : len(values)] = values
        yield ScoreBlock(slice(start, start + len(part)), scores)


def _scores(raw: Mapping[str, Any], data: MtebData, ranking: tuple[list[str], dict[str, Float64]] | None) -> Scores:
    """What mteb found, with intervals where it gives a score for every query or experiment."""
    main = data.definition.main_metric
    metrics = {name: Estimate(value) for name, value in _numbers(raw).items() if name != "main_score"}
    if ranking is None:
        items = _experiments(raw)
        ids = [f"experiment-{number}" for number in range(len(next(iter(items.values()), [])))]
    else:
        # mteb's `accuracy` of a ranking is its recall_at_1. It ranks no deeper than the task's largest cutoff.
        ids, items = ranking[0], {**ranking[1], "accuracy": ranking[1]["recall_at_1"]}
        items = {name: values for name, values in items.items() if name in metrics}
    if len(ids) > 1:
        low, high = mean_intervals(np.column_stack(list(items.values())))
        metrics |= {
            name: Estimate(float(np.mean(values)), float(low[column]), float(high[column]))
            for column, (name, values) in enumerate(items.items())
        }
    if main not in metrics:
        raise BenchError(f"mteb gives no number for `{main}`: {raw.get(main)}", where=_where(data))
    if not items:
        ids, items = [_WHOLE], {main: np.array([metrics[main].value])}
    return Scores(metrics, ids, items)


def _numbers(raw: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in raw.items()
        if isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
    }


def _experiments(raw: Mapping[str, Any]) -> dict[str, Float64]:
    """The scores of repeated experiments, whose mean mteb reports, by metric; empty where there are none."""
    rows = [_numbers(row) for row in raw.get("scores_per_experiment", [])]
    if rows:
        return {name: np.array([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
    found = {}
    for key, values in raw.items():
        # Clusterings: `v_measures` beside v_measure, `ami_scores` beside ami; by level where labels have levels.
        name = "v_measure" if key == "v_measures" else key.removesuffix("_scores")
        if name != key and name in raw:
            levels = values.values() if isinstance(values, Mapping) else [values]
            found[name] = np.array([value for level in levels for value in level], dtype=np.float64)
    return found


def _where(data: MtebData) -> str:
    return f"mteb task `{data.definition.name}`, split `{data.split}`, subset `{data.subset}`"
