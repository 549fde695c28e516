"""Our scores beside published ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bench.exchange.collect import dataset_revision
from bench.exchange.published import PublishedScores, PublishedTask
from bench.exchange.values import mteb_values, why_absent
from bench.results.index import Cell
from bench.results.schema import QualityRecord

# Before this version mteb ranked tied documents for MRR as it had found them.
_MRR_BY_ID = (2, 18, 19)


@dataclass(frozen=True)
class Row:
    """One metric on both sides.

    Attributes:
        task: MTEB's name of the task.
        split: The split.
        subset: The subset.
        metric: MTEB's name of the metric.
        published: Their value.
        ours: Our value.
        beyond: Whether they differ by more than the tolerance.
    """

    task: str
    split: str
    subset: str
    metric: str
    published: float
    ours: float
    beyond: bool

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.ours - self.published


@dataclass(frozen=True)
class NotCompared:
    """Published metrics that stand alone.

    Attributes:
        task: MTEB's name of the task.
        split: The split.
        subset: The subset.
        metrics: Their names.
        reason: Why they are not compared.
        whole: Whether these are all of the split and subset.
    """

    task: str
    split: str
    subset: str
    metrics: list[str]
    reason: str
    whole: bool = False


@dataclass
class Comparison:
    """Everything published of one model, and what we have of it.

    Attributes:
        model: Our name of the model.
        published_model: MTEB's, where it is known.
        rows: Metrics on both sides; of a task the largest difference first.
        not_compared: What stands alone, with its reason.
        notes: What a reader of the differences should know.
    """

    model: str
    published_model: str | None
    rows: list[Row] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def beyond(self) -> list[Row]:
        """The rows that differ by more than the tolerance."""
        return [row for row in self.rows if row.beyond]

    def add(
        self,
        task: PublishedTask,
        cells: Mapping[tuple[str, str], Cell],
        absent: Mapping[tuple[str, str, str], str],
        tolerance: float,
    ) -> None:
        """Compare one task.

        Args:
            task: The published task.
            cells: Our full-width float32 results of it, by split and subset.
            absent: Why there are none, by (task, split, subset).
            tolerance: The largest difference of a metric, on its scale of 0 to 1, that counts as none.
        """
        rows = []
        for scores in task.scores:
            cell = cells.get((scores.split, scores.subset))
            if cell is None:
                reason = absent.get((task.name, scores.split, scores.subset), "it could not be scored")
                names = [*scores.metrics, *scores.unreadable]
                self.not_compared.append(NotCompared(task.name, scores.split, scores.subset, names, reason, whole=True))
                continue
            ours = mteb_values(cell.record, cell.scores)
            reasons: dict[str, list[str]] = {}
            for name, reason in scores.unreadable.items():
                reasons.setdefault(reason, []).append(name)
            for name, value in scores.metrics.items():
                counterpart, reason = _counterpart(name, scores, ours, cell.record)
                if counterpart is None:
                    reasons.setdefault(reason, []).append(name)
                    continue
                beyond = not abs(ours[counterpart] - value) <= tolerance
                rows.append(Row(task.name, scores.split, scores.subset, name, value, ours[counterpart], beyond))
            self.not_compared += [
                NotCompared(task.name, scores.split, scores.subset, names, reason) for reason, names in reasons.items()
            ]
        rows.sort(key=lambda row: -abs(row.difference))
        self.rows += rows
        self.notes += [*_revision_notes(task, cells), *_version_notes(task, rows, cells)]


def _counterpart(
    name: str, scores: PublishedScores, ours: Mapping[str, float], record: QualityRecord
) -> tuple[str | None, str]:
    """Our name of a published metric, or None and why there is none."""
    if name == "main_score" and name not in ours:
        main = record.task.main_metric
        if scores.metrics.get(main, scores.metrics[name]) == scores.metrics[name]:
            return main, ""
        return None, f"their main score is another metric than {main}"
    return (name, "") if name in ours else (None, why_absent(name, record))


def _revision_notes(task: PublishedTask, cells: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    ours = [cell.record.task for cell in cells.values()]
    # A file that bench wrote names data of no known commit by its content.
    if task.dataset_revision == dataset_revision(ours):
        return
    for revision in sorted({info.revision for info in ours} - {task.dataset_revision}, key=str):
        words = f"ours is of {revision}" if revision else "the revision of our data is not known"
        yield f"{task.name}: published for data revision {task.dataset_revision or 'unknown'}; {words}"


def _version_notes(task: PublishedTask, rows: Iterable[Row], cells: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    tied = {unit for unit, cell in cells.items() if any(name.startswith("mrr") for name in cell.scores.mteb)}
    beyond = [row for row in rows if row.beyond and "mrr_at" in row.metric and (row.split, row.subset) in tied]
    if beyond and task.mteb_version is not None and task.mteb_version < _MRR_BY_ID:
        version = ".".join(map(str, task.mteb_version))
        yield (
            f"{task.name}: published by mteb {version}, which ranked tied documents for MRR in the order in which it "
            "had found them; later versions rank them by id, as bench does"
        )
