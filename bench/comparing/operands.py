"""What is compared, as it is written: `[SOURCE#][MODEL[@DIM[/PRECISION]]]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError, did_you_mean
from bench.paths import is_file, is_folder, path_exists
from bench.reading import user_path
from bench.results.index import ResultIndex
from bench.results.sources import GIT_PREFIX, holds_results
from bench.views import PRECISIONS, View

_CUT = re.compile(r"(.+)@([0-9]{1,6})(?:/([^/@]*))?", re.DOTALL)


@dataclass(frozen=True)
class Operand:
    """One side of a comparison as it is written.

    Attributes:
        text: All of it.
        source: A source of results (bench.results.sources); None for the usual results folder.
        model: A model, with a view or without; None for all.
    """

    text: str
    source: str | None
    model: str | None


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        text: As it was written.
        index: Its results.
        model: Name of its model; None for all.
        view: The view that was named; None where none was.
    """

    text: str
    index: ResultIndex
    model: str | None = None
    view: View | None = None


def parse_operand(text: str, known: Collection[str], where: Path | None = None) -> Operand:
    """What a text names: a model of the usual results folder, a source of results, or a model of a source.

    Args:
        text: What was typed.
        known: Names of the models in the usual results folder.
        where: Where relative paths start; the working folder by default.

    Raises:
        UsageError: It names nothing that is known, or both a model and a source.
    """
    if not text.strip():
        raise UsageError("nothing is named to compare", hint="name a model, a results folder or a git revision")
    if text.startswith("#"):
        return Operand(text, None, text[1:])
    model = text if _cut(text, known) is not None else None
    source = text if _is_source(text, where) else None
    if model is not None and source is not None:
        raise UsageError(
            f"`{text}` is a model and a results folder or archive too",
            hint=f"write `#{text}` for the model, `./{text}` for the folder",
        )
    if model is not None or source is not None:
        return Operand(text, source, model)
    for left, right in _divisions(text):
        if _names_source(left, where):
            return Operand(text, left, right or None)
    if _names_source(text, where) and not _near(text, known):
        return Operand(text, text, None)
    raise UsageError(
        f"no model, results folder or archive is called `{text[:200]}`",
        hint=_near(text, known)
        or f"models with results: {', '.join(sorted(known)) or 'none'}; a git revision is written {GIT_PREFIX}REVISION",
    )


def make_side(operand: Operand, index: ResultIndex) -> Side:
    """A side from what names it and its results.

    Raises:
        UsageError: The results have no such model, or there is no such precision.
    """
    if operand.model is None:
        return Side(operand.text, index)
    found = model_and_view(operand.model, index.models)
    if found is None:
        raise UsageError(
            f"no results of a model `{operand.model[:200]}`{f' in {operand.source}' if operand.source else ''}",
            hint=_near(operand.model, index.models) or f"there are: {', '.join(sorted(index.models)) or 'none'}",
        )
    return Side(operand.text, index, *found)


def model_and_view(text: str, known: Collection[str]) -> tuple[str, View | None] | None:
    """The known model and the view that `MODEL[@DIM[/PRECISION]]` names; None where the model is not known.

    Raises:
        UsageError: There is no such precision.
    """
    found = _cut(text, known)
    if found is None:
        return None
    name, dim, precision = found
    if dim is None:
        return name, None
    for one in PRECISIONS:
        if one == (precision or "float32"):
            return name, View(int(dim), one)
    raise UsageError(
        f"no precision `{precision}` in `{text}`",
        hint=did_you_mean(precision or "", PRECISIONS) or f"precisions: {', '.join(PRECISIONS)}",
    )


def _cut(text: str, known: Collection[str]) -> tuple[str, str | None, str | None] | None:
    """The known model that a text names, its dimension and precision; a name that holds an @ is a name first."""
    if text in known:
        return text, None, None
    found = _CUT.fullmatch(text)
    return (found[1], found[2], found[3]) if found and found[1] in known else None


def _near(text: str, known: Collection[str]) -> str | None:
    found = _CUT.fullmatch(text)
    return did_you_mean(found[1] if found else text, known)


def _is_source(text: str, where: Path | None) -> bool:
    """Whether a text alone tells that it is a source; a folder without results may be a model's own."""
    if text.startswith(GIT_PREFIX):
        return "#" not in text
    path = (where or Path()) / user_path(text)
    return is_file(path) or (is_folder(path) and holds_results(path))


def _names_source(text: str, where: Path | None) -> bool:
    """Whether a text can only be a source, good or bad."""
    return ":" in text or path_exists((where or Path()) / user_path(text))


def _divisions(text: str) -> Iterator[tuple[str, str]]:
    """Each way to divide a text at a `#`, the last one first: branches hold it more often than names of models."""
    position = text.rfind("#")
    while position > 0:
        yield text[:position], text[position + 1 :]
        position = text.rfind("#", 0, position)
