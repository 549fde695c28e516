"""Sheets that reviewers filled in: read, checked against the task, put together, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from bench.tasks.data import RetrievalData
from bench.tasks.labels import Label, id_of_cell, pair_digest, read_cells
from bench.tasks.readers.cells import identifier, is_missing, plain_text
from bench.tasks.readers.labels import Judgement, LabelRule, judge

Conflicts = Literal["strict", "majority"]
CONFLICTS: tuple[Conflicts, ...] = ("strict", "majority")
_COLUMNS = ("query_id", "document_id", "label", "note", "pair", "pool")
_SHOWN = 5


@dataclass(frozen=True)
class Sheet:
    """A sheet as one reviewer filled it in.

    Attributes:
        path: The file.
        labels: By query and document id.
        skipped: Pairs without a label.
    """

    path: Path
    labels: Mapping[tuple[str, str], Label]
    skipped: int


@dataclass(frozen=True)
class Agreement:
    """How far two sheets agree on the pairs that both label.

    Attributes:
        first: One file.
        second: The other.
        pairs: How many pairs both label.
        share: The share of them with the same label.
        kappa: Cohen's kappa (Cohen, "A coefficient of agreement for nominal scales", 1960); None where each gives all
            of them the same label, which leaves no agreement by chance to compare with.
    """

    first: Path
    second: Path
    pairs: int
    share: float
    kappa: float | None


def read_sheet(path: Path, data: RetrievalData) -> Sheet:
    """Read a sheet and check that it is about the task's texts.

    Args:
        path: The CSV file.
        data: The task, with the queries that may be labelled.

    Raises:
        BenchError: A row names an unknown id or other texts than the task's, a label is no whole number, a pair has two
            labels, or none has any.
    """
    queries, documents = ({name: row for row, name in enumerate(ids)} for ids in (data.query_ids, data.document_ids))
    rows: list[Judgement[str]] = []
    texts: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    skipped = 0
    for row in read_cells(path, _COLUMNS):
        query, document = (id_of_cell(identifier(row.cells[key], key, row)) for key in ("query_id", "document_id"))
        for name, known, what in ((query, queries, "query"), (document, documents, "document")):
            if name not in known:
                raise BenchError(
                    f"the task has no {what} `{name}`",
                    where=row.where,
                    hint="is this sheet of another task, or did a spreadsheet change the id?",
                )
        pair = plain_text(row.cells["pair"], "pair", row)
        if pair != pair_digest(data.queries[queries[query]], data.documents[documents[document]]):
            raise BenchError(
                f"query `{query}` or document `{document}` has another text in the task than in the sheet",
                where=row.where,
                hint="the sheet is of another version of the task: make a new one, or remove the row",
            )
        if is_missing(row.cells["label"]):
            skipped += 1
            continue
        rows.append(Judgement(query, document, row.cells["label"], row))
        note, pool = (plain_text(row.cells[key], key, row) for key in ("note", "pool"))
        texts.setdefault((query, document), (pair, pool, row.where, note))
    if not rows:
        raise BenchError("no pair has a label", where=str(path), hint="put 1 or 0 into the column `label`")
    gains = judge(rows, LabelRule()).gains
    return Sheet(path, {key: Label(*key, gain, *texts[key]) for key, gain in gains.items()}, skipped)


def combine(sheets: Sequence[Sheet], conflicts: Conflicts = "strict") -> list[Label]:
    """One label of each pair that any sheet labels.

    Args:
        sheets: The sheets.
        conflicts: What becomes of a pair with several labels: `strict` refuses it, `majority` takes the label of most
            sheets.

    Raises:
        BenchError: A pair has several labels and none that more sheets give than any other.
    """
    given: dict[tuple[str, str], list[Label]] = {}
    for sheet in sheets:
        for key, label in sheet.labels.items():
            given.setdefault(key, []).append(label)
    settled, open_ = [], []
    for labels in given.values():
        (most, count), *others = Counter(label.gain for label in labels).most_common(2)
        if others and (conflicts == "strict" or others[0][1] == count):
            open_.append(labels)
        settled.append(next(label for label in labels if label.gain == most))
    if open_:
        raise _contradicting(open_, conflicts)
    return settled


def _contradicting(found: Sequence[Sequence[Label]], conflicts: Conflicts) -> BenchError:
    lines = [
        f"query `{labels[0].query}`, document `{labels[0].document}`: "
        + "; ".join(f"{label.gain} in {label.where}" for label in labels)
        for labels in found[:_SHOWN]
    ]
    lines += [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return BenchError(
        "\n  ".join([f"{len(found)} pairs have several labels", *lines]),
        hint="agree on one label"
        + (", or use --conflicts majority" if conflicts == "strict" else ": as many say each"),
    )


def agreements(sheets: Sequence[Sheet]) -> list[Agreement]:
    """The agreement of each two sheets that label the same pairs."""
    found = []
    for first, second in combinations(sheets, 2):
        pairs = [(label.gain, second.labels[key].gain) for key, label in first.labels.items() if key in second.labels]
        if pairs:
            share = sum(a == b for a, b in pairs) / len(pairs)
            found.append(Agreement(first.path, second.path, len(pairs), share, _kappa(pairs, share)))
    return found


def _kappa(pairs: Sequence[tuple[int, int]], share: float) -> float | None:
    counts = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(count * counts[1][label] for label, count in counts[0].items()) / len(pairs) ** 2
    return None if chance == 1 else (share - chance) / (1 - chance)
