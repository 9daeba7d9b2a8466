"""Square roots that keep the sign: Fréchet distances span orders of magnitude, and differences may be below 0."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

APART = 0.09
"""Least distance between labels of a matplotlib axis, as a share of it."""

DECADES = 4
"""That are labelled, of the greatest value and below."""


def root(value: float) -> float:
    """A number as it stands on the scale."""
    return math.copysign(math.sqrt(abs(value)), value)


def square(at: float) -> float:
    """The number that stands there: the inverse of :func:`root`."""
    return math.copysign(at * at, at)


def ticks(low: float, high: float, apart: float) -> list[float]:
    """Where an axis of roots is labelled: 0, 1, 2, 5, 10 and so on to both sides, as far as labels keep apart.

    Args:
        low: its one end.
        high: its other end.
        apart: least distance between labels, as a share of the axis.
    """
    most = max(high, -low)
    top = math.floor(math.log10(most)) if most > 0 else 0
    steps = [digit * 10.0**power for power in range(top - DECADES + 1, top + 1) for digit in (1, 2, 5)]
    least = apart * (root(high) - root(low))
    found = [0.0] if low <= 0 <= high else []
    for side in (1, -1):
        last = 0.0
        for value in (side * step for step in steps):
            if low <= value <= high and abs(root(value) - root(last)) > least:
                found.append(last := value)
    return sorted(found)


def in_roots(ax: Axes, name: Literal["x", "y"]) -> None:
    """Let an axis run in roots to both sides of 0, labelled as far as labels keep apart.

    Args:
        ax: with everything drawn on it already.
        name: which axis.
    """
    if name == "x":
        ax.set_xscale("function", functions=(_roots, _squares))
    else:
        ax.set_yscale("function", functions=(_roots, _squares))
    axis = ax.xaxis if name == "x" else ax.yaxis
    low, high = axis.get_view_interval()
    axis.set_ticks(ticks(low, high, APART))
    axis.set_major_formatter("{x:,g}")


def _roots(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(value) * np.sqrt(np.abs(value))


def _squares(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(value) * np.square(value)
