"""`bench cache`: stored vectors and made models, their size, and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.output import say, say_text
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.training.inventory import MadeModel, UnfinishedTraining

_HASH_DIGITS = 12

cache = typer.Typer(
    help="Stored vectors and made models: show their size, or delete them.", invoke_without_command=True
)


@cache.callback()
def show(context: typer.Context) -> None:
    """Show where encoded texts and made models are kept and how much room they take."""
    if context.invoked_subcommand is None:
        _show_vectors()
        _show_models()
        _show_built()
        _show_leftovers()


def _show_vectors() -> None:
    from bench.cache import cache_root
    from bench.vectors.store import space_sizes, store_root

    root = store_root(cache_root())
    sizes = space_sizes(root)
    say(f"{root}: {_megabytes(sum(size.bytes for size in sizes))} MB in {len(sizes)} vector spaces")
    rows = [[size.fingerprint, size.names, str(size.files), _megabytes(size.bytes)] for size in sizes]
    _print_table(rows, ["vector space", "models", "files", "MB"], text_columns=2)


def _show_models() -> None:
    from bench.training.identity import models_root
    from bench.training.inventory import made_models, unfinished_trainings

    models, trainings = made_models(), unfinished_trainings()
    total = sum(model.bytes for model in models) + sum(training.bytes for training in trainings)
    say(f"{models_root()}: {_megabytes(total)} MB in {len(models)} made models, {len(trainings)} unfinished trainings")
    _print_table(
        [_model_row(model) for model in models],
        ["made model", "kind", "hash", "created", "device", "steps", "MB"],
        text_columns=5,
    )
    _print_table(
        [_training_row(training) for training in trainings],
        ["unfinished training", "hash", "state", "MB"],
        text_columns=3,
    )


def _show_built() -> None:
    from bench.models.built import built_bytes, built_root

    say(f"{built_root()}: {_megabytes(built_bytes())} MB of exports and random weights")


def _show_leftovers() -> None:
    from bench.leftovers import find_leftovers

    if found := find_leftovers():
        size = _megabytes(sum(item.bytes for item in found))
        count = f"{len(found)} temporary file{'s' if len(found) > 1 else ''}"
        say(f"{count} of runs that were killed: {size} MB; the next run removes them")


def _model_row(model: MadeModel) -> list[str]:
    record, digits = model.record, model.identity[:_HASH_DIGITS]
    if record is None:
        return ["recipe.json is broken", "", digits, "", "", "", _megabytes(model.bytes)]
    steps = f"{record.steps:,}"
    return [record.name, record.kind, digits, record.created, record.device, steps, _megabytes(model.bytes)]


def _training_row(training: UnfinishedTraining) -> list[str]:
    state = "no checkpoint" if training.step is None else f"checkpoint of step {training.step:,}"
    if training.going_on:
        state += ", going on"
    return [training.name or "?", training.identity[:_HASH_DIGITS], state, _megabytes(training.bytes)]


@cache.command()
def clear(
    space: Annotated[
        list[str] | None,
        typer.Option("--space", metavar="FINGERPRINT", help="The vectors of this space, as `bench cache` lists it."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="HASH", help="This made model, as `bench cache` lists it. May be repeated."),
    ] = None,
    models: Annotated[bool, typer.Option("--models", help="All made models.")] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Checkpoints of all trainings that were interrupted.")
    ] = False,
    built: Annotated[
        bool, typer.Option("--built", help="Exports for other backends, and random weights; made again when needed.")
    ] = False,
) -> None:
    """Delete what the options name; without any, all stored vectors.

    Results are not touched. Vectors that are needed again are encoded again, models are trained again. What another
    process is training stays.
    """
    from bench.cli.options import split_list
    from bench.models.built import delete_built
    from bench.training.inventory import delete_model, delete_training, made_models, unfinished_trainings

    if model and models:
        raise UsageError("--models means all of them, --model some", hint="give one of the two")
    # All names are looked up before anything is deleted.
    known = made_models() if model or models else []
    chosen = known if models else [_one_model(name, known) for name in split_list(model)]
    spaces = split_list(space)
    if spaces or not (model or models or unfinished or built):
        _clear_vectors(spaces)
    if model or models:
        _report("made models", [(item.name, item.bytes, delete_model(item)) for item in chosen])
    if unfinished:
        trainings = unfinished_trainings()
        _report("unfinished trainings", [(item.name, item.bytes, delete_training(item)) for item in trainings])
    if built:
        say(f"deleted {_megabytes(delete_built())} MB of exports and random weights")


def _one_model(name: str, known: Sequence[MadeModel]) -> MadeModel:
    found = [model for model in known if model.identity.startswith(name)]
    if len(found) == 1:
        return found[0]
    if not found:
        named = [model.identity[:_HASH_DIGITS] for model in known if model.name == name]
        hint = f"models of this name: {', '.join(named)}" if named else "`bench cache` lists them"
        raise UsageError(f"no made model has the hash `{name}`", hint=hint)
    raise UsageError(f"{len(found)} made models have a hash that starts with `{name}`", hint="give more digits of it")


def _clear_vectors(names: Sequence[str]) -> None:
    from bench.cache import cache_root
    from bench.vectors.store import clear_space, space_sizes, store_root

    root = store_root(cache_root())
    sizes = space_sizes(root)
    for name in names:
        if not any(size.fingerprint.startswith(name) for size in sizes):
            raise UsageError(f"no vector space `{name}`", hint="`bench cache` lists them")
    chosen = [size for size in sizes if not names or size.fingerprint.startswith(tuple(names))]
    deleted = 0
    for size in chosen:
        waiting = f"waiting: a process is encoding with {size.names or size.fingerprint}"
        deleted += clear_space(root / size.fingerprint, partial(say, waiting))
    say(f"deleted {_megabytes(deleted)} MB in {len(chosen)} vector spaces")


def _report(what: str, items: Sequence[tuple[str, int, bool]]) -> None:
    """Say what was deleted: name, bytes and whether it could be."""
    gone = [size for _, size, deleted in items if deleted]
    say(f"deleted {_megabytes(sum(gone))} MB in {len(gone)} {what}")
    for name, _, deleted in items:
        if not deleted:
            say(f"  kept {name or 'one without a name'}: a process is training it")


def _print_table(rows: Sequence[Sequence[str]], headings: Sequence[str], text_columns: int) -> None:
    from bench.markdown import aligned, plain_table

    if rows:
        say_text(plain_table(rows, headings, aligned(headings, text_columns)))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
