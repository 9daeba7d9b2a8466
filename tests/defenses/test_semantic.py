"""Edits along directions: the directions are what they are called, and the edits where they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from defense_pictures import generator
from torch import Tensor

from benchmark.data import ImageSet
from benchmark.errors import PluginError, UsageError
from benchmark.interfaces import Defense, Target, to_uint8
from benchmark.networks import GENERATORS
from benchmark.recipe import Recipe
from benchmark.stack import Stack
from benchmark.targets import Blueprint, NetworkTarget
from benchmark.trained import Generative
from defenses.interpolation import Linear
from defenses.jpeg import Jpeg
from defenses.semantic import Semantic, boundary_normal, sefa_directions

SHAPE = (1, 16, 16)
PLANTED = torch.nn.functional.normalize(torch.randn(16, generator=generator(7)), dim=0)


class Planted(Target):
    """Its images brighten along one direction of its latents; it has a first layer with three plain eigenvectors."""

    latent_dim = 16
    image_shape = SHAPE

    def generate(self, z: Tensor) -> Tensor:
        return to_uint8(torch.sigmoid(z @ PLANTED).view(-1, 1, 1, 1).expand(-1, *SHAPE))

    def projection(self) -> Tensor:
        return torch.diag(torch.arange(16.0))


class Serving:
    """A provider that scores brightness and keeps nothing."""

    target = Planted()

    def __init__(self, classes: tuple[str, ...] = ("dark", "bright")) -> None:
        labels = torch.tensor([0, 1]) if classes else None
        self.training_set = ImageSet("two", "train", torch.zeros(2, *SHAPE, dtype=torch.uint8), labels, classes)

    def scores(self, images: Tensor, trait: str) -> Tensor:
        brightness = images.float().mean(dim=(1, 2, 3))
        return brightness if trait == "bright" else -brightness

    def kept(self, defense: Defense, key: Mapping[str, Any], make: Callable[[torch.Generator], Tensor]) -> Tensor:
        return make(generator())


def served(architecture: str) -> NetworkTarget:
    recipe = Recipe(generator=architecture, generator_width=8, latent_dim=12)
    network = GENERATORS[architecture](12, SHAPE, 8)
    return NetworkTarget(Blueprint(recipe, SHAPE), Generative(network, 12, SHAPE), None)


def test_the_boundary_of_a_planted_direction_is_found() -> None:
    z = torch.randn(4000, 16, generator=generator())
    scores = z @ PLANTED + 0.1 * torch.randn(4000, generator=generator(1))
    normal = boundary_normal(z, scores)
    assert normal.norm().item() == pytest.approx(1, abs=1e-5)
    assert (normal @ PLANTED).item() > 0.95


@pytest.mark.parametrize(("attribute", "sign"), [("bright", 1), ("dark", -1)])
def test_edits_of_an_attribute_brighten_the_images(attribute: str, sign: int) -> None:
    defense = Semantic(distance=4.0, edits=3, direction="svm", attribute=attribute).prepare(Serving())
    images = defense.undefended(300, Planted(), generator()).float().mean(dim=(1, 2, 3)).unflatten(0, (100, 3))
    assert bool((sign * images.diff(dim=1) < 0).all())


@pytest.mark.parametrize("architecture", sorted(GENERATORS))
def test_sefa_directions_change_the_first_layer_most(architecture: str) -> None:
    target = served(architecture)
    directions = sefa_directions(target.projection()).numpy()
    # By the singular values of A alone: the eigenvectors of A^T A are its right singular vectors.
    network = target._generator.network
    first = next(w for w in network.parameters() if w.ndim > 1 and w.shape[1] == target.latent_dim)
    a = np.moveaxis(first.detach().double().numpy(), 1, -1).reshape(-1, target.latent_dim)
    singular = np.linalg.svd(a, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(a @ directions.T, axis=0), singular, rtol=1e-4)
    np.testing.assert_allclose(directions @ directions.T, np.eye(12), atol=1e-5)
    np.testing.assert_allclose(a.T @ a @ directions.T, singular**2 * directions.T, atol=1e-4 * singular[0] ** 2)
    assert bool((directions[np.arange(12), np.abs(directions).argmax(axis=1)] > 0).all())


@pytest.mark.parametrize(("edits", "distances"), [(1, [2.0]), (2, [2.0, -2.0]), (5, [2.0, 1.0, 0.0, -1.0, -2.0])])
def test_edits_spread_evenly_along_the_direction(edits: int, distances: list[float]) -> None:
    defense = Semantic(distance=2.0, edits=edits, component=1).prepare(Serving())
    z = Planted().prior(3, generator())
    direction = torch.eye(16)[14]
    by_hand = torch.cat([latent + s * direction for latent in z.split(1) for s in distances])
    torch.testing.assert_close(defense.latents(3 * edits, Planted(), generator()), by_hand)
    assert torch.equal(
        defense.latents(3 * edits - edits // 2, Planted(), generator()), by_hand[: 3 * edits - edits // 2]
    )


def test_a_single_edit_of_no_distance_is_the_prior() -> None:
    defense = Semantic(distance=0.0, edits=1).prepare(Serving())
    assert torch.equal(defense.latents(7, Planted(), generator()), Planted().prior(7, generator()))


def test_edits_of_interpolated_latents_stack() -> None:
    stack = Stack((Linear(3), Semantic(distance=2.0, edits=2), Jpeg())).prepare(Serving())
    between = Linear(3).latents(6, Planted(), generator())
    shift = 2 * torch.eye(16)[15]
    by_hand = torch.stack([between + shift, between - shift], dim=1).flatten(0, 1)
    torch.testing.assert_close(stack.latents(12, Planted(), generator()), by_hand)
    images = Planted().generate(by_hand)
    assert torch.equal(stack.answer(images, generator()), Jpeg().answer(images, generator()))


@pytest.mark.parametrize(
    ("parameters", "provider", "says"),
    [
        ({"direction": "svm", "attribute": "brigth"}, Serving(), "did you mean 'bright'"),
        ({"direction": "svm"}, Serving(), "direction=svm needs an attribute"),
        ({"direction": "svm", "attribute": "bright"}, Serving(classes=()), "direction=sefa needs none"),
        ({"component": 16}, Serving(), "has 16 directions"),
    ],
)
def test_a_direction_that_cannot_be_found_is_refused_in_one_line(
    parameters: dict[str, Any], provider: Serving, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Semantic(**parameters).prepare(provider)
    assert "\n" not in str(caught.value)


def test_there_are_no_latents_before_the_target_is_known() -> None:
    with pytest.raises(PluginError, match="prepare it"):
        Semantic().latents(1, Planted(), generator())


def test_a_target_without_a_first_layer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Planted, "projection", Target.projection)
    with pytest.raises(PluginError, match="Planted does not show its first layer"):
        Semantic().prepare(Serving())


def test_a_network_whose_first_linear_layer_takes_no_latent_is_refused() -> None:
    target = served("dcgan")
    target.latent_dim = 13
    with pytest.raises(PluginError, match="first layer"):
        target.projection()
