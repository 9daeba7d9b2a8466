"""One step of the two networks, against the definitions of what it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from blobs import blobs
from torch import Tensor

from benchmark.adversarial import AdversarialPair, named, part_of
from benchmark.recipe import Recipe


def pair_of(recipe: Recipe, side: int = 8, seed: int = 0) -> AdversarialPair:
    return AdversarialPair(recipe, (1, side, side), seed, torch.Generator().manual_seed(seed))


def real_images(n: int) -> Tensor:
    return blobs(n).float() / 127.5 - 1


def test_translation_moves_images_and_changes_nothing_else(tiny_recipe: Recipe) -> None:
    pair = pair_of(replace(tiny_recipe, augment="translation"), side=16)
    image = torch.full((50, 1, 16, 16), -1.0)
    image[:, :, 8, 8] = 1.0
    moved = pair.augmented(image)
    assert torch.equal(moved.sum(dim=(1, 2, 3)), image.sum(dim=(1, 2, 3)))
    rows = moved.amax(dim=(1, 3)).argmax(dim=1) - 8
    assert rows.min() == -2
    assert rows.max() == 2


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
    assert pair.advance(real_images(4)) == other.advance(real_images(4))
    for (name, tensor), (other_name, other_tensor) in zip(pair.tensors(), other.tensors(), strict=True):
        assert name == other_name
        assert torch.equal(tensor, other_tensor)


@pytest.mark.parametrize("part", ["g", "d", "average", "adam_g", "adam_d"])
def test_a_state_that_lacks_a_part_is_refused(tiny_recipe: Recipe, part: str) -> None:
    pair = pair_of(tiny_recipe)
    pair.advance(real_images(4))
    state = {name: tensor for name, tensor in pair.tensors() if not name.startswith(f"{part}/")}
    with pytest.raises(KeyError, match=part):
        pair_of(tiny_recipe).restore(state, 1)


def test_a_part_has_its_own_names_and_no_others() -> None:
    tensors = {"a": torch.zeros(1), "b/c": torch.ones(2)}
    whole = dict(named("x", tensors)) | dict(named("xy", {"d": torch.zeros(3)}))
    assert part_of(whole, "x") == tensors
