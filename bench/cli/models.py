"""`bench models`: the registry, and whether each model can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.options import RegistryFile, find_registry

if TYPE_CHECKING:
    from bench.models.registry import ModelEntry


def models(models: RegistryFile = None) -> None:
    """List the models of the registry: kind, width, views, and where their files are."""
    from tabulate import tabulate

    rows = [_row(entry) for entry in find_registry(models).models]
    typer.echo(
        tabulate(
            rows,
            headers=["model", "kind", "width", "dims", "precisions", "fingerprint", "files"],
            disable_numparse=True,
        )
    )


def _row(entry: ModelEntry) -> list[str]:
    from bench.errors import BenchError
    from bench.models.fingerprint import fingerprint, static_width
    from bench.models.source import locate
    from bench.quality.bm25 import baseline_fingerprint

    baseline = entry.kind == "baseline"
    dims = ", ".join(map(str, entry.truncate_dims)) if entry.truncate_dims else "full"
    views = ["", ""] if baseline else [dims, ", ".join(entry.precisions)]
    try:
        if baseline:
            return [entry.name, entry.kind, "", *views, baseline_fingerprint(entry)[:12], entry.source[0]]
        located = locate(entry, download=False)
    except BenchError as error:
        return [entry.name, entry.kind, "", *views, "", f"not here: {error.one_line}"]
    width = str(static_width(located.path) or "?")
    return [entry.name, entry.kind, width, *views, fingerprint(entry, located.path).model[:12], located.source]
