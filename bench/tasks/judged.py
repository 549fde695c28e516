"""From texts and judgements under ids to retrieval data; what one lacks of the other counts as in MTEB."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from bench.tasks.data import RetrievalData, make_retrieval
from bench.tasks.tolerance import Tolerance

FILES = ("corpus.jsonl", "queries.jsonl")


def make_judged(
    documents: Mapping[str, str],
    queries: Mapping[str, str],
    gains: Mapping[tuple[str, str], int],
    where: str,
    tolerance: Tolerance,
    *,
    asked: Sequence[str] | None = None,
    files: tuple[str, str] = FILES,
    ignore_identical_ids: bool = False,
    advise: bool = True,
    notes: Sequence[str] = (),
    unjudged: bool = False,
) -> RetrievalData:
    """The judged queries of a split as data.

    A relevant document that the corpus lacks is never found and stays in the ideal ranking; a judged query that is
    missing is left out: so does MTEB.

    Args:
        documents: Texts by id.
        queries: Texts by id, of the split's queries and maybe others.
        gains: Labels by the ids of query and document; 0 and less is not relevant.
        where: What the judgements were read from, for messages.
        tolerance: Decides what is refused, and collects notes.
        asked: Ids of the queries to score, in order; by default those that are judged.
        files: What messages call the sources of documents and queries.
        ignore_identical_ids: See RetrievalData.
        advise: Whether to note queries that `ignore_identical_ids` would matter for where it is off.
        notes: What else a reader of the scores should know.
        unjudged: Whether there may be no relevant document.

    Raises:
        BenchError: Too many judged documents or queries are missing, or no document is relevant to any query.
    """
    asked = list(dict.fromkeys(query for query, _ in gains) if asked is None else asked)
    take_missing_queries([query for query in asked if query not in queries], len(asked), files[1], where, tolerance)
    take_missing_documents(documents, gains, files[0], where, tolerance)
    known = [query for query in asked if query in queries]
    rows, places = ({name: row for row, name in enumerate(names)} for names in (known, documents))
    positive = [(query, document, gain) for (query, document), gain in gains.items() if gain > 0 and query in rows]
    rejected = [(query, document) for (query, document), gain in gains.items() if gain <= 0 and query in rows]
    lacking = [(rows[query], gain) for query, document, gain in positive if document not in places]
    if advise and not ignore_identical_ids:
        _note_own(documents, queries, known, tolerance)
    return make_retrieval(
        (list(documents), list(documents.values())),
        (known, [queries[query] for query in known]),
        [(rows[query], places[document], gain) for query, document, gain in positive if document in places],
        where,
        ignore_identical_ids=ignore_identical_ids,
        notes=[*notes, *tolerance.notes],
        irrelevant=len(rejected),
        lacking=lacking,
        not_relevant=[(rows[query], places[document]) for query, document in rejected if document in places],
        unjudged=unjudged,
    )


def take_missing_queries(missing: Sequence[str], of: int, file: str, where: str, tolerance: Tolerance) -> None:
    """Note judged queries that a file lacks, or refuse them."""
    tolerance.take(
        missing,
        of,
        f"judged queries are not in {file}",
        counts="they are left out, as in MTEB",
        where=where,
        hint=f"add them to {file} or remove their judgements",
    )


def take_missing_documents(
    there: Container[str],
    gains: Mapping[tuple[str, str], int],
    file: str,
    where: str,
    tolerance: Tolerance,
    *,
    named: bool = False,
) -> None:
    """Note judged documents that a file lacks, or refuse them: by their share of documents or positive judgements.

    With `named` the note names the first of them.
    """
    judged = dict.fromkeys(document for _, document in gains)
    missing = [document for document in judged if document not in there]
    if not missing:
        return
    relevant = [document for (_, document), gain in gains.items() if gain > 0]
    lost = sum(document not in there for document in relevant)
    tolerance.take(
        missing,
        len(judged),
        f"judged documents are not in {file}",
        counts="they are never found, as in MTEB; "
        f"{lost:,} of {len(relevant):,} positive judgements are of them and stay in the ideal ranking",
        where=where,
        hint=f"add them to {file} or remove their judgements",
        share=max(len(missing) / len(judged), lost / max(len(relevant), 1)),
        named=named,
    )


def _note_own(
    documents: Mapping[str, str], queries: Mapping[str, str], asked: Sequence[str], tolerance: Tolerance
) -> None:
    """Note queries that are documents of the corpus under the same id; a document's title may go before the text."""
    own = sum(documents.get(name, "").endswith(queries[name]) for name in asked if queries[name])
    if own:
        tolerance.notes.append(
            f"{own:,} of {len(asked):,} queries are documents of the corpus under the same id, ranked like any other: "
            "`ignore_identical_ids: true` in the card leaves them out, as MTEB does on some tasks"
        )
