"""What a made model is, before it is made: the hash of its recipe and of everything that the recipe names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.cache import cache_root
from bench.errors import BenchError, UsageError
from bench.files import digest_json
from bench.models.fingerprint import changed_settings, fingerprint, static_width
from bench.models.folders.stated import Stated, read_stated
from bench.models.recipe import Recipe
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate
from bench.paths import is_folder
from bench.tasks.unit import TaskUnit
from bench.training.base import training_entry
from bench.training.batches import Passes, plan_passes
from bench.training.data import TaskFinder, TrainingSet, read_training_data
from bench.training.inputs import column_arguments, column_prompts

# Raised when the program trains in another way, so that the same recipe makes another model.
TRAINING_SCHEMA = 1
_LIBRARIES = ("torch", "transformers", "sentence-transformers")
# What says where data comes from, how it is named or what is allowed: the data itself has its own fingerprint.
_NO_SETTINGS = frozenset({"base", "data", "loss", "limit", "allow_leakage", "evaluate", "folds"})


@dataclass(frozen=True)
class Prepared:
    """A recipe with all that it names read, ready to be trained.

    Attributes:
        entry: Its entry.
        made: Where the model is stored, whether it is there or not.
        recipe: The recipe.
        base: The files to start from, or the recipe that makes them.
        base_entry: The settings that these are loaded under.
        base_fingerprint: The identity of what it starts from.
        stated: What the folder to start from states, and the made one will.
        sets: The data.
        prompts: By data set, the prompt of each column that has one.
        plans: By data set, its batches in each pass; None where rows are in batches at random.
        evaluation: What the best checkpoint is chosen by.
        identity: The recipe's hash.
    """

    entry: ModelEntry
    made: Path
    recipe: Recipe
    base: Located | Prepared
    base_entry: ModelEntry
    base_fingerprint: str
    stated: Stated
    sets: list[TrainingSet]
    prompts: list[dict[str, str]]
    plans: list[Passes | None]
    evaluation: TaskUnit | None
    identity: str

    @property
    def name(self) -> str:
        """The model's name."""
        return self.entry.name

    @property
    def folder(self) -> Path:
        """Where the made model is stored with its records."""
        return self.made.parent

    @property
    def base_folder(self) -> Path:
        """The files to start from, whether they have been made or not."""
        return self.base.made if isinstance(self.base, Prepared) else self.base.path

    @property
    def is_made(self) -> bool:
        """Whether the model is there."""
        return is_folder(self.made)

    @property
    def chain(self) -> list[Prepared]:
        """This recipe and those that its base is made by, this one first."""
        return [self, *(self.base.chain if isinstance(self.base, Prepared) else [])]


def models_root() -> Path:
    """The folder of made models."""
    return cache_root() / "models"


def prepare(entry: ModelEntry, find: TaskFinder) -> Prepared:
    """Read what a recipe names and compute its identity; trains nothing and loads no model.

    Args:
        entry: An entry with a recipe, of a registry that was loaded.
        find: Finds the tasks that the recipe names.

    Raises:
        BenchError: The base or data is not there or broken, or the recipe does not fit them.
    """
    recipe, where = entry.recipe, f"model `{entry.name}`"
    if recipe is None or entry.base_entry is None:
        raise BenchError("has no recipe", where=where)
    if recipe.folds:
        raise UsageError(
            "its recipe has `folds: true`: it is a model for each fold, and none of all rows",
            where=where,
            hint="bench run scores them; for a model to use, write an entry without `folds` that trains on the split "
            "`test`, which holds all rows",
        )
    given = entry.base_entry
    if entry.trust_remote_code:
        given = given.model_copy(update={"trust_remote_code": True})
    base = _base(given, find, where)
    of_base = base.entry if isinstance(base, Prepared) else given
    # The code of a model is that of its base: trusting one of them trusts both.
    trusted = entry.trust_remote_code or of_base.trust_remote_code
    entry = entry.model_copy(update={"trust_remote_code": trusted})
    base_entry = training_entry(of_base, trusted=trusted)
    base_identity: list[Any]
    if isinstance(base, Prepared):
        base_fingerprint, stated = base.identity, base.stated
        changed = changed_settings(base_entry)
        base_identity = [base_fingerprint, base_entry.max_seq_length, *([changed] if changed else [])]
    else:
        base_fingerprint = fingerprint(base_entry, base.path).space
        stated = read_stated(base.path, where)
        base_identity = [base_fingerprint, base_entry.max_seq_length]
    try:
        sets = read_training_data(recipe, entry.base_dir, find)
        prompts = [column_prompts(entry, stated, part) for part in sets]
        evaluation = _evaluation(recipe, entry.base_dir, find)
    except BenchError as error:
        raise type(error)(error.one_line, where=where, hint=error.hint) from error
    plans = [_plan(part, recipe, where) for part in sets]
    _check_dims(recipe, base, where)
    content: dict[str, Any] = {
        "schema": TRAINING_SCHEMA,
        "base": base_identity,
        "data": [[part.fingerprint, part.shape, part.loss, part.weight] for part in sets],
        "settings": recipe.model_dump(mode="json", exclude=set(_NO_SETTINGS)),
        "evaluate": _evaluation_identity(recipe, evaluation),
        "versions": library_versions(),
    }
    # What most recipes do not have is no part of their identity.
    arguments = [column_arguments(entry, part) for part in sets]
    spread = [plan.spread if plan else None for plan in plans]
    special = {
        "prompts": any(prompts) and prompts,
        "arguments": any(arguments) and arguments,
        "roles": stated.reads_role,
        "spread": any(spread) and spread,
    }
    identity = digest_json({**content, **{name: value for name, value in special.items() if value}})
    made = models_root() / identity / "model"
    return Prepared(
        entry=entry.model_copy(update={"made": made}),
        made=made,
        recipe=recipe,
        base=base,
        base_entry=base_entry,
        base_fingerprint=base_fingerprint,
        stated=stated,
        sets=sets,
        prompts=prompts,
        plans=plans,
        evaluation=evaluation,
        identity=identity,
    )


