"""Adversarial noise stays in its ball, and makes the most of it."""

from __future__ import annotations

import pytest
import torch
from defense_pictures import generator, pictures
from tiny_network import TINY_NETWORK

from benchmark.errors import UsageError
from benchmark.interfaces import to_float, to_uint8
from benchmark.keys import plugin_key
from benchmark.registry import load
from defenses.adversarial import Adversarial


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("epsilon", [0, 1, 3, 8, 255])
@pytest.mark.parametrize("step_size", [0.3, 4.0, 255.0])
def test_answers_stay_in_the_ball(channels: int, epsilon: int, step_size: float) -> None:
    images = pictures(8, (channels, 16, 16))
    answers = Adversarial(epsilon, 3, step_size, TINY_NETWORK).answer(images, generator())
    change = (answers.int() - images.int()).abs().max()
    assert change == epsilon if epsilon <= 8 and step_size > 1 else change <= epsilon


@pytest.mark.parametrize("surrogate", [TINY_NETWORK, "efficientnet_lite0"])
@pytest.mark.parametrize("channels", [1, 3])
def test_features_move_farther_than_by_noise_of_the_same_norm(surrogate: str, channels: int) -> None:
    images = pictures(8, (channels, 32, 32))
    answers = Adversarial(4, 3, 2.0, surrogate).answer(images, generator())
    signs = torch.randint(0, 2, images.shape, generator=generator()).mul(2).sub(1)
    noise = to_uint8(to_float(images) + signs * 4 / 255)
    extractor = load("extractor", surrogate)
    moved = (extractor(answers) - extractor(images)).norm(dim=1)
    assert bool((moved > 1.5 * (extractor(noise) - extractor(images)).norm(dim=1)).all())


def test_images_after_the_first_batch_are_perturbed_alike() -> None:
    images = pictures(130, (1, 8, 8))
    answers = Adversarial(8, surrogate=TINY_NETWORK).answer(images, generator())
    extractor = load("extractor", TINY_NETWORK)
    moved = (extractor(answers) - extractor(images)).norm(dim=1)
    assert moved[100:].mean() > 0.8 * moved[:100].mean() > 0


def test_a_surrogate_without_a_gradient_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="has no gradient") as caught:
        Adversarial(surrogate="pixels").answer(pictures(1, (1, 8, 8)), generator())
    assert "\n" not in str(caught.value)


def test_answers_are_stored_under_the_weights_of_the_surrogate(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plugin_key(Adversarial(surrogate=TINY_NETWORK))
    assert before == plugin_key(Adversarial(surrogate=TINY_NETWORK))
    defense = Adversarial(surrogate=TINY_NETWORK)
    monkeypatch.setattr(defense._network, "_weights_hash", "other")
    assert plugin_key(defense) != before
