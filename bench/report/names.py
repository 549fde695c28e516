"""What pages are called and how they link to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench.files import digest_bytes, safe_name
from bench.markdown import link

# Characters of a name's digest that tell it from names that are written alike in files: a few, or all of them.
_DIGESTS = (8, 32)


def page_names(names: Iterable[str]) -> dict[str, str]:
    """A file name, without a suffix, for each name (see file_names)."""
    return {name: found for (name,), found in file_names((name,) for name in names).items()}


def file_names(keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A file name, without a suffix, for each key: its parts but empty ones and the subset `default`.

    Those that a file system may take for one, whatever the case of their letters, carry a digest.
    """
    found = {
        key: "-".join(safe_name(part) for part in key if len(key) == 1 or part not in {"", "default"})
        for key in sorted(set(keys))
    }
    for length in _DIGESTS:
        count = Counter(name.casefold() for name in found.values())
        for key, name in found.items():
            if count[name.casefold()] > 1:
                found[key] = f"{name}-{digest_bytes(*(part.encode() for part in key))[:length]}"
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
