"""Oddities of published data sets, which MTEB scores all the same: noted, or refused where there are too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.errors import BenchError

# More than this share of judged documents, queries or texts is taken for a mistake.
LIMIT = 0.05
_SHOWN = 3


@dataclass
class Tolerance:
    """Collects what is tolerated in the data of one task unit.

    Attributes:
        strict: Whether nothing is.
        notes: What was tolerated and how it counts, for readers of the scores.
    """

    strict: bool = False
    notes: list[str] = field(default_factory=list)

    def take(
        self,
        found: Sequence[str],
        of: int,
        what: str,
        *,
        counts: str,
        where: str,
        hint: str,
        share: float | None = None,
        limit: float | None = LIMIT,
        named: bool = False,
    ) -> None:
        """Note oddities, or refuse them.

        Args:
            found: Names of the odd ones; none are no oddity.
            of: Of how many.
            what: What they are, e.g. "documents have an empty text".
            counts: How they count.
            where: The file, and the line of the first where it is known.
            hint: How to mend them.
            share: Their share where it is not that of `found`.
            limit: The share from which on they are refused; None where there is no such share.
            named: Whether the note names the first of them.

        Raises:
            BenchError: There are too many, or the tolerance is strict.
        """
        if not found:
            return
        sentence = f"{len(found):,} of {of:,} {what}"
        share = len(found) / of if share is None else share
        above = limit is not None and share > limit
        names = ", ".join(f"`{name}`" for name in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        if above or self.strict:
            why = (
                f"more than {limit:.0%} are taken for a mistake" if above else "`strict: true` in the card allows none"
            )
            raise BenchError(f"{sentence}: {names}", where=where, hint=f"{hint}; {why}")
        self.notes.append(f"{sentence} ({names}): {counts}" if named else f"{sentence}: {counts}")
