"""Labels become part of a task: a file beside its data, which its card names. The data stay as they are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config.yaml_document import plain_yaml
from bench.config.yaml_writing import dump_yaml
from bench.errors import BenchError, UsageError
from bench.files import safe_name, write_bytes, write_text
from bench.labelling.sheet import spreadsheet_text
from bench.neutral import neutral
from bench.paths import is_file, matching, path_exists
from bench.regular import MOST_TEXT, read_bytes
from bench.shipped import shipped
from bench.tasks.card import CARD_NAME
from bench.tasks.catalog import Task, read_card
from bench.tasks.data import RetrievalData
from bench.tasks.labels import COLUMNS, Label, id_cell, read_cells, read_labels, with_labels, write_csv
from bench.tasks.unit import TaskUnit


@dataclass(frozen=True)
class NewLabels:
    """Labels that fit a task and are not yet written.

    Attributes:
        file: The file that they go to.
        content: What will be in it.
        card: The task's card.
        text: What will be in the card; None where it names the file already.
        data: The task with the labels.
        added: How many labels the task did not have before.
    """

    file: Path
    content: bytes
    card: Path
    text: str | None
    data: RetrievalData
    added: int

    def write(self) -> None:
        """Write the file, then the card that names it.

        Raises:
            BenchError: One cannot be written.
        """
        write_bytes(self.file, self.content)
        if self.text is not None:
            write_text(self.card, self.text)


def card_file(task: Task) -> Path:
    """The card of a task, which may be changed.

    Raises:
        UsageError: It has none, comes with bench, or says that it is mteb's task.
    """
    paths = [task.folder / CARD_NAME, *matching(task.folder, "*.y*ml")]
    found = next((path for path in paths if is_file(path) and _is_card(path, task)), None)
    if found is None:
        raise UsageError(
            f"the task `{task.name}` has no card, which could name its labels",
            hint=f"make one: bench tasks add {task.folder} --name NAME",
        )
    if task.folder.is_relative_to(shipped("tasks").resolve()) and not _own(task.folder):
        raise UsageError(
            "this card comes with bench", where=str(found), hint="copy it into tasks/ here and give it another name"
        )
    if task.card.mteb is not None:
        raise UsageError(
            f"this card is mteb's task {task.card.mteb}, and labels make it another",
            where=str(found),
            hint="copy it under another name, without the key `mteb`",
        )
    return found


def _own(folder: Path) -> bool:
    """Whether a folder is below tasks/ here."""
    return folder.resolve().is_relative_to(Path("tasks").resolve())


def _is_card(path: Path, task: Task) -> bool:
    try:
        return read_card(path).card == task.card
    except BenchError:
        return False


def add_labels(unit: TaskUnit, card: Path, labels: Sequence[Label], output: Path | None = None) -> NewLabels:
    """Labels as a file beside a task's card.

    Args:
        unit: The split and subset that they are of.
        card: Its card.
        labels: The labels.
        output: The file; by default labels/NAME.csv beside the card. Labels that it holds stay in it.

    Raises:
        UsageError: The card names other files of labels and would have to be changed by hand.
        BenchError: The labels contradict the data's own or earlier ones.
    """
    file = output or card.parent / "labels" / f"{safe_name(unit.task)}.csv"
    name = _relative(file, card.parent)
    named = list(unit.card.labels)
    text = None if name in named else _with_labels_key(card, name)
    before = read_labels(card.parent, named, unit.split, unit.subset)
    known = {(label.query, label.document): label for label in before}
    for label in labels:
        other = known.get((label.query, label.document), label)
        if other.gain != label.gain:
            raise BenchError(
                f"query `{label.query}` and document `{label.document}` have the label {label.gain} here and "
                f"{other.gain} in {other.where}",
                where=label.where,
                hint="keep one of them",
            )
    added = [label for label in labels if (label.query, label.document) not in known]
    everything = [*before, *added]
    own = unit.sources.load_own(unit.split, unit.subset, {label.query for label in everything}).data
    if not isinstance(own, RetrievalData):
        raise UsageError("labels are for retrieval tasks", where=f"task `{unit.task}`")
    data = with_labels(own, everything)
    rows = [list(COLUMNS), *_rows_in(file), *(_row(label, unit) for label in added)]
    return NewLabels(file, write_csv(rows), card, text, data, len(added))


def _row(label: Label, unit: TaskUnit) -> list[str]:
    ids = id_cell(label.query), id_cell(label.document)
    note = label.note if label.note.startswith("'") else spreadsheet_text(neutral(label.note, lines=True))
    return [unit.split, unit.subset, *ids, str(label.gain), label.pair, label.pool, note]


def _rows_in(file: Path) -> list[list[str]]:
    """The rows of a file of labels as they are; none where there is no such file."""
    if not path_exists(file):
        return []
    return [[row.cells[column] for column in COLUMNS] for row in read_cells(file, COLUMNS)]


def _relative(file: Path, folder: Path) -> str:
    """A file as a card in the folder names it."""
    path, base = file.resolve(), folder.resolve()
    return Path(os.path.relpath(path, base)).as_posix() if path.is_relative_to(base) else str(path)


def _with_labels_key(card: Path, name: str) -> str:
    """The card's text with one more line, the rest as it is.

    Raises:
        UsageError: A line at the end does not do.
    """
    raw = read_bytes(card, MOST_TEXT)
    text = raw.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in text else "\n"
    line = dump_yaml({"labels": [name]}, default_flow_style=None, width=1000).strip()
    changed = f"{text}{newline if text and not text.endswith(newline) else ''}{line}{newline}"
    before = plain_yaml(text)
    try:
        fits = "labels" not in before and plain_yaml(changed) == before | {"labels": [name]}
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            "the card's key `labels` has to be written by hand", where=str(card), hint=f"let it name the file: {line}"
        )
    return changed
