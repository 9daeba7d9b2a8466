"""Which trade-offs of cost against gain are worth having, and how much a set of them covers."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]
"""(cost, gain): low and high are good."""


def pareto_front(points: Sequence[Point]) -> list[int]:
    """The points that no other dominates, by index, from the cheapest to the dearest.

    One point dominates another if it costs no more and gains no less, and differs. Equal points are all kept.

    Args:
        points: finite; none may stand for what is missing.
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1], index))
    front: list[int] = []
    for index in order:
        if not front or points[index][1] > points[front[-1]][1] or points[index] == points[front[-1]]:
            front.append(index)
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The area that points dominate, within what the reference bounds; 0 if none is better than it in both.

    The S-metric of Zitzler and Thiele ("Multiobjective optimization using evolutionary algorithms", 1998), in two
    dimensions: the union of the rectangles between each point and the reference.

    Args:
        points: finite.
        reference: the greatest cost and the least gain that count.
    """
    most, covered = reference
    inside = [point for point in points if point[0] < most and point[1] > covered]
    area = 0.0
    for cost, gain in (inside[index] for index in pareto_front(inside)):
        area += (most - cost) * (gain - covered)
        covered = gain
    return area
