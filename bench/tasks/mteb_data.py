"""Loading a task of mteb from a local copy of its data set, with mteb's own loader."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from bench.cache import cache_root, sha256_of
from bench.errors import BenchError
from bench.files import digest_bytes, digest_json, digest_parts
from bench.mteb_import import contained, import_mteb
from bench.paths import is_folder, walk_files
from bench.tasks.data import NotHereError, PairData, RetrievalData
from bench.tasks.hub_layout import HubLayout, read_plain
from bench.tasks.judged import make_judged
from bench.tasks.mteb_bridge import MtebDefinition
from bench.tasks.pairs import make_pairs
from bench.tasks.readers.cells import read_number
from bench.tasks.readers.rows import read_rows
from bench.tasks.tolerance import Tolerance

_BLOCK_ROWS = 1000
# State of a task that is no setting of its evaluator.
_STATE = frozenset({"dataset", "metadata", "data_loaded", "hf_subsets", "rng_state", "np_rng", "superseded_by"})
# Where the library `datasets` writes the Arrow copies of what it reads, below its cache folder.
_CACHE_SETTINGS = {
    "HF_DATASETS_CACHE": "",
    "DOWNLOADED_DATASETS_PATH": "downloads",
    "EXTRACTED_DATASETS_PATH": "downloads/extracted",
}


@dataclass(frozen=True)
class MtebData:
    """A loaded task that mteb's own evaluator scores.

    Attributes:
        definition: What mteb says of it.
        split: The split to score.
        subset: The subset to score.
        task: mteb's task object, loaded; it is only ever evaluated through copies.
        cache: Folder of the Arrow files behind it.
        n: Rows (for rankings: queries) that are scored.
        notes: What a reader of the scores should know about the data.
    """

    definition: MtebDefinition
    split: str
    subset: str
    task: Any
    cache: Path
    n: int
    notes: list[str] = field(default_factory=list)

    @property
    def characters(self) -> int:
        """Characters of texts in memory: none, `datasets` maps its Arrow files."""
        return 0

    def fingerprint(self) -> str:
        """Identity by content: all rows that are read, in their order, and how they are scored.

        Order counts, because mteb draws training examples and samples by row number.
        """
        with contained():
            parts = {name: _digest_rows(rows) for name, rows in _parts(self.task, self.split, self.subset).items()}
            return digest_json(
                {
                    "type": "mteb",
                    "task": self.definition.name,
                    "mteb_type": self.definition.mteb_type,
                    "main_metric": self.definition.main_metric,
                    "split": self.split,
                    "subset": self.subset,
                    "parts": parts,
                    "settings": _settings(self.task),
                    "mteb": import_mteb().__version__,
                }
            )


def load_mteb(
    definition: MtebDefinition, folder: Path, split: str, subset: str, *, strict: bool = False
) -> RetrievalData | PairData | MtebData:
    """Load one split and subset of a task.

    Args:
        definition: The task.
        folder: Its data set in the layout of the Hugging Face Hub: README.md with `configs`, Parquet or JSON Lines.
        split: One of definition.splits.
        subset: One of definition.subsets.
        strict: Whether oddities that MTEB tolerates are refused, however few (bench.tasks.tolerance).

    Returns:
        The data for bench's own scoring where definition.kind is retrieval or sts; MtebData for every other task, and
        for the few of these whose data asks for what bench's scoring does not do (its notes say why).

    Raises:
        NotHereError: There is no such split and subset in the folder, parts of it are missing, or mteb cannot read it.
        BenchError: mteb is missing, a file is broken, or the data cannot be scored.
    """
    where = f"mteb task `{definition.name}` in {folder}"
    if not is_folder(folder):
        raise BenchError("no such folder", where=where, hint="it holds the data set as the Hugging Face Hub has it")
    layout = HubLayout.of(folder)
    layout.check_links()
    data = read_plain(definition, layout, split, subset, strict=strict)
    if data is not None:
        return replace(data, notes=[*definition.notes, *data.notes])
    if definition.plain or split not in definition.splits:
        # A task may make its splits itself; no other split is one that the data set lacks.
        layout.check(split)
    mteb = import_mteb()
    key = _content_key(folder)
    cache = cache_root() / "datasets" / key
    with contained(), arrow_cache(cache):
        try:
            task = mteb.get_task(definition.name, hf_subsets=[subset], eval_splits=[split])
            source = {name: value for name, value in task.metadata.dataset.items() if name != "trust_remote_code"}
            # The content stands for the revision, so that nothing keyed by the revision outlives a change.
            source |= {"path": str(folder.resolve()), "revision": key}
            task.metadata = task.metadata.model_copy(update={"dataset": source})
            if task.fast_loading and subset in importlib.import_module("datasets").get_dataset_config_names(
                str(folder)
            ):
                # Fast loading reads all subsets from one table, which not every copy of a data set has.
                task.fast_loading = False
            task.load_data()
            if hasattr(task, "convert_v1_dataset_format_to_v2"):
                task.convert_v1_dataset_format_to_v2(num_proc=None)
            parts = _parts(task, split, subset)
        except Exception as error:
            raise _cannot_load(layout, definition, split, subset) from error
        notes = list(definition.notes)
        if definition.kind == "sts":
            return _pairs(parts["rows"], task, notes, where)
        if definition.kind == "retrieval":
            obstacle = _obstacle(parts)
            if obstacle is None:
                return _retrieval(parts, definition, notes, where, Tolerance(strict))
            notes.append(f"scored by mteb's own evaluator, since {obstacle}")
        return MtebData(definition, split, subset, task, cache, _count(parts, task), notes)


def _cannot_load(layout: HubLayout, definition: MtebDefinition, split: str, subset: str) -> NotHereError:
    """What mteb's loader missed; its own words are those of the libraries that it reads with.

    Raises:
        BenchError: A file of the data set is broken, with the line.
    """
    for file in layout.all_files(split):
        for _ in read_rows(file, lambda _: []):
            pass
    return NotHereError(
        f"mteb cannot read the split `{split}` of `{subset}` from these files",
        where=f"mteb task `{definition.name}` in {layout.folder}",
        hint=f"the folder must hold the data set {definition.dataset} as the Hugging Face Hub has it: {layout}; "
        "`bench --debug ...` shows what mteb says",
    )


@contextmanager
def arrow_cache(folder: Path) -> Iterator[None]:
    """A stretch in which the library `datasets` keeps its Arrow files in a folder of one content.

    Its own folder is keyed by paths and times, and can show the old rows of a file that has changed.
    """
    config: Any = importlib.import_module("datasets").config
    before = {name: getattr(config, name) for name in _CACHE_SETTINGS}
    try:
        for name, below in _CACHE_SETTINGS.items():
            setattr(config, name, folder / below)
        yield
    finally:
        for name, value in before.items():
            setattr(config, name, value)


def _content_key(folder: Path) -> str:
    """A digest of all files of a folder, their names and contents."""
    return digest_json([[path.relative_to(folder).as_posix(), sha256_of(path)] for path in walk_files(folder)])


def _parts(task: Any, split: str, subset: str) -> dict[str, Any]:
    """The tables that an evaluation of the split reads, by name."""
    data = task.dataset
    whole = data.get(subset, data)
    rows = whole[split]
    if isinstance(rows, Mapping) and "corpus" in rows:
        return dict(rows)
    train = getattr(task, "train_split", split)
    return {"rows": rows} if train == split else {"rows": rows, "train": whole[train]}


def _count(parts: dict[str, Any], task: Any) -> int:
    if "queries" in parts:
        return sum(1 for name in parts["queries"]["id"] if parts["relevant_docs"].get(name))
    rows = parts["rows"]
    labels = getattr(task, "label_column_name", None)
    # Older data sets of pairs hold all of them in the lists of one row.
    if len(rows) == 1 and labels in rows[0] and isinstance(rows[0][labels], list):
        return len(rows[0][labels])
    return len(rows)


def _digest_rows(rows: Any) -> str:
    if not hasattr(rows, "column_names"):
        return digest_bytes(_json(rows))
    columns = sorted(rows.column_names)
    blocks = (rows[start : start + _BLOCK_ROWS] for start in range(0, len(rows), _BLOCK_ROWS))
    # One block at a time: a corpus may be larger than memory.
    return digest_parts(chain([_json(columns)], (_json([block[name] for name in columns]) for block in blocks)))


def _settings(task: Any) -> dict[str, Any]:
    """The task's attributes: how many experiments, which classifier, which columns."""
    names = {name for cls in type(task).__mro__ for name in vars(cls)} | set(vars(task))
    found = {}
    for name in sorted(names - _STATE):
        if name.startswith("_") or isinstance(getattr(type(task), name, None), property):
            continue
        value = getattr(task, name)
        if isinstance(value, type):
            found[name] = value.__qualname__
        elif hasattr(value, "get_params"):
            found[name] = f"{type(value).__qualname__} {_json(value.get_params()).decode()}"
        elif not callable(value):
            found[name] = _json(value).decode()
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, default=str).encode()


