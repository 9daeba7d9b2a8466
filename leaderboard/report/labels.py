"""Where names stand in plots, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, takewhile
from typing import Any, NamedTuple

from leaderboard.report.axes import Axis

WIDTH, HEIGHT = 270.0, 440.0
"""Pixels within the axes on a phone: names that keep apart there do so anywhere wider."""

CHARACTER, LINE, LONGEST = 7.2, 15.0, 125.0
"""Pixels that a name takes: per character, in height, and at most; what is longer is cut off."""

DIGIT, BELOW, ABOVE, MARK = 6.0, -21.0, 9.0, 6.0
"""Pixels of a strength's characters, how far from its point it stands, and half of a point."""

NEAR, STEP = 24.0, 3.0
"""Pixels: how far a name may be from its point rather than cover another, and how finely places for it are tried."""

SMALL_HEIGHT, SMALL_LINE = 230.0, 12.0
"""Pixels of a small plot's height, and of a line of its text."""


class Box(NamedTuple):
    """A piece of text or a point: where it begins, how wide it is, and the level that it stands on."""

    start: float
    length: float
    level: float

    def meets(self, other: Box) -> bool:
        """Whether they cover each other."""
        apart = self.start >= other.start + other.length or other.start >= self.start + self.length
        return not apart and abs(self.level - other.level) < LINE


def place_labels(points: list[dict[str, Any]], across: Axis, up: Axis) -> None:
    """Name each family at the point that protects best, and tell the strengths of those that have several.

    Sets of each point ``label_side``, the side of the text that is at the point ("left" or "right"; empty where no name
    is to stand), ``label_y``, the gain at which it stands, and ``label_strength`` and ``strength_y`` likewise. Names
    are set from the top down, each as near to its point as those before it leave room; strengths where there is room.

    Args:
        points: of one budget; changed in place.
        across: the axis of costs.
        up: the axis of gains.
    """
    best: dict[str, dict[str, Any]] = {}
    for point in points:
        point |= {"label_side": "", "label_y": point["gain"], "label_strength": "", "strength_y": None}
        if point["gain"] > best.setdefault(point["family"], point)["gain"]:
            best[point["family"]] = point
    where = {id(point): (across.share(point["cost"]) * WIDTH, up.share(point["gain"]) * HEIGHT) for point in points}
    marks = [Box(x - MARK, 2 * MARK, y - MARK) for x, y in where.values()]
    names: list[Box] = []
    for point in sorted(best.values(), key=lambda each: -each["gain"]):
        x, y = where[id(point)]
        side, length = "left" if x < WIDTH / 2 else "right", min(len(point["family"]) * CHARACTER, LONGEST)
        start = x + MARK if side == "left" else x - MARK - length
        name = _free(Box(start, length, y + LINE / 2), names, marks)
        names.append(name)
        point |= {"label_side": side, "label_y": up.at(max(name.level, 0.0) / HEIGHT)}
    several = {family for family in best if sum(point["family"] == family for point in points) > 1}
    taken = [*names, *marks]
    for point in points:
        if point["family"] in several and point["strength"] is not None:
            text, (x, y) = f"{point['strength']:g}", where[id(point)]
            boxes = [Box(x - len(text) * DIGIT / 2, len(text) * DIGIT, y + off) for off in (BELOW, ABOVE)]
            if box := next((box for box in boxes if not any(map(box.meets, taken))), None):
                taken.append(box)
                point |= {"label_strength": text, "strength_y": up.at(box.level / HEIGHT)}


def place_lines(points: Iterable[dict[str, Any]], up: Axis) -> None:
    """Name each line over budgets at its end: sets ``line_y`` of its last point, and None of all others.

    Names stand in the order of the lines, each as near to its own as those above it leave room.

    Args:
        points: of the lines of one plot; changed in place.
        up: its axis.
    """
    last: dict[str, dict[str, Any]] = {}
    for point in points:
        point["line_y"] = None
        if point["budget"] >= last.setdefault(point["defense"], point)["budget"]:
            last[point["defense"]] = point
    named = sorted(last.values(), key=lambda each: -each["accuracy"])
    levels: list[float] = []
    for point in named:
        levels.append(min([up.share(point["accuracy"]) * SMALL_HEIGHT, *(level - SMALL_LINE for level in levels[-1:])]))
    lowest = 0.0
    for point, level in zip(reversed(named), reversed(levels), strict=True):
        point["line_y"] = up.at(max(level, lowest) / SMALL_HEIGHT)
        lowest = max(level, lowest) + SMALL_LINE


def _free(wanted: Box, names: list[Box], marks: list[Box]) -> Box:
    """The box moved up or down until it covers no name and, if there is such a place nearby, no point either."""
    near = takewhile(lambda box: abs(box.level - wanted.level) <= NEAR, _moved(wanted))
    clear = (box for box in near if box.level >= 0 and not any(map(box.meets, [*names, *marks])))
    return next(clear, None) or next(box for box in _moved(wanted) if not any(map(box.meets, names)))


def _moved(box: Box) -> Iterator[Box]:
    """The box ever farther from where it is wanted."""
    for number in count():
        yield from (box._replace(level=box.level + side * number * STEP) for side in (1, -1))
