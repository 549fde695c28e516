"""`bench cache`: the store of vectors, its size, and emptying it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

cache = typer.Typer(help="The store of encoded texts: show its size, or empty it.", invoke_without_command=True)


@cache.callback()
def show(context: typer.Context) -> None:
    """Show where encoded texts are kept and how much room they take."""
    if context.invoked_subcommand is None:
        _show()


def _show() -> None:
    from tabulate import tabulate

    from bench.cache import cache_root
    from bench.vectors.store import space_sizes, store_root

    root = store_root(cache_root())
    sizes = space_sizes(root)
    typer.echo(f"{root}: {sum(size.bytes for size in sizes) / 1e6:,.1f} MB in {len(sizes)} vector spaces")
    if sizes:
        rows = [[size.fingerprint, size.names, size.files, f"{size.bytes / 1e6:,.1f}"] for size in sizes]
        typer.echo(
            tabulate(
                rows,
                headers=["vector space", "models", "files", "MB"],
                colalign=("left", "left"),
                disable_numparse=True,
            )
        )


@cache.command()
def clear(
    space: Annotated[
        list[str] | None,
        typer.Option("--space", metavar="FINGERPRINT", help="Only this vector space, as `bench cache` lists it."),
    ] = None,
) -> None:
    """Delete stored vectors; results are not touched, and what is needed again is encoded again."""
    from bench.cache import cache_root
    from bench.errors import UsageError
    from bench.vectors.store import clear_space, space_sizes, store_root

    root = store_root(cache_root())
    sizes = space_sizes(root)
    for name in space or []:
        if not any(size.fingerprint.startswith(name) for size in sizes):
            raise UsageError(f"no vector space `{name}`", hint="`bench cache` lists them")
    chosen = [size for size in sizes if not space or size.fingerprint.startswith(tuple(space))]
    deleted = 0
    for size in chosen:
        waiting = f"waiting: a process is encoding with {size.names or size.fingerprint}"
        deleted += clear_space(root / size.fingerprint, partial(typer.echo, waiting))
    typer.echo(f"deleted {deleted / 1e6:,.1f} MB in {len(chosen)} vector spaces")
