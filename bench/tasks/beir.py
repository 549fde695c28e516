"""Reading a retrieval task from a folder with a corpus, queries and judgements, as BEIR and MS MARCO have it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.paths import is_folder
from bench.tasks.data import NotHereError, RetrievalData
from bench.tasks.judged import make_judged
from bench.tasks.readers.files import DataFile, find_table, foreign_hint, listed
from bench.tasks.readers.judgements import judgement_use, read_judgements
from bench.tasks.readers.labels import LabelRule, judge
from bench.tasks.readers.named import ColumnUse
from bench.tasks.readers.texts import Kind, read_texts, texts_use
from bench.tasks.tolerance import LIMIT, Tolerance

_LISTED = 10
# By kind, what its file may be called, without format and parts; `{}` is the split.
_TEXTS: dict[Kind, tuple[str, ...]] = {
    "document": ("corpus", "collection", "corpus/corpus", "corpus/{}", "corpus/train", "data/corpus"),
    "query": ("queries.{}", "topics.{}", "queries", "topics", "queries/queries", "queries/{}", "data/queries"),
}
# BEIR's, MS MARCO's and TREC's, the Hub's.
_JUDGEMENTS = ("qrels/{}", "qrels.{}", "default/{}", "data/{}")


def splits_of(folder: Path) -> list[str]:
    """The splits that a folder has judgements for."""
    found = set()
    for pattern in _JUDGEMENTS:
        start = pattern.replace("{}", "")
        for file in listed((folder / pattern).parent, folder):
            stem = file.parts.stem
            if stem.startswith(start) and (file.parts.tabular or file.parts.format == "text"):
                found.add(stem.removeprefix(start))
    found |= {file.parts.stem for file in listed(folder, folder) if _is_qrels(file)}
    return sorted(found - {"corpus", "queries"})


def _is_qrels(file: DataFile) -> bool:
    """Whether a file is called as ir_datasets calls judgements: test.qrels."""
    return ".qrels" in file.name.lower() and file.parts.format == "text"


def is_beir(folder: Path) -> bool:
    """Whether a folder holds a retrieval task, or enough of one to say what is missing."""
    files = listed(folder, folder)
    queries = any(file.parts.stem == "queries" and file.parts.format in {"jsonl", "json"} for file in files)
    judged = is_folder(folder / "qrels") or any(_is_qrels(file) for file in files)
    return queries or judged or any(_has(folder, stem.format("test")) for stem in _TEXTS["document"])


def _has(folder: Path, stem: str) -> bool:
    return any(file.parts.stem == stem and file.parts.tabular for file in listed((folder / stem).parent, folder))


def read_beir(
    folder: Path,
    split: str,
    *,
    ignore_identical_ids: bool = False,
    allow_empty: bool = False,
    strict: bool = False,
    also: Collection[str] = (),
) -> RetrievalData:
    """Read one split.

    Args:
        folder: The folder.
        split: The split that is judged.
        ignore_identical_ids: See RetrievalData.
        allow_empty: Whether texts may be empty, however many.
        strict: Whether oddities that MTEB tolerates are refused, however few (bench.tasks.tolerance).
        also: Ids of queries to take besides those that the split judges; with them it need not judge any.

    Raises:
        NotHereError: A file is missing, or there are no judgements for the split.
        BenchError: See read_judged.
    """
    try:
        judgements = _judgements(folder, split)
    except NotHereError:
        if not also:
            raise
        judgements = []
    return read_judged(
        _texts(folder, "document", split),
        _texts(folder, "query", split),
        judgements,
        Tolerance(strict),
        ignore_identical_ids=ignore_identical_ids,
        allow_empty=allow_empty,
        also=also,
    )


def unjudged_queries(folder: Path, split: str) -> list[str]:
    """Ids of the queries that a split could judge and that no split of the folder does.

    Raises:
        NotHereError: A file is missing.
        BenchError: A file is broken.
    """
    judged = {row.query for name in splits_of(folder) for row in read_judgements(_judgements(folder, name))}
    asked = read_texts(_texts(folder, "query", split), "query", Tolerance(), allow_empty=True)
    return [name for name in asked if name not in judged]


def beir_use(folder: Path, split: str) -> list[ColumnUse]:
    """What the columns of a folder's tables are taken for.

    Raises:
        NotHereError: A file is missing, or there are no judgements for the split.
        BenchError: A file is broken.
    """
    return [
        *(texts_use(_texts(folder, kind, split)[0], kind) for kind in _TEXTS),
        judgement_use(_judgements(folder, split)[0]),
    ]


def read_judged(
    documents: Sequence[DataFile],
    queries: Sequence[DataFile],
    judgements: Sequence[DataFile],
    tolerance: Tolerance,
    *,
    ignore_identical_ids: bool,
    allow_empty: bool = False,
    most_empty: float | None = LIMIT,
    advise: bool = True,
    also: Collection[str] = (),
) -> RetrievalData:
    """A retrieval task from the files of its three tables.

    Args:
        documents: The files with the documents.
        queries: The files with the queries.
        judgements: The files with the judgements of a split.
        tolerance: Decides what is refused, and collects notes.
        ignore_identical_ids: See RetrievalData.
        allow_empty: Whether texts may be empty without a word.
        most_empty: See read_texts.
        advise: See make_judged.
        also: Ids of queries to take besides those that are judged; with them no judgement is needed.

    Raises:
        RepeatedIdError: An id stands for two texts.
        BenchError: A file is broken (with its line), too many texts are empty, too many judgements name an unknown
            query or document, or no document is relevant to any query.
    """
    texts = read_texts(documents, "document", tolerance, allow_empty=allow_empty, most_empty=most_empty)
    asked = read_texts(queries, "query", tolerance, allow_empty=allow_empty, most_empty=most_empty)
    where = judgements[0].where if judgements else documents[0].place
    rows = list(read_judgements(judgements))
    if not rows and not also:
        raise BenchError("no judgement in the file", where=where)
    judged = judge(rows, LabelRule(), tolerance)
    further = set(also).difference(judged.queries)
    return make_judged(
        texts,
        asked,
        judged.gains,
        where,
        tolerance,
        asked=[*judged.queries, *(name for name in asked if name in further)],
        files=(documents[0].name, queries[0].name),
        ignore_identical_ids=ignore_identical_ids,
        advise=advise,
        notes=judged.notes,
        unjudged=bool(also),
    )


def _texts(folder: Path, kind: Kind, split: str) -> list[DataFile]:
    stems = [stem.format(split) for stem in _TEXTS[kind]]
    if found := find_table(folder, stems, text=kind == "query"):
        return found
    name = {"document": "corpus", "query": "queries"}[kind]
    there = ", ".join(file.name for file in listed(folder, folder)[:_LISTED]) or "no file"
    raise NotHereError(
        f"no file {name}.jsonl, nor one of another format",
        where=str(folder),
        hint=foreign_hint(folder, *stems, "docs")
        or f"a retrieval task is a folder with corpus.jsonl, queries.jsonl and qrels/<split>.tsv; found: {there}",
    )


def _judgements(folder: Path, split: str) -> list[DataFile]:
    stems = [stem.format(split) for stem in _JUDGEMENTS]
    found = find_table(folder, stems, text=True)
    found = found or [file for file in listed(folder, folder) if _is_qrels(file) and file.parts.stem == split]
    if split == "test":
        found = found or find_table(folder, ["qrels"], text=True)
    if found:
        return found
    raise NotHereError(
        f"no judgements for the split `{split}`",
        where=str(folder / "qrels"),
        hint=foreign_hint(folder, *stems, "qrels") or f"splits found: {', '.join(splits_of(folder)) or 'none'}",
    )
