"""When a recipe counts as as good as another, on histories made by hand."""

from __future__ import annotations

from math import inf

import pytest

from benchmark.trained import Point
from benchmarks.quality import SHOWN, Pair, bar, crossings, curves


def history(*scores: float, pace: float = 10.0) -> list[Point]:
    return [Point(100 * n, pace * n, 0.0, 0.0, score) for n, score in enumerate(scores, 1)]


def test_the_plain_one_counts_at_its_best_and_ours_at_the_second_in_a_row() -> None:
    pair = Pair(history(900, 500, 700, 600, 400, 300), history(1000, 800, 610, 700, pace=60.0))
    # 500 alone is chance; 600 and 400 are two.
    assert (pair.best.score, pair.best.seconds, pair.reached) == (610, 180, 50)
    assert pair.ratio == 3.6


def test_as_good_is_good_enough_from_the_beginning() -> None:
    assert Pair(history(500, 500), history(500, 500, pace=60.0)).reached == 20


@pytest.mark.parametrize("scores", [(900, 800), (900, 400), (400, 900, 400)])
def test_what_is_never_as_good_twice_misses(scores: tuple[float, ...]) -> None:
    pair = Pair(history(*scores), history(500))
    assert (pair.reached, pair.ratio) == (inf, 0)
    assert not bar([pair]).met


def test_the_median_over_the_seeds_is_held_to_the_bar() -> None:
    pairs = [Pair(history(5, 5), history(5, pace=seconds)) for seconds in (20.0, 70.0, 400.0)]
    assert bar(pairs).measured == "3.5"
    assert bar(pairs).met
    assert not bar(pairs[:2]).met
    assert [row[-1] for row in crossings(pairs).rows] == ["1.00", "3.50", "20.00"]


def test_curves_are_medians_over_the_seeds_that_got_there() -> None:
    long, longer, short = history(*range(2 * SHOWN)), history(*range(100, 100 + 2 * SHOWN)), history(*range(SHOWN))
    rows = curves([Pair(long, short), Pair(longer, short), Pair(short, short)]).rows
    assert [row[1:] for row in rows] == [("500", "50", "4"), ("1000", "100", "59"), ("500", "50", "4")]
