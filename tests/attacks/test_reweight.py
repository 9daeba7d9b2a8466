"""Reweighting on images of one pixel whose distribution was skewed in a known way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from theft import Theft
from torch import Tensor

from attacks.reweight import Reweight, flattening, out_of_fold, principal
from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Knowledge
from benchmark.metrics import moments
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


def stolen(attack: Reweight, answers: Tensor, real: Tensor, defense: Defense | None = None, seed: int = 0) -> Theft:
    """The attack by features that are the pixels."""
    return Theft(
        attack,
        answers,
        real,
        seed=seed,
        known_defense=defense or Defense(),
        features=lambda images: images.flatten(1).float(),
    )


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize("deviation", [30.0, 24.5, 24.0], ids=["shifted", "interpolated", "truncated"])
def test_skewed_answers_are_distributed_like_real_images_again(deviation: float, calibration: str) -> None:
    # Linear interpolation in many steps leaves sqrt(2/3) of the deviation; truncation of latents here 0.8 of it.
    answers, real = normal(20_000, 110, deviation, 1), normal(4000, 128, 30, 2)
    theft = stolen(Reweight(calibration=calibration), answers, real)
    # Some three standard errors of 4000 real images and of the answers that carry the weight.
    assert float(theft.refined.float().mean()) == pytest.approx(128, abs=3)
    assert float(theft.refined.float().std()) == pytest.approx(30, abs=2.5)
    assert abs(theft.knowledge.diagnostics["calibration_z"]) < 4
    assert torch.equal(theft.images[20_000:], real)


def test_the_effective_sample_size_is_that_of_the_ratio() -> None:
    answers, real = normal(20_000, 110, 30, 1), normal(4000, 128, 30, 2)
    theft = stolen(Reweight(calibration="logistic"), answers, real)
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
    theft = stolen(Reweight(), normal(4000, 128, 30, 1), normal(4000, 128, 30, 2))
    assert theft.knowledge.diagnostics["effective_sample_size"] > 3600


def test_real_images_are_compared_as_the_defense_perturbs_them() -> None:
    real = normal(2000, 100, 30, 2)
    theft = stolen(Reweight(), 255 - normal(2000, 100, 30, 1), real, Inverted())
    assert theft.knowledge.diagnostics["effective_sample_size"] > 1800
    assert torch.equal(theft.images[2000:], real)


def test_without_real_images_clusters_are_balanced() -> None:
    answers = torch.cat([normal(900, 50, 5, 1), normal(100, 200, 5, 2)])
    theft = stolen(Reweight(share=0.0, clusters=2), answers, answers[:0])
    assert float((theft.refined > 125).float().mean()) == pytest.approx(0.5, abs=0.002)
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
        first, second = (stolen(attack, answers, shown) for _ in range(2))
        assert torch.equal(first.images, second.images)


@pytest.mark.parametrize("share", [0.1, 0.0])
def test_another_seed_draws_other_images(share: float) -> None:
    # Two clusters that no seed mistakes: without real images only what is drawn of them can differ.
    answers, real = torch.cat([normal(270, 50, 5, 1), normal(30, 200, 5, 2)]), normal(100, 128, 30, 2)
    attack, shown = (Reweight(share=share), real) if share else (Reweight(share=share, clusters=2), real[:0])
    first, second = (stolen(attack, answers, shown, seed=seed) for seed in range(2))
    assert not torch.equal(first.refined, second.refined)
    assert not torch.equal(first.state, second.state)


def test_another_seed_parts_the_images_into_other_folds() -> None:
    components, is_real = torch.randn(100, 2, generator=generator()).numpy(), np.arange(100) < 50
    first, again, other = (out_of_fold(components, is_real, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("seed", range(2))
def test_an_image_is_judged_by_a_classifier_that_has_not_seen_it(seed: int) -> None:
    # Nothing tells these apart. By 560 terms a classifier would all the same, of the images that it was fitted to.
    noise, is_real = torch.randn(600, 32, generator=generator(seed)), torch.arange(600) < 300
    scores = out_of_fold(principal(noise, generator()), is_real.numpy(), generator())
    area = (scores[is_real][:, None] > scores[~is_real]).double().mean()
    # Three standard errors: of 300 and 300 images that are alike, sqrt(601 / 12) / 300 each.
    assert float(area) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize(
    ("real", "answers", "sign"),
    [((3, -3), (-3, -3), 1), ((3, 3), (-3, 3), -1)],
    ids=["half the real images", "half the answers"],
)
def test_the_calibration_is_judged_by_images_that_it_was_not_fitted_to(
    real: tuple[int, int], answers: tuple[int, int], sign: int, calibration: str
) -> None:
    # Of the first half of either kind the scores tell all; of the second half nothing.
    m = 200
    on_real, on_answers = (torch.tensor(pair, dtype=torch.float64).repeat_interleave(m) for pair in (real, answers))
    knowledge = Knowledge((1, 1, 1), Recipe(), None, torch.empty(0, 1, 1, 1, dtype=torch.uint8))
    Reweight(calibration=calibration).log_odds(on_real, on_answers, knowledge)
    z = knowledge.diagnostics["calibration_z"]
    assert sign * z > 20
    if calibration == "isotonic":
        # Certain but for the rule of succession, of all of the second half alike; and right for one kind of it.
        p = 1 / (m + 2)
        assert sign * z == pytest.approx((m - 2 * m * p) / (2 * m * p * (1 - p)) ** 0.5)


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
        stolen(attack, normal(20, 100, 30, 1), normal(real, 100, 30, 2))
