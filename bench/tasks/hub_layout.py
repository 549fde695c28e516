"""Data sets in the layout of the Hugging Face Hub: README.md names the files of each configuration and split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from bench.config.yaml_document import plain_yaml
from bench.errors import BenchError, did_you_mean
from bench.inside import OutsideError, check_name
from bench.paths import has_file, is_folder
from bench.reading import read_text
from bench.tasks.beir import read_judged
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.mteb_bridge import MtebDefinition
from bench.tasks.pairs import ROLES, Pair, pair_data, read_pair
from bench.tasks.readers.cells import needed_text
from bench.tasks.readers.files import DataFile, local_files, whole_tables
from bench.tasks.readers.named import listed_columns
from bench.tasks.readers.rows import read_rows
from bench.tasks.readers.texts import RepeatedIdError
from bench.tasks.tolerance import Tolerance

DEFAULT = "default"
# The same split under its other name.
ALSO = {"validation": "dev", "dev": "validation"}
# The column of a table of all subsets that says which a row belongs to.
_SUBSET_COLUMN = "lang"


@dataclass(frozen=True)
class HubLayout:
    """The configurations of a data set as its README.md names them.

    Attributes:
        folder: Its folder.
        configs: Patterns of files by configuration and split.
    """

    folder: Path
    configs: Mapping[str, Mapping[str, list[str]]]

    @classmethod
    def of(cls, folder: Path) -> HubLayout:
        """The layout of a folder; without configurations where README.md names none.

        Raises:
            BenchError: README.md names files outside the folder.
        """
        head = _head(folder)
        configs = head.get("configs")
        _check_inside(configs, folder)
        found = {}
        for config in configs if isinstance(configs, list) else []:
            if isinstance(config, Mapping) and "data_files" in config:
                found[str(config.get("config_name", DEFAULT))] = _splits(config)
        return cls(folder, found)

    def files(self, config: str, split: str, *, only: bool = False) -> list[DataFile]:
        """The files of a split of a configuration.

        Args:
            config: The configuration.
            split: The split.
            only: Whether the only split of the configuration will do.

        Raises:
            NotHereError: There is no such split, with those that there are, or parts of it are missing.
        """
        splits = self.configs[config]
        name = next((name for name in (split, ALSO.get(split, split)) if name in splits), None)
        if name is None and only and len(splits) == 1:
            name = next(iter(splits))
        files = local_files(self.folder)(splits[name]) if name is not None else []
        if files:
            return whole_tables(files)
        found = [name for name, patterns in splits.items() if local_files(self.folder)(patterns)]
        raise NotHereError(
            f"no split `{split}`" + (f" of `{config}`" if config != DEFAULT else ""),
            where=str(self.folder),
            hint=f"splits found: {', '.join(found) or 'none'}",
        )

    def all_files(self, split: str) -> list[DataFile]:
        """The files of a split in all configurations, and those of configurations that lack it."""
        if not self.configs:
            return [file for file in local_files(self.folder)(["**/*"]) if Path(file.parts.stem).name == split]
        found: dict[str, DataFile] = {}
        for splits in self.configs.values():
            own = [splits[split]] if split in splits else splits.values()
            for patterns in own:
                found |= {file.name: file for file in local_files(self.folder)(patterns)}
        return list(found.values())

    def check_links(self) -> None:
        """Refuse files that README.md names and that links take from outside of the folder.

        Raises:
            BenchError: One is.
        """
        for splits in self.configs.values():
            for patterns in splits.values():
                local_files(self.folder)(patterns)

    def check(self, split: str) -> None:
        """Refuse a data set that lacks a split, or parts of it.

        Raises:
            NotHereError: No configuration has the split, or parts are missing.
        """
        known = {name for splits in self.configs.values() for name in splits}
        if known and split not in known:
            raise _missing(f"no split `{split}`", sorted(known), "splits", split, self.folder)
        whole_tables(self.all_files(split))

    def __str__(self) -> str:
        """The configurations with their splits, for messages."""
        return ", ".join(f"{name} ({', '.join(splits)})" for name, splits in self.configs.items()) or "no configuration"


def is_hub_layout(folder: Path) -> bool:
    """Whether a folder is a data set as the Hub keeps it: its README names configurations."""
    return bool(_head(folder).get("configs")) if is_folder(folder) else False


def read_plain(
    task: MtebDefinition, layout: HubLayout, split: str, subset: str, *, strict: bool = False
) -> RetrievalData | PairData | None:
    """A task that mteb reads as rows of tables, read by the rules of every other layout.

    Args:
        task: The task.
        layout: Its data set.
        split: The split.
        subset: The subset.
        strict: Whether oddities that MTEB tolerates are refused, however few (bench.tasks.tolerance).

    Returns:
        The data; None where the task is not of that kind, or its data asks for what only mteb's evaluator does.

    Raises:
        NotHereError: There is no such split or subset, or parts of it are missing.
        BenchError: A file is broken or does not hold what it must.
    """
    if not task.plain or task.kind == "mteb" or not layout.configs:
        return None
    if task.kind == "sts":
        return _pairs(task, layout, split, subset)
    return _retrieval(task, layout, split, subset, Tolerance(strict))


def _retrieval(
    task: MtebDefinition, layout: HubLayout, split: str, subset: str, tolerance: Tolerance
) -> RetrievalData | None:
    start = "" if subset == DEFAULT else f"{subset}-"
    configs = layout.configs
    labels = f"{start}qrels" if start or DEFAULT not in configs else DEFAULT
    queries = "query" if "query" in configs else f"{start}queries"
    for config in (labels, queries, f"{start}corpus"):
        if config not in configs:
            raise _no_config(layout, config, "configuration")
    if f"{start}top_ranked" in configs or f"{start}instruction" in configs:
        return None
    judgements = layout.files(labels, split)
    try:
        return read_judged(
            layout.files(f"{start}corpus", split, only=True),
            layout.files(queries, split, only=True),
            judgements,
            tolerance,
            ignore_identical_ids=task.ignore_identical_ids,
            most_empty=None,
            advise=False,
        )
    except RepeatedIdError:
        return None


def _pairs(task: MtebDefinition, layout: HubLayout, split: str, subset: str) -> PairData:
    merged = subset not in layout.configs and task.merged and DEFAULT in layout.configs
    config = DEFAULT if merged else subset
    if config not in layout.configs:
        raise _no_config(layout, subset, "subset")
    columns = dict(zip(ROLES, (*task.columns, ROLES[2]), strict=True))
    pairs: list[Pair] = []
    subsets: dict[str, None] = {}
    files = layout.files(config, split)
    for file in files:
        wanted = [*columns.values(), *([_SUBSET_COLUMN] if merged else [])]

        def choose(found: list[str], wanted: list[str] = wanted, file: DataFile = file) -> list[str]:
            for column in wanted:
                if column not in found:
                    raise BenchError(f"no column `{column}`", where=file.where, hint=listed_columns(found, column))
            return wanted

        for row in read_rows(file, choose):
            subsets[str(row.cells.get(_SUBSET_COLUMN))] = None
            if not merged or row.cells[_SUBSET_COLUMN] == subset:
                pairs.append(read_pair(row, columns, partial(needed_text, allow_empty=True)))
    if merged and not pairs:
        raise _missing(f"no subset `{subset}`", list(subsets), "subsets", subset, layout.folder)
    return pair_data(pairs, files[0].where)


def _no_config(layout: HubLayout, name: str, what: str) -> NotHereError:
    return _missing(f"no {what} `{name}`", list(layout.configs), "configurations", name, layout.folder)


def _missing(message: str, known: list[str], what: str, name: str, folder: Path) -> NotHereError:
    found = f"{what} found: {', '.join(known[:20]) or 'none'}"
    close = did_you_mean(name, known)
    return NotHereError(message, where=str(folder), hint=f"{close} {found}" if close else found)


def _head(folder: Path) -> Mapping[str, Any]:
    """The YAML at the start of README.md, nothing where there is none."""
    readme = folder / "README.md"
    parts = read_text(readme).split("---", 2) if has_file(readme) else []
    try:
        head = plain_yaml(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except ValueError:
        # The library that reads the data says what is wrong with it.
        return {}
    return head if isinstance(head, Mapping) else {}


def _splits(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Patterns by split; files without a split are the split `train`, as the library `datasets` has it."""
    files, folder = config["data_files"], config.get("data_dir")
    if isinstance(files, Mapping):
        found = {str(split): _listed(paths) for split, paths in files.items()}
    elif isinstance(files, list) and all(isinstance(file, Mapping) and "split" in file for file in files):
        found = {str(file["split"]): _listed(file.get("path")) for file in files}
    else:
        found = {"train": _listed(files)}
    if isinstance(folder, str):
        found = {split: [(PurePosixPath(folder) / path).as_posix() for path in paths] for split, paths in found.items()}
    return found


def _listed(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _check_inside(configs: Any, folder: Path) -> None:
    """Files elsewhere belong to no digest of the folder, and a data set has no business with them."""
    for config in configs if isinstance(configs, list) else [configs]:
        stated = [config.get("data_files"), config.get("data_dir")] if isinstance(config, Mapping) else config
        for text in filter(None, _strings(stated)):
            try:
                check_name(text)
            except OutsideError as error:
                raise _outside(text, folder) from error
            if "://" in text:
                raise _outside(text, folder)


def _outside(text: str, folder: Path) -> BenchError:
    return BenchError(
        f"README.md names files outside the folder: {text}", where=str(folder), hint="name files within it"
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(item)
