"""An axis in square roots: Fréchet distances span orders of magnitude, and differences of them may be below 0."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

APART = 0.09
"""Least distance between labels of the axis, as a share of it."""

LARGEST = 6
"""Decades from 1 on that may be labelled."""


def in_roots(ax: Axes, name: Literal["x", "y"]) -> None:
    """Let an axis run in square roots to both sides of 0, labelled as far as labels keep apart.

    Args:
        ax: with everything drawn on it already.
        name: which axis.
    """
    if name == "x":
        ax.set_xscale("function", functions=(_root, _square))
    else:
        ax.set_yscale("function", functions=(_root, _square))
    axis = ax.xaxis if name == "x" else ax.yaxis
    low, high = axis.get_view_interval()
    least = APART * float(_root(np.array(high)) - _root(np.array(low)))
    positive = [0.0]
    for value in (digit * 10.0**power for power in range(LARGEST) for digit in (1, 2, 5)):
        if np.sqrt(value) - np.sqrt(positive[-1]) > least:
            positive.append(value)
    both = [-value for value in positive[:0:-1]] + positive
    axis.set_ticks([value for value in both if low <= value <= high])
    axis.set_major_formatter("{x:,.0f}")


def _root(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(value) * np.sqrt(np.abs(value))


def _square(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(value) * np.square(value)