def library_versions() -> dict[str, str]:
    """The libraries whose version decides what training gives."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def _base(entry: ModelEntry, find: TaskFinder, where: str) -> Located | Prepared:
    if entry.recipe is not None:
        return prepare(entry, find)
    try:
        return locate(entry, download=find.download)
    except BenchError as error:
        raise type(error)(f"its base is not there: {error.one_line}", where=where, hint=error.hint) from error


def _evaluation(recipe: Recipe, base: Path, find: TaskFinder) -> TaskUnit | None:
    wanted = recipe.evaluate
    if wanted is None:
        return None
    unit = find.unit(wanted.task, wanted.split, wanted.subset, base)
    if unit.info.type == "mteb":
        raise UsageError("checkpoints are judged on tasks of type retrieval or sts", where=f"task {unit.label}")
    return unit


def _evaluation_identity(recipe: Recipe, unit: TaskUnit | None) -> dict[str, Any] | None:
    if recipe.evaluate is None or unit is None:
        return None
    settings = recipe.evaluate.model_dump(mode="json", exclude={"task", "split", "subset"})
    return {**settings, "data": unit.fingerprint, "metric": recipe.evaluate.metric or unit.main_metric}


def _plan(part: TrainingSet, recipe: Recipe, where: str) -> Passes | None:
    """The batches of a data set; None where they are drawn at random, as those of scores and labels always are.

    Raises:
        UsageError: No batch without duplicates can be filled, or most would be of a single row.
    """
    if recipe.sampler == "random" or "positive" not in part.columns:
        return None
    rows, size = len(part), recipe.batch_size
    if size > rows:
        raise UsageError(
            f"batch_size is {size}, but {part.label} has {rows} rows: no batch without duplicates can be filled",
            where=where,
            hint=f"lower `batch_size` to {rows} or less, or set `sampler: random`",
        )
    plan = plan_passes(part.columns, size, recipe.seed, math.ceil(recipe.epochs))
    single = sum(len(batch) == 1 for batch in plan.batches(0)) if plan.spread and size > 1 else 0
    if 2 * single > len(plan):
        distinct = ", ".join(f"{len(set(texts)):,} different in `{role}`" for role, texts in part.columns.items())
        raise UsageError(
            f"{part.label} repeats texts ({rows:,} rows, {distinct}): {single:,} of {len(plan):,} batches without "
            "duplicates would hold a single row, which has no other to be compared with",
            where=where,
            hint="remove rows that repeat a text, or set `sampler: random`, which lets equal texts share a batch",
        )
    return plan


def _check_dims(recipe: Recipe, base: Located | Prepared, where: str) -> None:
    while isinstance(base, Prepared):
        base = base.base
    width = static_width(base.path)
    if width is not None:
        check_width(recipe, width, where)


def check_width(recipe: Recipe, width: int, where: str) -> None:
    """Refuse dims that a model does not have.

    Raises:
        UsageError: It has fewer dimensions than the recipe names.
    """
    dims = [("matryoshka.dims", dim) for dim in (recipe.matryoshka.dims if recipe.matryoshka else [])]
    if recipe.evaluate is not None and recipe.evaluate.dim is not None:
        dims.append(("evaluate.dim", recipe.evaluate.dim))
    for key, dim in dims:
        if dim > width:
            raise UsageError(
                f"`{key}` asks for {dim} dimensions, but the base has {width}",
                where=where,
                hint=f"ask for {width} or fewer",
            )
