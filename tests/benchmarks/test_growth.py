"""The exponent of what grows beside a constant part, and the bar it is held to."""

from __future__ import annotations

import pytest

from benchmarks.children import Cost
from benchmarks.growth import LINEAR, STEEPEST, Study, growth, result

SIZES = [(10.0, 30.0, 1000.0), (1.0, 8.0, 64.0), (1e3, 1e4, 1e5)]
"""In a geometric series, and not."""


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(sizes: tuple[float, ...], power: float) -> None:
    exponent, constant = growth(sizes, [7 * size**power for size in sizes])
    assert exponent == pytest.approx(power, abs=1e-9)
    assert constant == pytest.approx(0 if power else 7, abs=1e-6)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_constant_part_hides_nothing(sizes: tuple[float, ...], power: float) -> None:
    """Also one that is a hundred times the first step."""
    great = 100 * (sizes[1] ** power - sizes[0] ** power)
    exponent, constant = growth(sizes, [great + size**power for size in sizes])
    assert exponent == pytest.approx(power, abs=1e-6)
    assert constant == pytest.approx(great)


def test_what_grows_with_the_square_misses_however_great_the_constant() -> None:
    """A slope through these points is 0.91: it would have met the bar."""
    exponent, constant = growth((1, 8, 64), [20.8 + 0.22 * n**2 for n in (1, 8, 64)])
    assert exponent == pytest.approx(2)
    assert constant == pytest.approx(20.8)
    # A first step too small to be told makes it less, but does not hide it.
    exponent, _ = growth((1e3, 1e4, 1e5), [1000 + 1e-8 * n**2 for n in (1e3, 1e4, 1e5)])
    assert LINEAR < exponent < 2


@pytest.mark.parametrize("values", [(5.0, 5.0, 5.0), (5.0, 6.0, 6.0), (5.0, 6.0, 5.5), (5.0, 4.0, 3.0)])
def test_what_does_not_grow_at_the_end_has_no_exponent(values: tuple[float, ...]) -> None:
    assert growth((1, 10, 100), values) == (0, values[-1])


def test_what_levels_off_is_below_none() -> None:
    values = [9 - n**-0.5 for n in (1, 4, 16)]
    assert growth((1, 4, 16), values) == (pytest.approx(-0.5), values[-1])


def test_rounding_has_no_exponent() -> None:
    assert growth((1, 10, 100), (900.0, 899.9, 901.0))[0] < LINEAR
    assert growth((1, 10, 100), (900.0, 899.9, 1800.0))[0] > 2


def test_no_step_is_too_steep() -> None:
    assert growth((1, 2, 4), (1.0, 1.0, 1e9))[0] == pytest.approx(STEEPEST)
    assert growth((1, 2, 4), (1.0, 2.0, 2.0 + 1e-12))[0] == pytest.approx(-STEEPEST)


def test_what_grows_faster_than_in_proportion_misses_its_bar() -> None:
    """By the medians of the rounds; the constant part is in the units of the table."""
    study = Study("side", lambda size, smoke: 0, (2, 4, 8), lambda side: float(side * side), "")
    costs = {
        side: [Cost(seconds, (100 + side**2) * 2**20, 2**20) for seconds in (1.0, 5 + side**4, 1e6)]
        for side in study.sizes
    }
    table, (time, memory, disk) = result(study, costs)
    assert (time.measured, memory.measured) == ("2", "1")
    assert (time.met, memory.met, disk.met) == (False, True, True)
    assert table.rows[0] == ("2", "21.0", "104", "1.0")
    assert table.rows[-2:] == [("constant part", "5.0", "100", "1.0"), ("exponent beside it", "2.00", "1.00", "0.00")]
