"""When two texts count as the same: for the audit, and for splits that keep equal queries together."""

from __future__ import annotations

import unicodedata


class _Spaced(dict[int, int]):
    """A table for str.translate that turns every punctuation mark (Unicode category P) into a space."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


_SPACED = _Spaced()


def normalise(text: str) -> str:
    """A text without what people do not read: NFKC, case folded, punctuation and white space as single spaces.

    A text of nothing but punctuation keeps it.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.translate(_SPACED).split()) or " ".join(folded.split())
