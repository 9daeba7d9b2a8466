"""What the base class of defenses on 8-bit images does for its authors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.interfaces import Uint8Defense, to_float, to_uint8
from benchmark.stack import Stack


class Inverted(Uint8Defense):
    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return 255 - images


class Scattered(Uint8Defense):
    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.where(torch.rand(images.shape, generator=rng) < 0.5, images, 0)


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


def test_a_defense_that_prepares_nothing_is_named() -> None:
    class Bad(Uint8Defense):
        def prepare(self, provider: object) -> None:
            pass

        def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
            return images

    for defense in (Bad(), Stack((Bad(),))):
        with pytest.raises(PluginError, match="Bad.prepare returned NoneType, but must return a defense"):
            defense.ready(None)
