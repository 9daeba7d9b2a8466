"""What the base class of defenses on 8-bit images does for its authors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from benchmark.errors import PluginError, UsageError
from benchmark.interfaces import Defense, Plugin, Uint8Defense, parameter, straight_through, to_float, to_uint8
from benchmark.stack import Stack


class Inverted(Uint8Defense):
    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return 255 - images


class Scattered(Uint8Defense):
    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.where(torch.rand(images.shape, generator=rng) < 0.5, images, 0)


@dataclass(frozen=True)
class Picky(Plugin):
    kind: str = parameter("plain", "", choices=("plain", "fancy", "fancier"))
    colour: int = parameter(3, "", only={"kind": ("fancy", "fancier")})


def test_a_parameter_that_would_change_nothing_is_refused() -> None:
    assert Picky(kind="fancy", colour=4).colour == 4
    assert Picky(kind="plain", colour=3).colour == 3, "its default says nothing"
    with pytest.raises(UsageError) as caught:
        Picky(colour=4)
    expected = "Picky.colour counts only where kind is fancy or fancier, not plain; leave it out, or set kind"
    assert str(caught.value) == expected


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def noise() -> Tensor:
    return torch.randint(256, (4, 3, 8, 8), dtype=torch.uint8, generator=generator())


@pytest.mark.parametrize("defense", [Inverted(), Scattered()], ids=repr)
def test_floats_and_8_bit_images_are_perturbed_alike(defense: Uint8Defense) -> None:
    answers = defense.answer(noise(), generator())
    assert torch.equal(answers, to_uint8(defense.perturb(to_float(noise()), generator())))


def test_floats_are_rounded_to_levels() -> None:
    x = torch.rand(4, 3, 8, 8, generator=generator())
    y = Inverted().perturb(x, generator())
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, 1 - (x * 255).round() / 255)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda images: None, "NoneType"),
        (lambda images: images.numpy(), "ndarray"),
        (lambda images: images[:, :, 1:], r"shape \(4, 3, 7, 8\)"),
        (lambda images: images[:1], r"shape \(1, 3, 8, 8\)"),
        (to_float, "float32"),
    ],
)
def test_a_defense_that_breaks_its_contract_is_named(broken: Callable[[Tensor], object], says: str) -> None:
    class Bad(Uint8Defense):
        def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
            return broken(images)

    # A point is any character but the end of a line.
    with pytest.raises(PluginError, match=rf"^Bad.perturb_uint8.*{says}.*uint8.*$"):
        Bad().answer(noise(), generator())


def test_a_straight_through_value_is_exact_and_its_gradient_the_others() -> None:
    x = torch.rand(50, generator=generator(), requires_grad=True)
    value = torch.randn(50, generator=generator())
    y = straight_through(value, x.square())
    assert torch.equal(y, value)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, 2 * x)


@pytest.mark.parametrize("defense", [Inverted(), Scattered(), Defense()], ids=repr)
def test_without_a_measurement_of_its_own_a_defense_is_measured_straight_through(defense: Defense) -> None:
    x = torch.rand(4, 3, 8, 8, generator=generator(), requires_grad=True)
    y = defense.measured(x, generator())
    assert torch.equal(y, defense.perturb(x.detach(), generator()))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda x: None, "NoneType"),
        (lambda x: x[1:], r"shape \(3, 3, 8, 8\)"),
        (lambda x: x.double(), "float64"),
        (lambda x: x * float("nan"), "not finite"),
        (lambda x: x.detach(), "without a gradient"),
    ],
)
def test_a_measurement_that_breaks_its_contract_is_named(broken: Callable[[Tensor], Tensor], says: str) -> None:
    class Bad(Defense):
        def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
            return broken(x)

    with pytest.raises(PluginError, match=rf"^Bad.measurement.*{says}.*$"):
        Bad().measured(to_float(noise()).requires_grad_(), generator())


def test_a_defense_is_restated_as_itself_or_as_another_defense() -> None:
    class Bad(Defense):
        def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
            return latent_dim  # type: ignore[return-value]

    assert Inverted().restated(8, generator()) == Inverted()
    with pytest.raises(PluginError, match=r"^Bad\.restate returned int, but must return a defense.*$"):
        Bad().restated(8, generator())


def test_a_defense_that_prepares_nothing_is_named() -> None:
    class Bad(Uint8Defense):
        def prepare(self, provider: object) -> None:
            pass

        def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
            return images

    for defense in (Bad(), Stack((Bad(),))):
        with pytest.raises(PluginError, match="Bad.prepare returned NoneType, but must return a defense"):
            defense.prepared(None)
