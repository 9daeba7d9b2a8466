"""What quantising must do."""

from __future__ import annotations

import pytest
import torch
from quantise import Quantise

from benchmark.conformance import check_defense


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("defense", [Quantise(), Quantise(dither=True), Quantise(levels=2)])
def test_keeps_the_contract(defense: Quantise) -> None:
    report = check_defense(defense, examples=5)
    assert not report.findings, report


@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize("levels", [2, 3, 8, 256])
def test_levels_are_left_with_both_ends_among_them(levels: int, dither: bool) -> None:
    x = torch.linspace(0, 1, 10_000).view(1, 1, 100, 100)
    found = Quantise(levels, dither).perturb(x, generator()).unique()
    torch.testing.assert_close(found, torch.linspace(0, 1, levels), atol=1e-6, rtol=0)


def test_without_dither_no_value_moves_more_than_half_a_step() -> None:
    x = torch.rand(1, 3, 64, 64, generator=generator())
    assert (Quantise(levels=5).perturb(x, generator()) - x).abs().max() <= 1 / 8 + 1e-6


def test_dither_keeps_the_mean() -> None:
    # Of a value x between two levels at distance 1, the variance is at most 1/4: four standard errors of 10,000 values.
    for value in (0.1, 0.5, 0.77):
        y = Quantise(levels=2, dither=True).perturb(torch.full((1, 1, 100, 100), value), generator())
        assert abs(float(y.mean()) - value) < 4 * 0.5 / 100
