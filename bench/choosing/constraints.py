"""What the best view has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.choosing.amounts import Amount, read_duration, read_share, read_size
from bench.errors import UsageError

Quantity: TypeAlias = Literal[
    "score", "share", "share_of_best", "storage_bytes", "search_p95_ms", "encode_p95_ms", "memory_bytes"
]
_NDCG = "ndcg"
_LOWEST_SCORE = -1.0


@dataclass(frozen=True)
class Constraint:
    """A limit on one quantity.

    Attributes:
        name: As it is given, `max_storage`.
        quantity: What is limited.
        limit: In the quantity's unit.
    """

    name: str
    quantity: Quantity
    limit: float

    @property
    def is_most(self) -> bool:
        """Whether the quantity may be no more than the limit; else no less."""
        return self.name.startswith("max_")

    @property
    def option(self) -> str:
        """As it is given on the command line."""
        return option_name(self.name)


def option_name(name: str) -> str:
    """The option of the command line for an argument's name."""
    return f"--{name.replace('_', '-')}"


_READERS: dict[str, tuple[Quantity, Callable[[str, Amount], float]]] = {
    "max_storage": ("storage_bytes", read_size),
    "max_search_p95": ("search_p95_ms", read_duration),
    "max_encode_p95": ("encode_p95_ms", read_duration),
    "max_memory": ("memory_bytes", read_size),
    "min_share": ("share", read_share),
    "min_share_of_best": ("share_of_best", read_share),
    "min_score": ("score", lambda option, value: read_share(option, value, _LOWEST_SCORE)),
    "min_ndcg": ("score", read_share),
}
CONSTRAINTS = tuple(_READERS)


def read_constraints(given: Mapping[str, Amount | None]) -> list[Constraint]:
    """The constraints that were given, in the order of CONSTRAINTS.

    Args:
        given: By the names of CONSTRAINTS; None where there is no limit.

    Raises:
        UsageError: A value cannot be read or can never be met, or two say the same thing.
    """
    if given.get("min_score") is not None and given.get("min_ndcg") is not None:
        raise UsageError("--min-score and --min-ndcg limit the same score", hint="give one of them")
    found = []
    for name, (quantity, read) in _READERS.items():
        value = given.get(name)
        if value is not None:
            found.append(Constraint(name, quantity, read(option_name(name), value)))
    return found


def check_metric(constraints: list[Constraint], metric: str) -> None:
    """Refuse a limit on nDCG where the task's score is another metric.

    Raises:
        UsageError: It is.
    """
    if any(constraint.name == "min_ndcg" for constraint in constraints) and not metric.startswith(_NDCG):
        raise UsageError(f"--min-ndcg: this task's main score is {metric}", hint="limit it with --min-score")
