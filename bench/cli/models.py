"""`bench models`: the registry, whether each model can be had, and the command that adds one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.chosen import find_registry, with_made_folder
from bench.cli.models_add import add
from bench.cli.options import RegistryFile
from bench.cli.output import say_text

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry, Registry


_HELP = """List the models of the registry: kind, width, views, and where their files are; add one.

Where the registry's key `run` chooses some of them, a star stands after their names.
"""
models = typer.Typer(help=_HELP, invoke_without_command=True)
models.command()(add)


@models.callback(help=_HELP)
def show(context: typer.Context, models: RegistryFile = None) -> None:
    """List the registry, where no other command is asked for."""
    if context.invoked_subcommand is None:
        _show(find_registry(models))


def _show(registry: Registry) -> None:
    from bench.markdown import plain_table

    rows = [_row(entry, registry) for entry in registry.models]
    say_text(plain_table(rows, ["model", "kind", "width", "dims", "precisions", "fingerprint", "files"]))


def _row(entry: ModelEntry, registry: Registry) -> list[str]:
    from bench.errors import BenchError
    from bench.models.fingerprint import fingerprint, static_width
    from bench.models.source import locate
    from bench.quality.bm25 import baseline_fingerprint

    name = f"{entry.name} *" if entry.name in (registry.run or []) else entry.name
    baseline = entry.kind == "baseline"
    dims = ", ".join(map(str, entry.truncate_dims)) if entry.truncate_dims else "full"
    views = ["", ""] if baseline else [dims, ", ".join(entry.precisions)]
    try:
        if baseline:
            return [name, entry.kind, "", *views, baseline_fingerprint(entry)[:12], entry.source[0]]
        located = locate(with_made_folder(entry, registry, download=False), download=False)
        identity = fingerprint(entry, located.path).model[:12]
    except BenchError as error:
        return [name, entry.kind, "", *views, "", f"not here: {error.one_line}"]
    return [name, entry.kind, str(static_width(located.path) or "?"), *views, identity, located.source]