def _obstacle(parts: dict[str, Any]) -> str | None:
    """Why bench's own scoring would not compute what mteb does, None where it would."""
    documents, queries = list(parts["corpus"]["id"]), list(parts["queries"]["id"])
    known, asked = set(documents), set(queries)
    if parts.get("top_ranked"):
        return "the data gives each query a list of documents to rank"
    if len(known) < len(documents) or len(asked) < len(queries):
        return "ids are repeated"
    return None


def _retrieval(
    parts: dict[str, Any], definition: MtebDefinition, notes: list[str], where: str, tolerance: Tolerance
) -> RetrievalData:
    corpus, queries, labels = parts["corpus"], parts["queries"], parts["relevant_docs"]
    titles = corpus["title"] if "title" in corpus.column_names else [None] * len(corpus)
    bodies = _texts(corpus["text"], "document", where)
    texts = [f"{title or ''} {text}".strip() for title, text in zip(titles, bodies, strict=True)]
    documents = dict(zip(corpus["id"], texts, strict=True))
    questions = dict(zip(queries["id"], _query_texts(queries, where), strict=True))
    for several, found in (("documents", documents), ("queries", questions)):
        tolerance.take(
            [name for name, text in found.items() if not text.strip()],
            len(found),
            f"{several} have an empty text",
            counts="they are encoded as they are, as in MTEB",
            where=where,
            hint="remove `strict: true` from the card",
            limit=None,
        )
    known = [name for name in queries["id"] if labels.get(name)]
    order = [*known, *(name for name, judged in labels.items() if judged and name not in questions)]
    return make_judged(
        documents,
        questions,
        {(name, document): int(label) for name in order for document, label in sorted(labels[name].items())},
        where,
        tolerance,
        files=("the corpus", "the queries"),
        ignore_identical_ids=definition.ignore_identical_ids,
        advise=False,
        notes=notes,
    )


def _query_texts(queries: Any, where: str) -> list[str]:
    """What a model gets of each query: its text and instruction, or the turns of its conversation."""
    kind = importlib.import_module("mteb.types").PromptType.query
    texts = importlib.import_module("mteb._create_dataloaders")._retrieval_texts(queries, kind)
    return _texts(texts, "query", where)


def _texts(values: Iterable[Any], what: str, where: str) -> list[str]:
    texts = list(values)
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise BenchError(f"the text of {what} {number} is missing", where=where)
    return texts


def _pairs(rows: Any, task: Any, notes: list[str], where: str) -> PairData:
    missing = [name for name in (*task.column_names, "score") if name not in rows.column_names]
    if missing:
        raise BenchError(
            f"the column `{missing[0]}` is missing",
            where=where,
            hint=f"columns found: {', '.join(rows.column_names) or 'none'}",
        )
    first, second = (_texts(rows[name], f"`{name}`", where) for name in task.column_names)
    gold = [read_number(score, "score", f"{where}, row {row}") for row, score in enumerate(rows["score"], 1)]
    return replace(make_pairs(first, second, gold, where), notes=notes)
