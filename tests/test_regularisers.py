"""Penalties in closed form on linear networks, and the styles of which images."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from benchmark.networks import stylegan2
from benchmark.regularisers import PathLength, gradient_penalty, mixed_styles, r1_penalty


class Linear(nn.Module):
    """The logit is an image's scalar product with fixed weights: its gradient is those, everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0)))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum(dim=(1, 2, 3))


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_gradient_penalty_of_a_linear_critic() -> None:
    critic = Linear()
    penalty = gradient_penalty(critic, random(6, 1, 4, 4), random(6, 1, 4, 4, seed=2), torch.Generator())
    norm = critic.weight.detach().norm()
    assert float(penalty.detach()) == pytest.approx(float((norm - 1) ** 2), rel=1e-5)
    penalty.backward()
    torch.testing.assert_close(critic.weight.grad, 2 * (norm - 1) * critic.weight.detach() / norm)


def test_gradient_penalty_is_taken_between_the_images() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum(dim=(1, 2, 3)) / 2

    # The gradient is the image itself, and its norm is on the line from 3 to 5.
    real, fake = (torch.zeros(1000, 1, 4, 4) for _ in range(2))
    real[:, 0, 0, 0], fake[:, 0, 0, 0] = 3, 5
    penalty = gradient_penalty(Square(), real, fake, torch.Generator().manual_seed(0))
    assert float(penalty.detach()) == pytest.approx((4**3 - 2**3) / 3 / 2, rel=0.05)


def test_r1_of_a_linear_discriminator() -> None:
    discriminator = Linear()
    penalty = r1_penalty(discriminator, random(6, 1, 4, 4))
    assert float(penalty.detach()) == pytest.approx(float(discriminator.weight.detach().square().sum()), rel=1e-5)
    penalty.backward()
    torch.testing.assert_close(discriminator.weight.grad, 2 * discriminator.weight.detach())


class Uniform:
    """A generator whose images are all of one value: the mean of its styles, times a factor."""

    factor = torch.tensor(3.0, requires_grad=True)

    def synthesis(self, styles: Tensor, rng: torch.Generator) -> Tensor:
        return (self.factor * styles.sum(dim=(1, 2)))[:, None, None, None].expand(-1, 1, 8, 8)


def test_path_length_of_a_linear_generator() -> None:
    n, layers, dim = 4, 2, 5
    path_length = PathLength()
    styles = random(n, layers, dim).requires_grad_(True)
    rng = torch.Generator().manual_seed(3)
    penalty = path_length(Uniform(), styles, rng)  # type: ignore[arg-type]
    direction = torch.randn(n, 1, 8, 8, generator=rng.manual_seed(3)) / 8
    lengths = 3 * direction.sum(dim=(1, 2, 3)).abs() * math.sqrt(dim)
    mean = 0.01 * lengths.mean()
    assert float(penalty.detach()) == pytest.approx(float((lengths - mean).square().mean()), rel=1e-5)
    assert float(path_length.mean) == pytest.approx(float(mean), rel=1e-5)
    # Both the lengths and what they are pulled to grow with the factor, and the penalty with its square.
    (slope,) = torch.autograd.grad(penalty, Uniform.factor)
    assert float(slope) == pytest.approx(2 * float(penalty.detach()) / 3, rel=1e-5)


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_styles_are_mixed_from_a_random_layer_on(probability: float) -> None:
    generator = stylegan2.generator(6, (1, 16, 16), 8)
    z = random(400, 6)
    with torch.no_grad():
        own = generator.styles(z)
        rng = torch.Generator().manual_seed(0)
        styles = mixed_styles(generator, z, probability, rng, lambda n: torch.randn(n, 6, generator=rng))
    assert styles.shape == (400, 6, 6)
    from_own = (styles == own).all(dim=2)
    assert from_own[:, 0].all()
    assert (from_own[:, :-1] | ~from_own[:, 1:]).all(), "once the second latent has begun, it stays"
    mixed = ~from_own.all(dim=1)
    assert float(mixed.float().mean()) == pytest.approx(probability, abs=0.08)
    if mixed.any():
        assert set(from_own[mixed].sum(dim=1).tolist()) == {1, 2, 3, 4, 5}
