"""What defenses state of themselves agrees with what they do; a new defense is one row of MEASUREMENTS."""

from __future__ import annotations

import pytest
import torch
from defense_pictures import generator, pictures
from tiny_network import TINY_NETWORK
from torch import Tensor

from benchmark.interfaces import Defense, to_float
from benchmark.registry import load, names
from benchmark.stack import Stack, members
from defenses.adversarial import Adversarial
from defenses.controls import Garbage, Undefended
from defenses.filters import Filter
from defenses.interpolation import Linear
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise
from defenses.semantic import Semantic

LEVEL = 1 / 255

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


def test_the_table_has_a_row_for_every_defense() -> None:
    shown = {type(member) for defense, _ in MEASUREMENTS for member in members(defense)}
    built_in = [load("defense", name) for name in names("defense")]
    assert {type(defense) for defense in built_in if type(defense).__module__.startswith("defenses")} <= shown


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


def test_adversarial_noise_is_measured_as_noise_of_the_same_ball() -> None:
    x = to_float(pictures(40, (1, 16, 16)))
    defense = Adversarial(epsilon=8, surrogate=TINY_NETWORK)
    done, stated = (each(x, generator()) - x for each in (defense.perturb, defense.measured))
    assert stated.abs().max() <= 8 * LEVEL + 1e-6
    assert stated.abs().mean() == pytest.approx(float(done.abs().mean()), rel=0.15)


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
