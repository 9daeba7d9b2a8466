"""The losses, against their formulas written out in numbers."""

from __future__ import annotations

import math

import pytest
import torch

from benchmark.losses import LOSSES

REAL, FAKE = [2.0, -0.5], [-3.0, 0.25]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


EXPECTED = {
    "hinge": (
        sum(max(0.0, 1 - x) for x in REAL) / 2 + sum(max(0.0, 1 + x) for x in FAKE) / 2,
        -sum(FAKE) / 2,
    ),
    "wasserstein": (sum(FAKE) / 2 - sum(REAL) / 2, -sum(FAKE) / 2),
    "logistic": (
        -sum(math.log(sigmoid(x)) for x in REAL) / 2 - sum(math.log(1 - sigmoid(x)) for x in FAKE) / 2,
        -sum(math.log(sigmoid(x)) for x in FAKE) / 2,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_follow_their_formulas(name: str) -> None:
    loss = LOSSES[name]
    of_discriminator, of_generator = EXPECTED[name]
    assert float(loss.discriminator(torch.tensor(REAL), torch.tensor(FAKE))) == pytest.approx(of_discriminator)
    assert float(loss.generator(torch.tensor(FAKE))) == pytest.approx(of_generator)
