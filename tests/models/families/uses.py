"""What a family's vectors are compared on: queries and documents of retrieval, and texts of two symmetric tasks."""

from __future__ import annotations

from dataclasses import dataclass

from . import texts


@dataclass(frozen=True)
class Use:
    """Texts of one kind.

    Attributes:
        texts: The texts.
        task: The task of mteb that they stand for; None for the family's retrieval task.
        role: How mteb encodes them: query, document, or neither.
    """

    texts: list[str]
    task: str | None
    role: str | None


USES = {
    "query": Use(texts.QUERIES, None, "query"),
    "document": Use(texts.DOCUMENTS, None, "document"),
    "sts": Use(texts.SENTENCES, "STSBenchmark", None),
    "classification": Use(texts.LABELLED, "Banking77Classification", None),
}
