"""Where names stand in plots, so that none covers another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

WIDTH, HEIGHT = 270.0, 440.0
"""Pixels within the axes on a phone: names that keep apart there do so anywhere wider."""

CHARACTER, LINE = 7.2, 15.0
"""Pixels that a name takes, per character and in height."""


def place_labels(points: list[dict[str, Any]], high: float) -> None:
    """Name each family at the point that protects best: sets ``label_y`` and ``label_side`` of its points.

    ``label_side`` is the side of the text that is at the point, "left" or "right" (empty where none is to stand);
    ``label_y`` is the distance at which it stands. Names are set from the top down, each as near to its point as those
    before it leave room.

    Args:
        points: of one budget; changed in place.
        high: end of both axes, which are roots from 0.
    """
    best: dict[str, dict[str, Any]] = {}
    for point in points:
        point |= {"label_side": "", "label_y": point["accuracy"]}
        if point["accuracy"] > best.setdefault(point["family"], point)["accuracy"]:
            best[point["family"]] = point
    taken: list[tuple[float, float, float]] = []
    for point in sorted(best.values(), key=lambda each: -each["accuracy"]):
        x, y = (math.sqrt(point[name] / high) for name in ("utility", "accuracy"))
        side, length = "left" if x < 0.5 else "right", len(point["family"]) * CHARACTER
        start = x * WIDTH - (0 if side == "left" else length)
        wanted = y * HEIGHT + LINE / 2
        spot = next(spot for spot in _spots(wanted) if not any(_meet(start, length, spot, other) for other in taken))
        taken.append((start, length, spot))
        point |= {"label_side": side, "label_y": high * (max(spot, 0.0) / HEIGHT) ** 2}


def place_lines(points: Iterable[dict[str, Any]], fixed: Iterable[dict[str, Any]], high: float) -> None:
    """Name each line over budgets at its end: sets ``line_y`` of its last point, and None of all others.

    Args:
        points: of one family; changed in place.
        fixed: of the controls, which have their names already; empty to set these.
        high: end of the axis.
    """
    taken = [math.sqrt(point["line_y"] / high) * SMALL for point in fixed if point["line_y"] is not None]
    last: dict[str, dict[str, Any]] = {}
    for point in points:
        point["line_y"] = None
        if point["budget"] >= last.setdefault(point["defense"], point)["budget"]:
            last[point["defense"]] = point
    for point in sorted(last.values(), key=lambda each: -each["accuracy"]):
        wanted = math.sqrt(point["accuracy"] / high) * SMALL
        spot = next(spot for spot in _spots(wanted) if all(abs(spot - other) >= SMALL_LINE for other in taken))
        taken.append(spot)
        point["line_y"] = high * (max(spot, 0.0) / SMALL) ** 2


SMALL, SMALL_LINE = 230.0, 12.0
"""Pixels of a small plot's height, and of a line of its text."""


def _spots(wanted: float) -> Iterator[float]:
    """Heights ever farther from the one that is wanted."""
    return (wanted + side * number * STEP for number in count() for side in (1, -1))


STEP = 3.0
"""Pixels."""


def _meet(start: float, length: float, height: float, other: tuple[float, float, float]) -> bool:
    begin, extent, level = other
    return abs(height - level) < LINE and start < begin + extent and begin < start + length
