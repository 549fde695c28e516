"""What pages are called and how they link to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench.files import digest_bytes, safe_name
from bench.markdown import link

# Characters of a name's digest that tell it from names that are written alike in files: a few, or all of them.
_DIGESTS = (8, 32)


def page_names(names: Iterable[str]) -> dict[str, str]:
    """A file name, without a suffix, for each name.

    Names that a file system may take for one, whatever the case of their letters, carry a digest.
    """
    found = {name: safe_name(name) for name in sorted(set(names))}
    for length in _DIGESTS:
        count = Counter(page.casefold() for page in found.values())
        for name, page in found.items():
            if count[page.casefold()] > 1:
                found[name] = f"{page}-{digest_bytes(name.encode())[:length]}"
    return found


def heading_anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return "#" + kept.replace(" ", "-")


def navigation() -> str:
    """From a page of a task or model to those above it."""
    columns = f"../README.md{heading_anchor('Columns')}"
    above = (("Reports", "../README.md"), ("leaderboard", "../leaderboard.md"), ("what the columns mean", columns))
    return " · ".join(link(text, target) for text, target in above)
