"""Numbers as people read them: to four digits, a mean with the half of its interval."""

from __future__ import annotations

import math

from leaderboard.intervals import Interval

NOTHING = 1e-6
"""Half an interval below this share of its mean is what rounding leaves of seeds that are equal."""


def number(value: float | None) -> str:
    """To four significant digits, without an exponent where people would not write one; empty for None."""
    if value is None:
        return ""
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def half_width(interval: Interval) -> str:
    """What stands after ±, to two significant digits; empty of one seed, which has no interval."""
    if math.isnan(interval.width):
        return ""
    half = interval.width / 2
    if half < NOTHING * abs(interval.value):
        return "0"
    return f"{half:,.0f}" if 100 <= half < 1e7 else f"{half:.2g}"


def interval_text(interval: Interval | None) -> str:
    """A mean and its interval, as "1,687 ± 290"; empty for None."""
    if interval is None:
        return ""
    half = half_width(interval)
    return f"{number(interval.value)} ± {half}" if half else number(interval.value)
