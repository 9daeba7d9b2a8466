"""One step of the two networks, against the definitions of what it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from blobs import blobs
from torch import Tensor

from benchmark.adversarial import AdversarialPair, named, part_of
from benchmark.networks.pggan import Growing, at_level
from benchmark.recipe import Recipe
from benchmark.screen import Screen


def pair_of(recipe: Recipe, side: int = 8, seed: int = 0) -> AdversarialPair:
    shape = (1, side, side)
    return AdversarialPair(recipe, shape, seed, torch.Generator().manual_seed(seed), Screen(recipe.latent_dim, shape))


def real_images(n: int) -> Tensor:
    return blobs(n).float() / 127.5 - 1


def test_averaged_weights_follow_their_definition(tiny_recipe: Recipe) -> None:
    pair = pair_of(replace(tiny_recipe, average=0.9))
    name = next(name for name, _ in pair.g.named_parameters())
    expected = pair.average.get_parameter(name).clone()
    for step in range(1, 4):
        pair.advance(real_images(4))
        decay = min(0.9, step / (step + 10))
        expected = decay * expected + (1 - decay) * pair.g.get_parameter(name).detach()
    torch.testing.assert_close(pair.average.get_parameter(name), expected)


def test_rates_fall_linearly_to_zero_if_asked(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, steps=4, decay=True)
    pair = pair_of(recipe)
    shares = []
    for _ in range(4):
        pair.advance(real_images(4))
        rates = [adam.param_groups[0]["lr"] for adam in (pair.adam_g, pair.adam_d)]
        assert rates[0] / recipe.generator_rate == pytest.approx(rates[1] / recipe.discriminator_rate)
        shares.append(rates[0] / recipe.generator_rate)
    assert shares == pytest.approx([1, 0.75, 0.5, 0.25])


def test_a_restored_state_goes_on_as_the_one_it_was_taken_from(tiny_recipe: Recipe) -> None:
    pair, other = pair_of(tiny_recipe, seed=0), pair_of(tiny_recipe, seed=1)
    for _ in range(2):
        pair.advance(real_images(4))
    other.restore({name: tensor.clone() for name, tensor in pair.tensors()}, pair.step)
    other.rng.set_state(pair.rng.get_state())
    assert torch.equal(pair.advance(real_images(4)), other.advance(real_images(4)))
    for (name, tensor), (other_name, other_tensor) in zip(pair.tensors(), other.tensors(), strict=True):
        assert name == other_name
        assert torch.equal(tensor, other_tensor)


def test_the_discriminator_takes_as_many_steps_as_the_recipe_says(tiny_recipe: Recipe) -> None:
    pair = pair_of(replace(tiny_recipe, discriminator_steps=3))
    pair.advance(real_images(12))
    steps = [adam.state_dict()["state"][0]["step"] for adam in (pair.adam_g, pair.adam_d)]
    assert [int(step) for step in steps] == [1, 3]


@pytest.mark.parametrize("discriminator", ["pggan", "stylegan2"])
def test_real_and_generated_images_are_never_compared_as_one_batch(tiny_recipe: Recipe, discriminator: str) -> None:
    pair = pair_of(replace(tiny_recipe, discriminator=discriminator))
    batches = []
    pair.d.register_forward_hook(lambda module, given, result: batches.append(len(given[0])))
    pair.advance(real_images(4))
    assert batches == [4, 4, 4]


def due(recipe: Recipe, steps: int) -> list[bool]:
    """At which steps the loss of the discriminator is above that of a pair without penalties."""
    pair, plain = pair_of(recipe), pair_of(replace(recipe, r1=0.0))
    found = []
    for _ in range(steps):
        if pair.step:
            plain.restore({name: tensor.clone() for name, tensor in pair.tensors()}, pair.step)
        plain.rng.set_state(pair.rng.get_state())
        found.append(pair.advance(real_images(4))[0] > plain.advance(real_images(4))[0])
    return found


def test_lazy_penalties_are_due_at_their_steps(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, discriminator="dcgan", r1=10.0, r1_every=3)
    assert due(recipe, 5) == [True, False, False, True, False]


@pytest.mark.parametrize("discriminator", ["dcgan", "pggan"])
@pytest.mark.parametrize("generator", ["dcgan", "pggan"])
def test_networks_that_grow_do_so_alone_or_together(tiny_recipe: Recipe, generator: str, discriminator: str) -> None:
    recipe = replace(tiny_recipe, generator=generator, discriminator=discriminator, steps=8, growth=0.5)
    pair = pair_of(recipe)
    levels = []
    for _ in range(6):
        pair.advance(real_images(4))
        levels.append([float(net.level) for net in (pair.g, pair.average, pair.d) if isinstance(net, Growing)])
    grown = 2 * (generator == "pggan") + (discriminator == "pggan")
    assert levels == [[level] * grown for level in (0, 0, 0, 0.5, 1, 1)]


def test_real_images_are_shown_as_coarse_as_the_generator_is(tiny_recipe: Recipe) -> None:
    real = real_images(4)
    for generator, coarse in (("pggan", True), ("dcgan", False)):
        pair = pair_of(replace(tiny_recipe, generator=generator, discriminator="pggan", growth=1.0))
        assert torch.equal(pair.grow(real), at_level(real, 0.0) if coarse else real)


@pytest.mark.parametrize("part", ["g", "d", "average", "path_length", "augmentation", "adam_g", "adam_d"])
def test_a_state_that_lacks_a_part_is_refused(tiny_recipe: Recipe, part: str) -> None:
    recipe = replace(tiny_recipe, augment="ada")
    pair = pair_of(recipe)
    pair.advance(real_images(4))
    state = {name: tensor for name, tensor in pair.tensors() if not name.startswith(f"{part}/")}
    with pytest.raises(KeyError, match=part):
        pair_of(recipe).restore(state, 1)


def test_a_part_has_its_own_names_and_no_others() -> None:
    tensors = {"a": torch.zeros(1), "b/c": torch.ones(2)}
    whole = dict(named("x", tensors)) | dict(named("xy", {"d": torch.zeros(3)}))
    assert part_of(whole, "x") == tensors
