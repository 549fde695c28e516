"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bench.errors import UsageError, did_you_mean
from bench.index_layout import FEWEST_DOCUMENTS, MOST_DOCUMENTS

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry
    from bench.plan import Failure, Plan
    from bench.statistics.margins import Margin
    from bench.tasks.card import StudyName

Choice = TypeVar("Choice", bound=str)

_COMMA = re.compile(r",(?![^()]*\))")

RegistryFile = Annotated[
    Path | None,
    typer.Option(
        "--models", metavar="FILE", help="The registry. Default: models.yaml here, else the one that comes with bench."
    ),
]
ModelNames = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME_OR_PATH",
        help="Only this model: a name in the registry, a folder or a Hub id. May be repeated.",
    ),
]
TaskNames = Annotated[
    list[str] | None,
    typer.Option(
        "--tasks",
        metavar="NAMES_OR_PATHS",
        help="Only these tasks: names of cards, folders or files, with commas between them. May be repeated.",
    ),
]
TaskName = Annotated[str, typer.Argument(metavar="NAME_OR_PATH", help="The name of a card, or a path to a task.")]
Subsets = Annotated[
    list[str] | None,
    typer.Option("--subsets", metavar="NAMES", help="Only these subsets of tasks that have them: en-en,ar-ar."),
]
TruncateDims = Annotated[
    list[str] | None,
    typer.Option("--truncate-dims", metavar="DIMS", help="Instead of the registry's: 384,192,96."),
]
Precisions = Annotated[
    list[str] | None,
    typer.Option("--precisions", metavar="NAMES", help="Instead of the registry's: float32,float16,int8,binary."),
]
Device = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="Instead of the registry's: auto, cpu, cuda, mps.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", help="The results folder.")]
ReportsFolder = Annotated[Path, typer.Option("--reports", metavar="DIR", help="The folder that reports go to.")]

MaxLoss = Annotated[
    str | None,
    typer.Option(
        "--max-loss",
        metavar="MARGIN",
        help="How much of the main metric may be lost: 0.01, or 2% of the reference's score. Default: as cards say, "
        "else 0.01.",
    ),
]


def read_margin(text: str | None) -> Margin | None:
    """The margin of `--max-loss`; None where it was not given.

    Raises:
        UsageError: It is no margin.
    """
    from bench.statistics.margins import parse_margin

    try:
        return None if text is None else parse_margin(text)
    except ValueError as error:
        raise UsageError(f"--max-loss: {error}") from error


def split_list(values: list[str] | None, known: Collection[str] = ()) -> list[str]:
    """Values given with commas or by repeating the option; a known name or an existing path is kept whole.

    A comma between parentheses divides nothing: `mteb:MTEB(eng, v2)` is one name.

    Raises:
        UsageError: An empty value, as an unset shell variable gives.
    """
    from bench.paths import path_exists
    from bench.reading import user_path

    found: list[str] = []
    for value in values or []:
        whole = value in known or path_exists(user_path(value))
        parts = [part.strip() for part in ([value] if whole else _COMMA.split(value))]
        if not any(parts):
            raise UsageError("an option was given an empty value", hint="leave the option out, or check the variable")
        found += [part for part in parts if part]
    return list(dict.fromkeys(found))


def whole_numbers(option: str, values: list[str] | None) -> tuple[int, ...]:
    """A list of positive whole numbers."""
    found = []
    for value in split_list(values):
        if not value.isascii() or not value.isdigit() or len(value) > 6 or int(value) < 1:
            raise UsageError(f"{option}: `{value}` is not a positive whole number", hint=f"{option} 384,192,96")
        found.append(int(value))
    return tuple(found)


def number_of_documents(option: str, value: str | None) -> int | None:
    """A number of documents such as 1000000 or 1_000_000, None where it was not given.

    Raises:
        UsageError: It is none, or so few or many that there is no index of them.
    """
    if value is None:
        return None
    digits = value.replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not FEWEST_DOCUMENTS <= int(digits) <= MOST_DOCUMENTS:
        raise UsageError(
            f"{option}: `{value}` is not a number of documents from {FEWEST_DOCUMENTS:,} to {MOST_DOCUMENTS:,}",
            hint=f"{option} 1_000_000",
        )
    return int(digits)


def one_of(option: str, value: str | None, choices: Sequence[Choice]) -> Choice | None:
    """A value of which only some are allowed, None where it was not given.

    Raises:
        UsageError: Another value.
    """
    if value is None:
        return None
    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{option}: no `{value}`", hint=did_you_mean(value, choices) or f"choices: {', '.join(choices)}")


def choices(option: str, values: list[str] | None, known: Sequence[str], what: str) -> tuple[str, ...]:
    """A list of which only some values are allowed; empty where it was not given.

    Raises:
        UsageError: Another value.
    """
    found = split_list(values)
    for value in found:
        if value not in known:
            raise UsageError(
                f"{option}: unknown {what} `{value}`", hint=did_you_mean(value, known) or f"known: {', '.join(known)}"
            )
    return tuple(found)


def chosen_precisions(values: list[str] | None) -> tuple[str, ...]:
    """The precisions of --precisions.

    Raises:
        UsageError: There is no such precision.
    """
    from bench.views import PRECISIONS

    return choices("--precisions", values, PRECISIONS, "precision")


def chosen_studies(given: Mapping[StudyName, bool | None]) -> dict[StudyName, bool]:
    """The studies that options switch on or off."""
    return {name: wanted for name, wanted in given.items() if wanted is not None}


def chosen_shortlists(values: list[str] | None, rerank: bool | None) -> tuple[int, ...]:
    """The lengths of --shortlists, rising.

    Raises:
        UsageError: One is no positive whole number, or no shortlists are scored.
    """
    from bench.views import SHORTLISTS

    found = whole_numbers("--shortlists", values)
    if found and rerank is False:
        raise UsageError("--shortlists: --no-rerank scores none", hint="leave one of them out")
    return tuple(sorted(set(found))) or SHORTLISTS


def on_device(entries: list[ModelEntry], device: str | None) -> list[ModelEntry]:
    """Entries on another device than their own; None leaves them.

    Raises:
        UsageError: It is no name of a device.
    """
    check_device_name(device)
    if device is None:
        return entries
    return [entry if entry.kind == "baseline" else entry.model_copy(update={"device": device}) for entry in entries]


def exit_status(plan: Plan, failures: Sequence[Failure]) -> int:
    """0 all done, 1 something failed, 2 nothing could be done because of what was asked for."""
    if failures and plan.only_wrong_usage:
        return 2
    return 1 if failures else 0


def check_device_name(device: str | None) -> None:
    """Refuse what is no name of a device.

    Raises:
        UsageError: It is none.
    """
    if device is not None and not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
        raise UsageError(f"--device: unknown device `{device}`", hint="auto, cpu, cuda, cuda:0, mps")
