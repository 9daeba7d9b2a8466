"""Adversarial noise stays in its ball, and makes the most of it."""

from __future__ import annotations

import pytest
import torch
from defense_pictures import generator, pictures
from tiny_network import TINY_NETWORK
from torch import Tensor, nn

from benchmark.errors import UsageError
from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.interfaces import to_float, to_uint8
from benchmark.keys import plugin_key
from benchmark.registry import load
from defenses.adversarial import Adversarial

WEIGHTS = torch.randn(3, 8, 8, generator=generator(5))
"""Of the only feature of the surrogate below."""


class OneFeature(NetworkExtractor):
    """A weighted sum of the values: its distance grows along the signs of the weights, or against them, everywhere."""

    name, dim = "one", 1

    def __init__(self) -> None:
        def build() -> nn.Module:
            layer = nn.Linear(WEIGHTS.numel(), 1, bias=False)
            layer.load_state_dict({"weight": WEIGHTS.reshape(1, -1)})
            return nn.Sequential(nn.Flatten(), layer)

        super().__init__(build, "")

    def network_input(self, images: Tensor) -> Tensor:
        return rgb(images).div(255)


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


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("step_size", [0.7, 3.0])
def test_so_many_steps_of_such_a_length_are_taken_from_the_point_drawn(steps: int, step_size: float) -> None:
    epsilon, images = 12, pictures(8, (3, 8, 8))
    x = images.double()
    low, high = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=255)
    start = x + epsilon * (2 * torch.rand(x.shape, generator=generator()).double() - 1)
    y = start.clamp(low, high)
    # An image whose feature the drawn point raised is led on along the weights, another one against them.
    raised = ((y - x) * WEIGHTS).sum(dim=(1, 2, 3), keepdim=True).sign()
    assert raised.unique().tolist() == [-1, 1], "both are among these images"
    for _ in range(steps):
        y = (y + step_size * raised * WEIGHTS.sign()).clamp(low, high)
    surrogate = f"{__file__}:OneFeature"
    perturbed = Adversarial(epsilon, steps, step_size, surrogate).perturb(to_float(images), generator())
    torch.testing.assert_close(perturbed.double() * 255, y, atol=1e-3, rtol=0)
    assert ((perturbed.double() * 255 - x).abs() <= epsilon + 1e-3).all()
    inside = (y > low) & (y < high)
    assert inside.any(), "not all values are at the bounds of the ball, where steps would not show"


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
