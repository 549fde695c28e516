"""Scales of axes: limits, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Beyond these sizes numbers are written as powers of ten.
_LARGEST, _SMALLEST = 1e6, 1e-4
_TICKS = 6


def spans_a_decade(values: Sequence[float]) -> bool:
    """Whether values are all above zero and the largest is more than ten times the smallest."""
    return min(values) > 0 and max(values) > 10 * min(values)


def padded(
    values: Sequence[float], below: float, above: float, *, log: bool = False, least: float = 1e-3
) -> tuple[float, float]:
    """Limits of an axis with room around the values.

    Args:
        values: At least one.
        below: Room below them, as a share of their span.
        above: Room above them, likewise.
        log: Whether the axis is logarithmic and values above zero.
        least: The least span of a linear axis, as a share of the largest value; that of a logarithmic one is a factor
            of two. Smaller spans stand in its middle.
    """
    low, high = (math.log(min(values)), math.log(max(values))) if log else (min(values), max(values))
    span = high - low
    lacking = (math.log(2) if log else least * max(abs(low), abs(high)) or 1.0) - span
    if lacking > 0:
        low, high, span = low - lacking / 2, high + lacking / 2, span + lacking
    low, high = low - below * span, high + above * span
    return (math.exp(low), math.exp(high)) if log else (low, high)


def linear_ticks(low: float, high: float) -> list[float]:
    """At most six multiples of 1, 2, 2.5 or 5 times a power of ten between two limits."""
    power = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    for factor in (1, 2, 2.5, 5, 10, 20):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < _TICKS:
            break
    return [place * step for place in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Some 1, 2 and 5 times powers of ten between two limits, or powers of ten alone where they are enough."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= _TICKS:
            return ticks
    return ticks[:: math.ceil(len(ticks) / _TICKS)]


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """The ticks as text, all with as many decimals as the one that needs most."""
    if any(abs(tick) >= _LARGEST or 0 < abs(tick) < _SMALLEST for tick in ticks):
        return [_power(tick) for tick in ticks]
    decimals = max((_decimals(tick) for tick in ticks), default=0)
    return [_minus(f"{tick:,.{decimals}f}") for tick in ticks]


def number_text(value: float) -> str:
    """One number of a log axis: no more decimals than it needs."""
    if abs(value) >= _LARGEST or 0 < abs(value) < _SMALLEST:
        return _power(value)
    return _minus(f"{value:,.{_decimals(value)}f}")


def short_number(value: float) -> str:
    """A number to four digits."""
    return number_text(float(f"{value:.4g}"))


def _decimals(value: float) -> int:
    text = f"{value:.10f}".rstrip("0")
    return min(len(text) - text.index(".") - 1, 8)


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.6e}".split("e")
    return _minus(f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
