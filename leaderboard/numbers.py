"""Numbers as people read them: to four digits, and a mean no finer than the half of its interval."""

from __future__ import annotations

import math

from leaderboard.intervals import Interval

NOTHING = 1e-6
"""Half an interval below this share of its mean is what rounding leaves of seeds that are equal."""

FINEST = 6
"""Decimals beyond which people write powers of ten."""


def number(value: float | None) -> str:
    """To four significant digits, without an exponent where people would not write one; empty for None."""
    if value is None:
        return ""
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def mean_and_half(interval: Interval) -> tuple[str, str]:
    """A mean, and what stands after ±: that to two significant digits, and the mean to as many decimals.

    Of one seed, which has no interval, the second is empty.
    """
    if math.isnan(interval.width):
        return number(interval.value), ""
    half = interval.width / 2
    if half < NOTHING * abs(interval.value) or half == 0:
        return number(interval.value), "0"
    decimals = 1 - math.floor(math.log10(half))
    if decimals > FINEST:
        return number(interval.value), f"{half:.2g}"
    mean, half_text = (f"{value:,.{max(decimals, 0)}f}" for value in (interval.value, half))
    # What rounds to nothing has no sign.
    return (mean if mean.strip("-0.,") else mean.lstrip("-")), half_text


def interval_text(interval: Interval | None) -> str:
    """A mean and its interval, as "1,687 ± 290"; empty for None."""
    if interval is None:
        return ""
    mean, half = mean_and_half(interval)
    return f"{mean} ± {half}" if half else mean
