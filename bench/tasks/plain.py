"""The HTML in a task's texts: taken out of data in memory, or pointed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.tasks.data import PairData, RetrievalData, pair_ids
from bench.tasks.markup import markup_examples, markup_start, plain_text_of

_SHOWN = 60


def without_markup(data: RetrievalData | PairData, where: str, *, allow_empty: bool) -> RetrievalData | PairData:
    """The same data with plain texts (see plain_text_of).

    Args:
        data: The data.
        where: What it was read from, for messages.
        allow_empty: Whether a text may hold markup alone.

    Raises:
        BenchError: A text holds markup alone and must not, or a package is missing.
    """

    def plain(texts: Sequence[str], ids: Sequence[str], what: str) -> list[str]:
        found = [plain_text_of(text) for text in texts]
        bare = [name for name, old, new in zip(ids, texts, found, strict=True) if old.strip() and not new.strip()]
        if bare and not allow_empty:
            raise BenchError(
                f"the {what} `{bare[0]}` holds markup alone",
                where=where,
                hint="give it a text, remove it, or set `allow_empty: true` in the task card",
            )
        return found

    if isinstance(data, RetrievalData):
        return replace(
            data,
            documents=[text.strip() for text in plain(data.documents, data.document_ids, "document")],
            queries=plain(data.queries, data.query_ids, "query"),
        )
    first, second = (plain(texts, data.ids, "pair") for texts in (data.sentences1, data.sentences2))
    return replace(data, ids=pair_ids(first, second, data.gold.tolist()), sentences1=first, sentences2=second)


def markup_found(data: RetrievalData | PairData) -> Iterator[str]:
    """A sentence on each kind of texts of which some hold HTML: how many, and the first."""
    if isinstance(data, RetrievalData):
        kinds = [("documents", data.documents), ("queries", data.queries)]
    else:
        kinds = [("sentences", [*data.sentences1, *data.sentences2])]
    for what, texts in kinds:
        if found := markup_examples(texts):
            text = texts[found[0]]
            start = max((markup_start(text) or 0) - _SHOWN // 3, 0)
            part = f"{'...' * (start > 0)}{text[start : start + _SHOWN]}{'...' * (start + _SHOWN < len(text))}"
            yield f"{len(found):,} of {len(texts):,} {what} ({len(found) / len(texts):.0%}) hold HTML, such as {part!r}"
