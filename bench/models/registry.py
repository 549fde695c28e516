"""models.yaml as typed objects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.errors import UsageError, did_you_mean
from bench.models.recipe import Recipe
from bench.models.settings import Settings, Strict

Kind = Literal["pretrained", "fine-tuned", "mrl", "baseline"]
Backend = Literal["torch", "onnx", "openvino"]
Weights = Literal["stored", "random"]

BASELINES = ("bm25s",)

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _refuse_own(data: Any) -> Any:
    """Some keys are set by the program, never by a file."""
    for name in ("base_dir", "base_entry", "made", "by_default"):
        if isinstance(data, dict) and name in data:
            raise ValueError(f"unknown key `{name}`")
    return data


class ModelEntry(Settings):
    """One model of the registry.

    Attributes:
        name: What tables call it.
        kind: pretrained, fine-tuned, mrl (fine-tuned with a Matryoshka loss) or baseline.
        source: Where the files are, or several places, tried in order: a folder (`./dir`), a Hub id
            (`org/name` or `hub:org/name`), or an installed Python package that carries them
            (`package:NAME`). For a baseline its library: `bm25s`. Empty for a model that is made.
        recipe: How the model is made by training; in place of `source`.
        revision: Branch, tag or commit on the Hub.
        sha256: Hex SHA-256 that the weights file must have.
        backend: What runs the model: torch, or an export of it in onnx or openvino.
        weights: `stored`, or `random`: drawn by a fixed seed for its configuration, so that only its cost is known.
        base_dir: Folder that relative paths start from.
        by_default: The settings that come from `defaults`.
        base_entry: The entry that a recipe starts from.
        made: The folder that a model made from its recipe is stored in, whether it has been made or not.
    """

    name: _Name
    kind: Kind = "pretrained"
    source: list[str] = Field(default=[], min_length=1)
    recipe: Recipe | None = None
    revision: str | None = None
    sha256: str | None = None
    backend: Backend = "torch"
    weights: Weights = "stored"
    base_dir: Path = Field(default=Path(), exclude=True)
    by_default: frozenset[str] = Field(default=frozenset(), exclude=True)
    base_entry: ModelEntry | None = Field(default=None, exclude=True)
    made: Path | None = Field(default=None, exclude=True)

    @property
    def drawn(self) -> bool:
        """Whether its weights are random, so that its vectors mean nothing and no score may be made of them."""
        return self.weights == "random"

    @property
    def misfit(self) -> str | None:
        """Why its backend cannot run it under its other settings, some of which defaults and options set; or None."""
        if self.backend == "torch":
            return None
        if self.dtype != "float32":
            return f"backend {self.backend} runs in float32, but dtype is {self.dtype}: write `dtype: float32`"
        if self.device not in {"auto", "cpu"}:
            return f"backend {self.backend} runs on the CPU, but device is {self.device}: write `device: cpu`"
        return None

    @property
    def leakage(self) -> bool:
        """Whether its recipe, or that of a model it starts from, allows training on what is tested."""
        return self.recipe is not None and (
            self.recipe.allow_leakage or (self.base_entry is not None and self.base_entry.leakage)
        )

    @model_validator(mode="before")
    @classmethod
    def _single_source(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("source"), str):
            data = {**data, "source": [data["source"]]}
        return _refuse_own(data)

    @field_validator("source")
    @classmethod
    def _not_blank(cls, sources: list[str]) -> list[str]:
        if any(not source.strip() or "\x00" in source for source in sources):
            raise ValueError("a source must not be empty")
        return sources

    @field_validator("sha256")
    @classmethod
    def _hex(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError("must be 64 hexadecimal digits")
        return value.lower() if value else None

    @model_validator(mode="after")
    def _origin(self) -> ModelEntry:
        if self.recipe is None:
            if not self.source:
                raise ValueError("`source` is missing: say where the model is, or by a `recipe` how it is made")
            return self
        if self.source:
            raise ValueError("`source` and `recipe` exclude each other: a model is found or made")
        unused = [name for name in ("revision", "sha256") if name in self.model_fields_set]
        if unused:
            raise ValueError(f"`{unused[0]}` is that of a `source`; a model with a recipe is made")
        wanted = "fine-tuned" if self.recipe.matryoshka is None else "mrl"
        if self.kind != wanted:
            has = "a recipe without" if self.recipe.matryoshka is None else "a recipe with"
            raise ValueError(f"{has} `matryoshka` makes a model of kind {wanted}: write `kind: {wanted}`")
        return self

    @model_validator(mode="after")
    def _random(self) -> ModelEntry:
        if self.drawn:
            if self.recipe is not None:
                raise ValueError("a model with a `recipe` has the weights that training gives it: leave `weights` out")
            if self.sha256 is not None:
                raise ValueError("`sha256` is that of a weights file, and random weights are in none")
            if self.kind not in {"pretrained", "baseline"}:
                raise ValueError(f"random weights are not {self.kind}: leave `kind` out")
        return self

    @model_validator(mode="after")
    def _backend(self) -> ModelEntry:
        if self.misfit is not None:
            raise ValueError(self.misfit)
        return self

    @model_validator(mode="after")
    def _baseline(self) -> ModelEntry:
        if self.kind == "baseline":
            if self.source[0] not in BASELINES or len(self.source) > 1:
                raise ValueError(f"`source` of a baseline must be one of: {', '.join(BASELINES)}")
            set_keys = sorted(self.model_fields_set - {"name", "kind", "source"})
            if set_keys:
                raise ValueError(f"a baseline has no vectors, so `{set_keys[0]}` has no meaning for it")
        return self


class Registry(Strict):
    """The whole of models.yaml.

    Attributes:
        include: Further files of this kind, names or glob patterns; their models join those of this file.
        defaults: Settings of every entry of this file that does not set them itself.
        tasks: Names of tasks, or paths to them, that a run takes when none are named.
        subsets: Only these subsets of those tasks that have them.
        run: Names of the models that a run takes when none are named; all by default.
        models: The entries.
        gates: Rules of `bench gate`, which checks them.
        base_dir: Folder that the file is in; paths in it start from there.
    """

    include: list[str] = Field(default=[], min_length=1)
    defaults: Settings = Settings()
    tasks: list[str] | None = Field(default=None, min_length=1)
    subsets: list[str] | None = Field(default=None, min_length=1)
    run: list[_Name] | None = Field(default=None, min_length=1)
    models: list[ModelEntry] = Field(default=[], min_length=1)
    gates: list[dict[str, Any]] | None = None
    base_dir: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _single_include(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("include"), str):
            data = {**data, "include": [data["include"]]}
        return _refuse_own(data)

    @model_validator(mode="after")
    def _some_models(self) -> Registry:
        if not self.models and not self.include:
            raise ValueError("the key `models` is missing, and nothing is included")
        if self.subsets is not None and self.tasks is None:
            raise ValueError("`subsets` are those of `tasks`, which are not named")
        return self

    @property
    def in_run(self) -> list[ModelEntry]:
        """The entries that a run takes when none are named."""
        return self.select(self.run or [])

    def select(self, names: list[str]) -> list[ModelEntry]:
        """The entries with these names, in the registry's order; all of them for an empty list.

        Raises:
            UsageError: A name that is not in the registry.
        """
        known = [entry.name for entry in self.models]
        for name in names:
            if name not in known:
                raise UsageError(
                    f"no model named `{name}` in the registry",
                    hint=did_you_mean(name, known) or f"known models: {', '.join(known)}",
                )
        return [entry for entry in self.models if not names or entry.name in names]


def adhoc_entry(name_or_path: str) -> ModelEntry:
    """An entry for `bench run --model NAME_OR_PATH`, named as it was typed, with the settings' defaults.

    Raises:
        UsageError: No entry can have such a name.
    """
    try:
        entry = ModelEntry(name=name_or_path, source=[name_or_path])
    except ValidationError as error:
        raise UsageError(
            f"`{name_or_path[:60]}` cannot name a model: {error.errors()[0]['msg']}",
            hint="give the name of an entry, a folder or a Hub id",
        ) from error
    return entry.model_copy(update={"base_dir": Path.cwd()})
