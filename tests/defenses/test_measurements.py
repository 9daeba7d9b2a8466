"""What defenses state of themselves agrees with what they do; MEASUREMENTS has what the registered ones do not show."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from defense_pictures import generator, pictures
from tiny_network import TINY_NETWORK
from torch import Tensor

import defenses
from benchmark.interfaces import Defense, to_float
from benchmark.registry import load, names
from benchmark.stack import Stack
from defenses.adversarial import Adversarial
from defenses.controls import Garbage, Undefended
from defenses.filters import Filter
from defenses.interpolation import Linear
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise
from defenses.semantic import Semantic

LEVEL = 1 / 255
BUILT_IN = {f"defenses.{path.stem}" for path in Path(defenses.__file__).parent.glob("*.py")}

MEASUREMENTS = [
    (Undefended(), 0.0),
    (QueryLimit(), 0.0),
    (Linear(), 0.0),
    (Semantic(), 0.0),
    (Garbage(), 0.0),
    (Noise(), 0.0),
    (Jpeg(), 0.0),
    (Jpeg(5), 0.0),
    (Jpeg(codec="kornia"), 0.0),
    # OpenCV rounds the weights of 8-bit images as well as the result.
    (Filter(), 1.1 * LEVEL),
    (Filter(size=31), 1.1 * LEVEL),
    (Filter(kind="median"), 0.0),
    (Filter(kind="bilateral"), 0.0),
    # In the place of a gradient stands a coin: alike only in how far values move.
    (Adversarial(surrogate=TINY_NETWORK), None),
    # Half a level is lost to rounding between the members.
    (Stack((Noise(), Filter())), 1.6 * LEVEL),
    (Stack((QueryLimit(), Jpeg())), 0.0),
]
"""Defenses, and the greatest difference between a measurement and what ``perturb`` makes of the same images."""

every_defense = pytest.mark.parametrize(("defense", "tolerance"), MEASUREMENTS, ids=str)


def images(channels: int = 3) -> Tensor:
    return to_float(pictures(6, (channels, 24, 20)))


@pytest.mark.parametrize("name", [name for name in names("defense") if load("defense", name).__module__ in BUILT_IN])
def test_every_registered_defense_is_measured_as_it_perturbs(name: str) -> None:
    defense: Defense = load("defense", name)
    x = to_float(pictures(20, (1, 32, 32))).requires_grad_()
    measured = defense.measured(x, generator(1))
    (gradient,) = torch.autograd.grad((torch.randn(x.shape, generator=generator(3)) * measured).sum(), x)
    assert gradient.isfinite().all()
    assert bool((gradient.flatten(1).norm(dim=1) > 0).all())
    # In distribution: of other randomness than what it is compared with.
    done, stated = defense.perturb(x.detach(), generator(2)) - x.detach(), measured.detach() - x.detach()
    assert float(stated.mean()) == pytest.approx(float(done.mean()), abs=LEVEL)
    assert float(stated.abs().mean()) == pytest.approx(float(done.abs().mean()), rel=0.15, abs=0.1 * LEVEL)


@every_defense
@pytest.mark.parametrize("channels", [1, 3])
def test_a_measurement_agrees_with_what_is_done(defense: Defense, tolerance: float | None, channels: int) -> None:
    x = images(channels)
    given = x.clone()
    measured = defense.measured(x, generator())
    assert torch.equal(x, given), "the images handed in were changed"
    assert measured.min() >= 0
    assert measured.max() <= 1
    if tolerance is not None:
        torch.testing.assert_close(measured, defense.perturb(x, generator()), atol=tolerance, rtol=0)


@every_defense
def test_a_measurement_has_a_gradient(defense: Defense, tolerance: float | None) -> None:
    x = images().requires_grad_()
    towards = torch.randn(x.shape, generator=generator(3))
    (gradient,) = torch.autograd.grad((towards * defense.measured(x, generator())).sum(), x)
    assert gradient.isfinite().all()
    assert bool((gradient.flatten(1).norm(dim=1) > 0.01 * towards.flatten(1).norm(dim=1)).all())


@every_defense
def test_a_measurement_draws_from_its_generator_alone(defense: Defense, tolerance: float | None) -> None:
    x = images()
    before = torch.get_rng_state()
    assert torch.equal(defense.measured(x, generator(5)), defense.measured(x, generator(5)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("epsilon", [0, 1, 8, 64])
def test_adversarial_noise_is_measured_as_noise_of_the_same_ball(epsilon: int) -> None:
    x = torch.full((40, 1, 16, 16), 0.5)
    moved = Adversarial(epsilon=epsilon, surrogate=TINY_NETWORK).measured(x, generator()) - x
    assert moved.abs().max() <= epsilon * LEVEL + 1e-6
    # A walk from an even distribution stays even but for what sticks to the ends: no less than half as far on average.
    assert moved.abs().mean() >= 0.48 * epsilon * LEVEL


@pytest.mark.parametrize("size", [3, 5, 31])
@pytest.mark.parametrize("side", [5, 16, 40])
def test_the_gradient_of_the_gaussian_is_its_transpose(size: int, side: int) -> None:
    x = torch.rand(2, 1, side, side, generator=generator(), requires_grad=True)
    y = torch.rand(2, 1, side, side, generator=generator(1))
    defense = Filter(size=size)
    (gradient,) = torch.autograd.grad((y * defense.measured(x, generator())).sum(), x)
    # <y, A x> = <A' y, x> for whatever linear map A is.
    torch.testing.assert_close((gradient * x).sum(), (y * defense.measured(x, generator())).sum())


def test_an_attacker_edits_along_a_direction_of_his_own() -> None:
    class Prior:
        latent_dim = 16

        def prior(self, n: int, rng: torch.Generator) -> Tensor:
            return torch.zeros(n, 16)

    defense = Semantic(distance=2.0, edits=3)
    first, second = (
        defense.restated(16, generator(seed)).latents(3, Prior(), generator())
        for seed in (0, 1)  # type: ignore[arg-type]
    )
    for z in (first, second):
        torch.testing.assert_close(z.norm(dim=1), torch.tensor([2.0, 0.0, 2.0]))
        torch.testing.assert_close(z[0], -z[2])
    assert not torch.allclose(first, second)
    stack = Stack((Linear(3), defense, Jpeg())).restated(16, generator())
    assert [type(member) for member in stack.members] == [Linear, type(defense.restated(16, generator())), Jpeg]
