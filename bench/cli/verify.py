"""What `bench results --verify` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bench.cli.output import say

if TYPE_CHECKING:
    from bench.results.verify import Verification


def verify_results(text: str) -> None:
    """Check a results folder, an archive of one or a folder in a git revision, and print what was found.

    Args:
        text: What to check (bench.results.sources.parse_source).

    Raises:
        typer.Exit: Something is damaged; exit status 1.
        BenchError: There is no such folder, archive or revision, or it holds no results.
    """
    from bench.results.sources import HEAL, open_source, parse_source
    from bench.results.verify import verify_folder

    kind = parse_source(text).kind
    with open_source(text) as folder:
        found = verify_folder(folder)
        _print(found, folder, text, HEAL.get(kind))
    if found.damaged:
        raise typer.Exit(1)


def _print(found: Verification, folder: Path, text: str, heal: str | None) -> None:
    """Print what was found; `heal` is what to do about results that are no folder."""

    def shown(path: Path) -> str:
        return f"{text.rstrip('/')}/{path.relative_to(folder).as_posix()}"

    for damage in found.damaged:
        say(f"damaged: {shown(damage.path)}: {damage.why}", f"  to heal it: {heal or damage.heal}")
    for path in found.unused:
        say(f"not used: {shown(path)}: no record names it; delete it")
    for name, count in sorted(found.records.items()):
        say(f"{name:<14}{count:>6} sound")
    say(f"{'tables':<14}{found.tables:>6} sound")
    say(f"{found.older} records were written before digests existed")
    say(f"{len(found.damaged)} damaged, {len(found.unused)} not used")
