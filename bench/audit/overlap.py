"""Test texts that stand in the training data too."""

from __future__ import annotations

from collections.abc import Sequence, Set

from bench.audit.finding import found, not_checked, short, short_pair
from bench.audit.near import JACCARD, near_duplicates
from bench.audit.texts import GRAM
from bench.results.schema import AuditFinding
from bench.tasks.same_text import normalise

Pair = tuple[str, str]

_NORMALISED = "same text after normalisation"
_NEAR = f"Jaccard similarity of character {GRAM}-grams >= {JACCARD:g} after normalisation"


def shared_texts(kind: str, what: str, there: str, test: Sequence[str], train: Sequence[str]) -> list[AuditFinding]:
    """Texts that stand in training: exactly; after normalisation; nearly. Each finding counts those before it too.

    Args:
        kind: What the findings' kinds are made of.
        what: The test texts in words.
        there: The training texts in words.
        test: The test texts; one that stands twice counts twice.
        train: The training texts.
    """
    exact = set(train)
    # Backwards, so that of several texts the first stands for all.
    folded = {normalise(text): text for text in reversed(train)}
    names = [normalise(text) for text in test]
    same = [text for text in test if text in exact]
    alike = [(text, name) for text, name in zip(test, names, strict=True) if name in folded]
    words = f"{what} are also {there}"
    examples = (short_pair(text, folded[name], "=") for text, name in alike if text not in exact)
    findings = [
        found(f"{kind}_in_training", len(same), len(test), f"{words} (same text)", map(short, same)),
        found(f"{kind}_in_training_normalised", len(alike), len(test), f"{words} ({_NORMALISED})", examples),
    ]
    kind = f"near_{kind}_in_training"
    rest, others = [name for name in dict.fromkeys(names) if name not in folded], list(folded)
    nearest = near_duplicates(rest, others)
    if nearest is None:
        return [*findings, not_checked(kind, len(test), f"near-duplicates of {what}, there is too much text ({_NEAR})")]
    close = {rest[row]: folded[others[column]] for row, column in nearest.items()}
    near = [(text, close[name]) for text, name in zip(test, names, strict=True) if name in close]
    words = f"{what} are also {there} or nearly so ({_NEAR})"
    examples = (short_pair(*texts, "~") for texts in near)
    return [*findings, found(kind, len(alike) + len(near), len(test), words, examples)]


def shared_pairs(test: Sequence[Pair], train: Set[Pair]) -> list[AuditFinding]:
    """Pairs of texts that stand in training: exactly; after normalisation, which counts the exact ones too."""
    folded = {(normalise(a), normalise(b)) for a, b in train}
    same = [pair for pair in test if pair in train]
    alike = [pair for pair in test if (normalise(pair[0]), normalise(pair[1])) in folded]
    words, n = "test pairs are also training pairs", len(test)
    examples = (short_pair(*pair) for pair in alike if pair not in train)
    return [
        found("pairs_in_training", len(same), n, f"{words} (same texts)", (short_pair(*pair) for pair in same)),
        found("pairs_in_training_normalised", len(alike), n, f"{words} ({_NORMALISED})", examples),
    ]
