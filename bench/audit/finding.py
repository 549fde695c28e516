"""How a finding is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from bench.markdown import printable
from bench.results.schema import AuditFinding

_EXAMPLES = 3
_SHOWN = 80


def found(
    kind: str, count: int, of: int, words: str, examples: Iterable[str] = (), *, weakens: bool = False
) -> AuditFinding:
    """A finding with its sentence: `count` of `of` `words`, and the first few distinct examples."""
    return AuditFinding(
        kind=kind,
        count=count,
        of=of,
        sentence=f"{count:,} of {of:,} {words}",
        weakens=weakens and count > 0,
        examples=list(islice(dict.fromkeys(examples), _EXAMPLES)),
    )


def repeated(kind: str, texts: Sequence[str], keys: Sequence[str], words: str) -> AuditFinding:
    """The texts whose keys stand more than once, as a finding."""
    times = Counter(keys)
    again = [text for text, key in zip(texts, keys, strict=True) if times[key] > 1]
    return found(kind, len(again), len(texts), words, map(short, again))


def not_checked(kind: str, of: int, why: str) -> AuditFinding:
    """A finding that could not be made."""
    return AuditFinding(kind=kind, count=None, of=of, sentence=f"not checked: {why}")


def ladder(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Findings of which each counts what those before it count and more: which of them a leaderboard needs.

    Those are the first that found something, and the last where it found more than that.
    """
    counts = [finding.count or 0 for finding in findings]
    first = next((place for place, count in enumerate(counts) if count), None)
    if first is None:
        return list(findings)
    last = counts.index(max(counts))
    return [finding.model_copy(update={"weakens": place in {first, last}}) for place, finding in enumerate(findings)]


def short(text: str) -> str:
    """The beginning of a text on one line, without characters that could command a terminal."""
    line = printable(text)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def short_pair(first: str, second: str, sign: str = "/") -> str:
    """Two texts as one example."""
    return f"{short(first)} {sign} {short(second)}"
