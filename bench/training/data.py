"""The data sets of a recipe, as columns of rows that losses take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, UsageError
from bench.files import digest_bytes, digest_json
from bench.models.recipe import DEFAULT_LOSS, LOSSES, LossName, Recipe, Shape, TrainingData
from bench.tasks.catalog import BrokenTask, Task, select_tasks
from bench.tasks.data import NotHereError, PairData, RetrievalData, make_retrieval, pair_ids
from bench.tasks.layouts import DEFAULT_SUBSET, TaskData
from bench.tasks.readers.cells import text_id
from bench.tasks.sources import Sources
from bench.tasks.unit import TaskUnit
from bench.training.files import read_training_files


@dataclass(frozen=True)
class TrainingSet:
    """One data set, read.

    Attributes:
        label: What messages call it.
        shape: What a row is.
        columns: By role, in the order in which losses take them; all of the same length, at least 1.
        loss: The loss that it is trained with.
        weight: Its share of the batches, relative to the others; None where sizes decide.
        fingerprint: Identity of the rows by content and order.
        unit: The task unit that it comes from; None for files.
        whole: Whether it is all of that unit.
    """

    label: str
    shape: Shape
    columns: dict[str, list[Any]]
    loss: LossName
    weight: float | None
    fingerprint: str
    unit: TaskUnit | None = None
    whole: bool = True

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def as_task_data(self) -> RetrievalData | PairData:
        """The rows as the data of a task, to compare with what models are scored on."""
        if self.unit is not None and self.whole and isinstance(self.unit.data, RetrievalData | PairData):
            return self.unit.data
        if "score" in self.columns or "label" in self.columns:
            first, second, gold = self.columns.values()
            return PairData(pair_ids(first, second, gold), first, second, np.array(gold, dtype=np.float64))
        return _retrieval(self.columns["query"], self.columns["positive"], self.label)


@dataclass(frozen=True)
class TaskFinder:
    """Finds the tasks that recipes name.

    Attributes:
        folders: Where cards are looked for.
        download: Whether the Hub may be asked for data, and for models to start from.
    """

    folders: list[Path]
    download: bool = True

    def task(self, name: str, base: Path) -> Task:
        """The task of a card name or a path, which starts from `base` where it is relative.

        Raises:
            BenchError: There is none, or its card is broken.
        """
        task = select_tasks([name], self.folders, base)[0]
        if isinstance(task, BrokenTask):
            raise task.error
        return task

    def unit(self, name: str, split: str, subset: str | None, base: Path) -> TaskUnit:
        """A split and subset of a task, whether the task scores it or not."""
        task = self.task(name, base)
        return TaskUnit(Sources(task.card, task.folder, self.download), split, subset or DEFAULT_SUBSET)


def read_training_data(recipe: Recipe, base: Path, find: TaskFinder) -> list[TrainingSet]:
    """All data sets of a recipe.

    Args:
        recipe: The recipe.
        base: The folder that relative paths start from.
        find: Finds the tasks that it names.

    Raises:
        BenchError: A data set is not there, broken or empty, or its loss does not fit its shape.
    """
    return [_read(data, recipe, base, find) for data in recipe.data]


def _read(data: TrainingData, recipe: Recipe, base: Path, find: TaskFinder) -> TrainingSet:
    limit = data.limit or recipe.limit
    unit = None
    if data.task is not None:
        unit = find.unit(data.task, data.split, data.subset, base)
        shape, columns = _of_task(_task_data(unit, data), data)
    elif data.shape is not None:
        shape, columns = data.shape, read_training_files(data, data.shape, base, limit, download=find.download)
    rows = len(next(iter(columns.values())))
    if not rows:
        raise BenchError("holds nothing to train on", where=data.label, hint="a data set needs at least one row")
    columns = {role: values[:limit] for role, values in columns.items()}
    if data.score_range is not None:
        columns = _scaled(columns, data)
    loss = data.loss or recipe.loss or DEFAULT_LOSS[shape]
    _check_loss(loss, shape, columns, data)
    whole = limit is None or limit >= rows
    return TrainingSet(data.label, shape, columns, loss, data.weight, _digest(columns), unit, whole)


def _task_data(unit: TaskUnit, data: TrainingData) -> TaskData:
    try:
        return unit.data
    except NotHereError as error:
        raise BenchError(
            f"no split `{data.split}` to train on: {error.message}",
            where=f"task `{data.task}`",
            hint=error.hint if unit.folds else "name another task, or `files`",
        ) from error


def _of_task(data: TaskData, wanted: TrainingData) -> tuple[Shape, dict[str, list[Any]]]:
    if isinstance(data, RetrievalData):
        pairs = list(zip(data.pair_queries.tolist(), data.pair_documents.tolist(), strict=True))
        queries, documents = ([data.queries[q] for q, _ in pairs], [data.documents[d] for _, d in pairs])
        return "pairs", {"query": queries, "positive": documents}
    if isinstance(data, PairData):
        return "scored-pairs", {
            "sentence1": list(data.sentences1),
            "sentence2": list(data.sentences2),
            "score": data.gold.tolist(),
        }
    raise BenchError(
        "only mteb's own evaluator reads its texts, so they cannot be trained on",
        where=f"task `{wanted.task}`",
        hint="name `files` instead",
    )


def _scaled(columns: dict[str, list[Any]], data: TrainingData) -> dict[str, list[Any]]:
    """Scores mapped to 0 to 1."""
    if "score" not in columns or data.score_range is None:
        raise UsageError("`score_range` is for scored pairs, which these are not", where=data.label)
    low, high = data.score_range
    outside = [score for score in columns["score"] if not low <= score <= high]
    if outside:
        raise BenchError(f"a score is {outside[0]:g}, outside `score_range` [{low:g}, {high:g}]", where=data.label)
    return {**columns, "score": [(score - low) / (high - low) for score in columns["score"]]}


def _check_loss(loss: LossName, shape: Shape, columns: dict[str, list[Any]], data: TrainingData) -> None:
    if loss not in LOSSES[shape]:
        raise UsageError(
            f"the loss {loss} does not take {shape}", where=data.label, hint=f"it takes {', '.join(LOSSES[shape])}"
        )
    if loss == "CosineSimilarity" and "score" in columns:
        outside = [score for score in columns["score"] if not -1 <= score <= 1]
        if outside:
            raise UsageError(
                f"CosineSimilarity compares scores with cosines, but a score is {outside[0]:g}",
                where=data.label,
                hint="say what the scores range over, for instance `score_range: [0, 5]`",
            )


def _digest(columns: dict[str, list[Any]]) -> str:
    """Identity of rows; their order counts, since it decides which rows share a batch."""
    parts = {
        role: digest_bytes(*(str(value).encode("utf-8", "surrogatepass") for value in values))
        for role, values in columns.items()
    }
    return digest_json(list(parts.items()))


def _retrieval(queries: list[str], positives: list[str], where: str) -> RetrievalData:
    rows_of_queries = {text: row for row, text in enumerate(dict.fromkeys(queries))}
    rows_of_documents = {text: row for row, text in enumerate(dict.fromkeys(positives))}
    return make_retrieval(
        ([text_id(text) for text in rows_of_documents], list(rows_of_documents)),
        ([text_id(text) for text in rows_of_queries], list(rows_of_queries)),
        [(rows_of_queries[query], rows_of_documents[text], 1) for query, text in zip(queries, positives, strict=True)],
        where,
    )
