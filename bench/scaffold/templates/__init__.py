"""The texts that are written, with places to be filled."""

from __future__ import annotations

from pathlib import Path
from string import Template

from bench.paths import walk_files
from bench.reading import read_text

_HERE = Path(__file__).resolve().parent
EXAMPLE = "example"


class _Template(Template):
    """Text with `%%{name}` in it: `$` has a meaning in workflows."""

    delimiter = "%%"


def filled(name: str, **values: str) -> str:
    """A template with its places filled."""
    return _Template(read_text(_HERE / name)).substitute(values)


def example_files() -> dict[str, str]:
    """The files of the example task: their texts by their paths in its folder."""
    folder = _HERE / EXAMPLE
    return {path.relative_to(folder).as_posix(): read_text(path) for path in walk_files(folder)}
