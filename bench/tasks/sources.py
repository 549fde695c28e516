"""Where a task's data lies: $BENCH_DATA, the user's own path, the Hub's local cache, the Hub, in this order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.files import safe_name
from bench.hub import HubFolder, offline
from bench.paths import path_exists
from bench.reading import user_path
from bench.regular import check_kind
from bench.tasks.card import TaskCard
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.labels import read_labels, with_labels
from bench.tasks.layouts import DEFAULT_SUBSET, TaskData, read_data
from bench.tasks.mteb_data import MtebData
from bench.tasks.places import HubData, Place
from bench.tasks.plain import without_markup
from bench.tasks.readers.files import first_found, lacks_parts, local_files, remote_files
from bench.tasks.tables.read import read_table


@dataclass(frozen=True)
class Loaded:
    """The data of a task unit and the place that it was found in."""

    data: TaskData
    place: Place


@dataclass(frozen=True)
class Sources:
    """The places of one card's data.

    Attributes:
        card: The card.
        base: The card's folder.
        download: Whether the Hub may be asked; otherwise only its local cache is.
    """

    card: TaskCard
    base: Path
    download: bool = True

    def load(self, split: str, subset: str, also: Collection[str] = ()) -> Loaded:
        """The data of one split and subset, from the first place that has it, with the labels beside it.

        Args:
            split: The split.
            subset: The subset.
            also: See read_data.

        Raises:
            NotHereError: The card's only place does not hold it.
            NotDownloadedError: Only the Hub can have it and may not be asked.
            NotAvailableError: No place has it.
            BenchError: The place that has it holds broken data, or the labels beside it do not fit it.
        """
        labels = read_labels(self.base, self.card.labels, split, subset)
        loaded = self.load_own(split, subset, {*also, *(label.query for label in labels)})
        if not labels or not isinstance(loaded.data, RetrievalData):
            return loaded
        return Loaded(with_labels(loaded.data, labels), loaded.place)

    def load_own(self, split: str, subset: str, also: Collection[str] = ()) -> Loaded:
        """The data of one split and subset without the labels beside it.

        Args:
            split: The split.
            subset: The subset.
            also: See read_data.

        Raises:
            BenchError: See load.
        """

        def read(place: Place | HubFolder) -> Loaded:
            if isinstance(place, Place):
                data = read_data(self.card, place.path, split, subset, also)
                return Loaded(self._plain(data, place), place)
            data = read_table(remote_files(place), self.card, split)
            return Loaded(data, Place(Path(place.repo), place.commit))

        if self._hub is None:
            return read(Place(self.own_path()))
        wanted = split if subset == DEFAULT_SUBSET else f"{split}, {subset}"
        return self._hub.read(read, wanted, self._own_place())

    def _plain(self, data: TaskData, place: Place) -> TaskData:
        """The data without HTML, where the card wants it so; tables are read without it."""
        if not self.card.strip_html or self.card.table is not None or isinstance(data, MtebData):
            return data
        return without_markup(data, str(place.path), allow_empty=self.card.allow_empty)

    def own_path(self) -> Path:
        """The path that the card names.

        Raises:
            NotHereError: There is nothing.
            BenchError: It is neither a file nor a folder.
        """
        path = self.base / user_path(str(self.card.path))
        if not path_exists(path):
            raise NotHereError(
                f"the data of the task `{self.card.name}` is not there",
                where=str(path),
                hint="check `path` in the card",
            )
        check_kind(path)
        return path.resolve()

    def _own_place(self) -> Iterator[Place]:
        if "path" in self.card.model_fields_set:
            yield Place(self.own_path())

    @cached_property
    def _hub(self) -> HubData | None:
        if self.card.hub is None:
            return None
        table = self.card.table
        return HubData(
            self.card.hub,
            self.card.revision,
            # A name may hold what leads out of the folder.
            folder=self.card.folder or safe_name(self.card.name.removeprefix("mteb:")),
            where=f"task `{self.card.name}`",
            usable=self._usable,
            patterns=table.patterns if table else None,
            part=table is not None and table.sample is not None,
            download=self.download,
        )

    def _usable(self, folder: Path) -> bool:
        """Whether a folder in the Hub's cache holds what the card needs, so far as names tell."""
        table = self.card.table
        try:
            if table is None:
                found = local_files(folder)(["**/*"])
                return bool(found) and (offline() or not lacks_parts(found))
            return any(first_found(local_files(folder), names) for names in table.files.values())
        except NotHereError:
            # Without the Hub a part is read, so that the error says what is missing.
            return offline()
