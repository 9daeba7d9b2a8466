"""Reweighting on images of one pixel whose distribution was skewed in a known way."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from attacks.reweight import Reweight, flattening
from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Knowledge
from benchmark.metrics import moments
from benchmark.oracle import Oracle
from benchmark.recipe import Recipe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(n: int, mean: float, deviation: float, seed: int) -> Tensor:
    """Images of one pixel, of normal levels."""
    levels = torch.randn(n, generator=generator(seed)) * deviation + mean
    return levels.clamp(0, 255).round().to(torch.uint8)[:, None, None, None]


@dataclass(frozen=True)
class Inverted(Defense):
    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return 1 - x


class Theft:
    """The attack, done without a training: what it would have trained on, and what it left in the books."""

    def __init__(self, attack: Reweight, answers: Tensor, real: Tensor, defense: Defense | None = None) -> None:
        self.oracle = Oracle(answers, len(answers))
        self.knowledge = Knowledge(
            (1, 1, 1),
            Recipe(),
            self.train,
            real,
            known_defense=defense or Defense(),
            features=lambda images: images.flatten(1).float(),
        )
        self.images = torch.empty(0)
        attack.fit(self.oracle, self.knowledge, generator())
        self.drawn = self.images[: len(answers)].float()

    def train(self, images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None) -> None:
        self.images = images


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize("deviation", [30.0, 24.5, 24.0], ids=["shifted", "interpolated", "truncated"])
def test_skewed_answers_are_distributed_like_real_images_again(deviation: float, calibration: str) -> None:
    # Linear interpolation in many steps leaves sqrt(2/3) of the deviation; truncation of latents here 0.8 of it.
    answers, real = normal(20_000, 110, deviation, 1), normal(4000, 128, 30, 2)
    theft = Theft(Reweight(calibration=calibration), answers, real)
    # Some three standard errors of 4000 real images and of the answers that carry the weight.
    assert float(theft.drawn.mean()) == pytest.approx(128, abs=3)
    assert float(theft.drawn.std()) == pytest.approx(30, abs=2.5)
    assert abs(theft.knowledge.diagnostics["calibration_z"]) < 4
    assert torch.equal(theft.images[20_000:], real)


def test_the_effective_sample_size_is_that_of_the_ratio() -> None:
    answers, real = normal(20_000, 110, 30, 1), normal(4000, 128, 30, 2)
    theft = Theft(Reweight(calibration="logistic"), answers, real)
    # Of two normal densities, d standard deviations apart: 1 / E[w^2] = exp(-d^2).
    expected = torch.tensor(-((18 / 30) ** 2)).exp()
    assert theft.knowledge.diagnostics["effective_sample_size"] / 20_000 == pytest.approx(float(expected), rel=0.1)


@pytest.mark.parametrize(("skewed", "power"), [(True, 1.0), (False, 0.0)])
def test_weights_are_flattened_where_they_would_do_harm(skewed: bool, power: float) -> None:
    real = torch.randn(2000, 3, generator=generator(1))
    answers = torch.randn(2000, 3, generator=generator(2)) + (0.5 if skewed else 0.0)
    # The true ratio of the skewed ones; of the others, a wrong one.
    log_odds = -0.5 * (answers.double() - 0.25).sum(dim=1)
    assert flattening(log_odds, answers.numpy(), moments(real.numpy()), generator()) == power


def test_what_is_not_skewed_is_hardly_weighed() -> None:
    theft = Theft(Reweight(), normal(4000, 128, 30, 1), normal(4000, 128, 30, 2))
    assert theft.knowledge.diagnostics["effective_sample_size"] > 3600


def test_real_images_are_compared_as_the_defense_perturbs_them() -> None:
    real = normal(2000, 100, 30, 2)
    theft = Theft(Reweight(), 255 - normal(2000, 100, 30, 1), real, Inverted())
    assert theft.knowledge.diagnostics["effective_sample_size"] > 1800
    assert torch.equal(theft.images[2000:], real)


def test_without_real_images_clusters_are_balanced() -> None:
    answers = torch.cat([normal(900, 50, 5, 1), normal(100, 200, 5, 2)])
    theft = Theft(Reweight(share=0.0, clusters=2), answers, answers[:0])
    assert float((theft.drawn > 125).float().mean()) == pytest.approx(0.5, abs=0.002)
    assert theft.knowledge.diagnostics["largest_cluster"] == 0.9
    # (a + b)^2 / (a^2 / 900 + b^2 / 100) with a = b.
    assert theft.knowledge.diagnostics["effective_sample_size"] == pytest.approx(360)
    assert len(theft.images) == 1000
    # 500 of the 900 are drawn once, each of the 100 five times.
    assert theft.oracle.charged == 1000
    assert theft.oracle.kept == pytest.approx(600, abs=1)


def test_the_same_seed_draws_the_same_images() -> None:
    answers, real = normal(300, 110, 30, 1), normal(100, 128, 30, 2)
    for attack, shown in ((Reweight(), real), (Reweight(share=0.0), real[:0])):
        first, second = (Theft(attack, answers, shown) for _ in range(2))
        assert torch.equal(first.images, second.images)


def test_it_asks_for_what_it_uses() -> None:
    assert str(Reweight().threat_model) == "answers, the defense, 10% of the training set"
    assert str(Reweight(share=0.0).threat_model) == "answers"


@pytest.mark.parametrize(
    ("attack", "real", "says"),
    [
        (Reweight(), 4, "0.1 is 4 real images, beside 20 answers; 5 of each are needed"),
        (Reweight(share=0.0, clusters=21), 0, "20 answers cannot be parted into 21 clusters"),
    ],
)
def test_too_few_images_are_an_error(attack: Reweight, real: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Theft(attack, normal(20, 100, 30, 1), normal(real, 100, 30, 2))
