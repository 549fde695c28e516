"""Retention: the share of its full-width score that a model keeps at each dimension, beside controls."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.results.index import UnitKey


@dataclass(frozen=True)
class RetentionLine:
    """What one model keeps of its score at full width in float32.

    Attributes:
        model: Name.
        kind: Kind.
        shares: The main score of the leading dimensions over that of all, by dimension, widest first; 1 at full width.
        controls: Of each method (`pca`, `last`, `random`), by dimension, widest first: mean, lowest and highest share
            of its draws, which are the same where there is one draw.
    """

    model: str
    kind: str
    shares: dict[int, float]
    controls: dict[str, dict[int, tuple[float, float, float]]]


@dataclass
class Retention:
    """What models keep on one task unit.

    Attributes:
        unit: Task, split and subset.
        title: The unit in words.
        metric: The main metric.
        lines: A model each, the best at full width first.
    """

    unit: UnitKey
    title: str
    metric: str
    lines: list[RetentionLine] = field(default_factory=list)
