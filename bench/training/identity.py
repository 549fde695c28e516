"""What a made model is, before it is made: the hash of its recipe and of everything that the recipe names."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.cache import cache_root
from bench.errors import BenchError, UsageError
from bench.files import digest_json
from bench.models.fingerprint import fingerprint, static_width
from bench.models.recipe import Recipe
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate
from bench.tasks.unit import TaskUnit
from bench.training.data import TaskFinder, TrainingSet, read_training_data

# Raised when the program trains in another way, so that the same recipe makes another model.
TRAINING_SCHEMA = 1
_LIBRARIES = ("torch", "transformers", "sentence-transformers")
# What says where data comes from, how it is named or what is allowed: the data itself has its own fingerprint.
_NO_SETTINGS = frozenset({"base", "data", "loss", "limit", "allow_leakage", "evaluate"})


@dataclass(frozen=True)
class Prepared:
    """A recipe with all that it names read, ready to be trained.

    Attributes:
        entry: Its entry.
        made: Where the model is stored, whether it is there or not.
        recipe: The recipe.
        base: The files to start from, or the recipe that makes them.
        base_fingerprint: The identity of what it starts from.
        sets: The data.
        evaluation: What the best checkpoint is chosen by.
        identity: The recipe's hash.
    """

    entry: ModelEntry
    made: Path
    recipe: Recipe
    base: Located | Prepared
    base_fingerprint: str
    sets: list[TrainingSet]
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
        return self.made.is_dir()

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
    base = _base(entry.base_entry, find, where)
    if isinstance(base, Prepared):
        base_fingerprint = base.identity
    else:
        # How the base is encoded with elsewhere does not change what is trained.
        plain = ModelEntry(
            name=entry.base_entry.name,
            source=entry.base_entry.source,
            max_seq_length=entry.base_entry.max_seq_length,
            trust_remote_code=entry.base_entry.trust_remote_code,
        )
        base_fingerprint = fingerprint(plain, base.path).space
    try:
        sets = read_training_data(recipe, entry.base_dir, find)
        evaluation = _evaluation(recipe, entry.base_dir, find)
    except BenchError as error:
        raise type(error)(error.one_line, where=where, hint=error.hint) from error
    _check_batches(recipe, sets, where)
    _check_dims(recipe, base, where)
    identity = digest_json(
        {
            "schema": TRAINING_SCHEMA,
            "base": [base_fingerprint, entry.base_entry.max_seq_length],
            "data": [[part.fingerprint, part.shape, part.loss, part.weight] for part in sets],
            "settings": recipe.model_dump(mode="json", exclude=set(_NO_SETTINGS)),
            "evaluate": _evaluation_identity(recipe, evaluation),
            "versions": library_versions(),
        }
    )
    made = models_root() / identity / "model"
    known = entry.model_copy(update={"made": made})
    return Prepared(known, made, recipe, base, base_fingerprint, sets, evaluation, identity)


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


def _check_batches(recipe: Recipe, sets: list[TrainingSet], where: str) -> None:
    for part in sets:
        if recipe.sampler == "no-duplicates" and recipe.batch_size > len(part) and "positive" in part.columns:
            raise UsageError(
                f"batch_size is {recipe.batch_size}, but {part.label} has {len(part)} rows: no batch without "
                "duplicates can be filled",
                where=where,
                hint=f"lower `batch_size` to {len(part)} or less, or set `sampler: random`",
            )


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
