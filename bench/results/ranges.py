"""The ranges that metrics, measures of fidelity and cost figures keep to by their definitions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

Range = tuple[float, float]

SHARE: Range = (0.0, 1.0)
CORRELATION: Range = (-1.0, 1.0)
AMOUNT: Range = (0.0, math.inf)
ANY: Range = (-math.inf, math.inf)
# The least positive number: what is timed takes time.
POSITIVE: Range = (math.ulp(0.0), math.inf)
# By how much rounding may carry a value beyond its range.
_ROUNDING = 1e-6

# Metrics by MTEB's names and measures of fidelity. The first pattern that matches a whole name counts. Not bounded on
# both sides: nAUC, thresholds, and what bench does not know.
_SCORES: tuple[tuple[str, Range], ...] = (
    (r"(cv_)?(ndcg|recall|mrr|map|precision|hit_rate)_at_\d+", SHARE),
    (r"map|mrr|ndcg|lrap|v_measure|nmi|homogeneity|completeness", SHARE),
    (r"((cosine|cos_sim|dot|manhattan|euclidean|similarity|max)_)?(accuracy|f1|ap|precision|recall)", SHARE),
    (r"(accuracy|f1|ap|precision|recall)_(weighted|macro|micro)", SHARE),
    (r"(\w+_)?(pearson|spearman)|kendalltau|ami|ari", CORRELATION),
    (r"overlap_at_\d+|rbo|variance_kept|norm_kept|shortlist_recall", SHARE),
    (r"kendall_tau|similarity_correlation", CORRELATION),
    (r"similarity_absolute_change|mae|mse|rmse", AMOUNT),
)
_FIGURES: tuple[tuple[str, Range], ...] = (
    (r"\w+_(bytes|mib|outliers|per_s)|bytes_per_vector|energy_\w+", AMOUNT),
    (r"\w+_(ms|s)|matmul_gflops", POSITIVE),
    (r"hnsw_recall_at_\d+", SHARE),
    # Of two rates that were measured one after the other: noise may carry it beyond 1.
    (r"encode_matmul_share", AMOUNT),
    (r"\w+_batch", (1.0, math.inf)),
)


class Estimate(Protocol):
    """A value with the ends of its interval."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def ci_low(self) -> float | None: ...  # noqa: D102
    @property
    def ci_high(self) -> float | None: ...  # noqa: D102


class _Ranges(dict[str, Range]):
    """Ranges by name, looked up in patterns once; rounding is allowed for."""

    def __init__(self, patterns: Iterable[tuple[str, Range]]) -> None:
        super().__init__()
        self._patterns = [(re.compile(pattern), found) for pattern, found in patterns]

    def __missing__(self, name: str) -> Range:
        low, high = next((found for pattern, found in self._patterns if pattern.fullmatch(name)), ANY)
        self[name] = (low if low == POSITIVE[0] else low - _ROUNDING, high + _ROUNDING)
        return self[name]


SCORES = _Ranges(_SCORES)
FIGURES = _Ranges((*_FIGURES, *((rf"rerank_(?:{pattern})", found) for pattern, found in _SCORES)))


def check_estimates(estimates: Iterable[tuple[str, Estimate]]) -> None:
    """Check metrics, or measures of fidelity, with their intervals.

    An interval need not hold its value: that of a percentile bootstrap may not.

    Args:
        estimates: Names and values.

    Raises:
        ValueError: A value or an end is not in the range of its metric, or the ends are not in order.
    """
    for name, found in estimates:
        low, high = SCORES[name]
        ends = found.ci_low, found.ci_high
        if ends[0] is None or ends[1] is None:
            if ends != (None, None):
                raise ValueError(f"the interval of {name} has one end")
        elif not low <= ends[0] <= ends[1] <= high:
            raise ValueError(f"the interval of {name} is {ends[0]} to {ends[1]}, {_expected(SCORES, name)}")
        if not low <= found.value <= high:
            raise _outside(SCORES, name, found.value)


def check_scores(values: Mapping[str, float]) -> None:
    """Check metrics without intervals.

    Raises:
        ValueError: A value is not in the range of its metric.
    """
    for name, value in values.items():
        if not SCORES[name][0] <= value <= SCORES[name][1]:
            raise _outside(SCORES, name, value)


def check_figure(name: str, value: float) -> None:
    """Check a cost figure.

    Raises:
        ValueError: The value is not in its range.
    """
    if not FIGURES[name][0] <= value <= FIGURES[name][1]:
        raise _outside(FIGURES, name, value)


def _outside(ranges: _Ranges, name: str, value: float) -> ValueError:
    return ValueError(f"{name} is {value}, {_expected(ranges, name)}")


def _expected(ranges: _Ranges, name: str) -> str:
    low, high = ranges[name]
    if low == POSITIVE[0]:
        return "which must be more than 0"
    return (
        f"which must be {round(low):d} or more" if math.isinf(high) else f"which must be {round(low)} to {round(high)}"
    )
