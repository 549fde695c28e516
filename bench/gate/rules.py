"""Rules of the gate, as gates.yaml holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from bench.config import YamlDocument, parse_typed, read_yaml
from bench.errors import UsageError
from bench.gate.amounts import Amount, Increase, Share, Tolerance
from bench.paths import name_taken, path_exists

Kind = Literal["max_drop", "min", "min_share", "max_increase", "coverage"]
Severity = Literal["warn", "fail"]
KINDS: tuple[Kind, ...] = ("max_drop", "min", "min_share", "max_increase", "coverage")
MAIN = "main"
MEAN: Literal["mean"] = "mean"
FULL: Literal["full"] = "full"
GATES_FILE = Path("gates.yaml")
REGISTRY_FILE = Path("models.yaml")

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Pattern = Annotated[str, StringConstraints(min_length=1)]
_Patterns = Annotated[list[_Pattern], Field(min_length=1)]
_LISTS = ("models", "tasks", "splits", "subsets", "precisions", "truncate_dims")
_QUALITY: frozenset[Kind] = frozenset({"max_drop", "min", "min_share"})
# Keys that only some checks have a use for.
_USED_BY: dict[str, frozenset[Kind]] = {
    "metric": _QUALITY,
    "figure": frozenset({"max_increase"}),
    "detail": frozenset({"max_increase"}),
    "confidence": frozenset(KINDS) - {"coverage"},
    "underpowered": frozenset(KINDS) - {"coverage"},
    "not_comparable": frozenset(KINDS),
}


class Rule(BaseModel):
    """One rule: which results, and one thing that must hold of them.

    Attributes:
        name: What messages call it.
        models: Names or patterns of models.
        tasks: Of tasks.
        splits: Of splits.
        subsets: Of subsets; or `mean`, the mean over all subsets of a task.
        truncate_dims: Dimensions, or `full` for a model's own width; all by default.
        precisions: Names or patterns of precisions.
        metric: The quality metric; `main` is the task's own.
        max_drop: By how much quality may fall.
        min: What quality may not fall below.
        min_share: What share of the full width's score in float32 a view must keep.
        figure: Names or patterns of cost figures.
        detail: What sets the figures apart from others of the name, `index=hnsw`; those without any by default.
        max_increase: By how much a cost may rise.
        coverage: Whether what the baseline has must still be there.
        confidence: How sure a verdict must be.
        underpowered: What it means when there are too few queries to tell.
        not_comparable: What it means when there is nothing to compare with.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: _Name
    models: _Patterns = ["*"]
    tasks: _Patterns = ["*"]
    splits: _Patterns = ["*"]
    subsets: _Patterns | Literal["mean"] = ["*"]
    truncate_dims: Annotated[list[Annotated[int, Field(gt=0)] | Literal["full"]], Field(min_length=1)] | None = None
    precisions: _Patterns | None = None
    metric: _Name = MAIN
    max_drop: Tolerance | None = None
    min: float | None = Field(default=None, allow_inf_nan=False)
    min_share: Share | None = None
    figure: _Patterns | None = None
    detail: str = ""
    max_increase: Increase | None = None
    coverage: Literal[True] | None = None
    confidence: float = Field(default=0.95, ge=0.6, le=0.99)
    underpowered: Severity = "warn"
    not_comparable: Severity = "fail"

    @property
    def kind(self) -> Kind:
        """What it checks."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def of_quality(self) -> bool:
        """Whether it is about scores."""
        return self.kind in _QUALITY

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        """One value stands for a list of one."""
        if not isinstance(data, dict):
            return data
        single = {
            key: [data[key]]
            for key in (*_LISTS, "figure")
            if isinstance(data.get(key), str | int)
            and not isinstance(data[key], bool)
            and not (key == "subsets" and data[key] == MEAN)
        }
        return {**data, **single}

    @field_validator("min", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError("is too large for a score") from error

    @model_validator(mode="after")
    def _one_check(self) -> Rule:
        found = [kind for kind in KINDS if getattr(self, kind) is not None]
        if not found:
            raise ValueError(f"rule `{self.name}` checks nothing: add one of {', '.join(KINDS)}")
        if len(found) > 1:
            raise ValueError(f"rule `{self.name}` checks both `{found[0]}` and `{found[1]}`: write two rules")
        unused = [key for key, kinds in _USED_BY.items() if key in self.model_fields_set and found[0] not in kinds]
        if unused:
            raise ValueError(f"`{unused[0]}` has no meaning beside `{found[0]}` in rule `{self.name}`")
        if found[0] == "max_increase" and self.figure is None:
            raise ValueError(f"rule `{self.name}` lacks `figure`: say which cost may not rise, such as search_p50_ms")
        if self.subsets == MEAN and found[0] not in _QUALITY:
            raise ValueError(f"`subsets: mean` has no meaning beside `{found[0]}` in rule `{self.name}`")
        return self


class GatesFile(BaseModel):
    """The whole of gates.yaml.

    Attributes:
        gates: The rules.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    gates: list[Rule] = Field(min_length=1)


def _default_cost(name: str, figure: list[str], increase: str) -> Rule:
    # Machines that run CI change, and what was not measured on one machine cannot be compared.
    return Rule(name=name, figure=figure, max_increase=increase, not_comparable="warn")  # type: ignore[arg-type]


DEFAULT_RULES = (
    Rule(name="quality", max_drop=Amount(0.01, relative=False)),
    Rule(name="coverage", coverage=True),
    _default_cost("latency", ["encode_p50_ms", "search_p50_ms"], "25%"),
    _default_cost("memory", ["memory_encode_mib", "memory_search_mib"], "20%"),
    _default_cost("storage", ["index_bytes", "bytes_per_vector"], "5%"),
)


def load_rules(path: Path) -> list[Rule]:
    """The rules of a file: gates.yaml, or a models.yaml with `gates`.

    Raises:
        UsageError: With file, line and key of every fault.
    """
    return _parse(read_yaml(path))


def find_rules() -> tuple[list[Rule], str]:
    """The rules of gates.yaml here, else those of models.yaml here, else the default ones.

    Returns:
        The rules and where they stand.

    Raises:
        UsageError: Both files have rules, or with file, line and key of every fault.
    """
    registry = read_yaml(REGISTRY_FILE) if path_exists(REGISTRY_FILE) else None
    in_registry = registry is not None and isinstance(registry.data, dict) and "gates" in registry.data
    # A link that leads nowhere is a fault, not a lack of rules.
    if name_taken(GATES_FILE):
        if registry is not None and in_registry:
            raise UsageError(
                f"{GATES_FILE} has rules too",
                where=registry.where(("gates",)),
                hint="keep them in one place, or name the file: --gates FILE",
            )
        return load_rules(GATES_FILE), str(GATES_FILE)
    if registry is not None and in_registry:
        return _parse(registry), str(REGISTRY_FILE)
    return list(DEFAULT_RULES), "default rules"


def _parse(document: YamlDocument) -> list[Rule]:
    data = document.data
    if isinstance(data, dict) and ("models" in data or "include" in data):
        # A registry: its other keys are read elsewhere.
        data = {key: value for key, value in data.items() if key == "gates"}
    rules = parse_typed(GatesFile, YamlDocument(document.path, data, document.lines)).gates
    first: dict[str, int] = {}
    for position, rule in enumerate(rules):
        if first.setdefault(rule.name, position) != position:
            raise UsageError(
                f"the rule name `{rule.name}` stands twice",
                where=document.where(("gates", position, "name")),
                hint=f"first used at {document.where(('gates', first[rule.name], 'name'))}; names must be unique",
            )
    return list(rules)
