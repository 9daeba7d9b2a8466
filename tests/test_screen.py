"""What a generator in training is judged by: itself, or what a defense makes of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from blobs import blobs
from stages import Kill
from torch import Tensor

from benchmark.adversarial import AdversarialPair
from benchmark.errors import DataError, PluginError
from benchmark.gan import Trained, train
from benchmark.interfaces import Defense, FeatureExtractor, Target
from benchmark.networks.pggan import at_level
from benchmark.recipe import Recipe
from benchmark.screen import SPREAD, Screen
from benchmark.stack import Stack
from defenses.controls import Undefended
from defenses.filters import Filter
from defenses.interpolation import Linear
from defenses.limit import QueryLimit
from defenses.noise import Noise

SHAPE = (1, 8, 8)
IMAGES = blobs(60)


class Halved(Defense):
    """Halves latents and images, and can be told apart from what does not."""

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return target.prior(n, rng) / 2

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return x / 2


class Asking(Defense):
    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return target.prior(n, rng) * target.sample(1, rng).float().mean()


class Spoiling(Halved):
    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return x * float("nan")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def screen(defense: Defense | None = None) -> Screen:
    return Screen(4, SHAPE, defense)


def same(a: Trained, b: Trained) -> bool:
    weights = zip(a.generator.network.state_dict().values(), b.generator.network.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in weights) and [p.score for p in a.history] == [p.score for p in b.history]


@pytest.mark.parametrize("defense", [None, Undefended(), QueryLimit(), Stack((QueryLimit(), Undefended()))], ids=repr)
def test_where_nothing_is_changed_the_screen_is_open(defense: Defense | None) -> None:
    x = torch.randn(5, *SHAPE, requires_grad=True)
    rng = generator()
    assert screen(defense).images(x, rng) is x
    assert screen(defense).answers(IMAGES, rng) is IMAGES
    assert torch.equal(rng.get_state(), generator().get_state())
    assert torch.equal(screen(defense).latents(7, rng), torch.randn(7, 4, generator=generator()))


def test_images_are_judged_as_the_defense_leaves_them() -> None:
    x = torch.rand(5, *SHAPE, generator=generator()) * 2 - 1
    torch.testing.assert_close(screen(Halved()).images(x, generator()), x / 2 - 0.5)
    assert torch.equal(screen(Halved()).answers(IMAGES, generator()), Halved().answer(IMAGES, generator()))
    assert torch.equal(screen(Noise()).answers(IMAGES, generator()), Noise().answer(IMAGES, generator()))


def test_values_out_of_range_are_measured_as_its_ends_and_led_back() -> None:
    x = torch.tensor([-3.0, 3.0]).view(2, 1, 1, 1).requires_grad_()
    shown = screen(Halved()).images(x, generator())
    assert shown.flatten().tolist() == [-1.0, 0.0]
    (gradient,) = torch.autograd.grad(shown.sum(), x)
    assert gradient.ne(0).all()


def test_a_generator_that_diverged_is_not_the_fault_of_the_defense() -> None:
    x = torch.full((2, *SHAPE), float("nan"))
    assert screen(Filter()).images(x, generator()) is x
    pair = AdversarialPair(Recipe(latent_dim=4), SHAPE, 0, generator(), screen(Filter()))
    next(pair.g.parameters()).data.fill_(float("nan"))
    assert math.isnan(pair.advance(torch.ones(4, *SHAPE))[1])
    with pytest.raises(PluginError, match="Spoiling.measurement"):
        screen(Spoiling()).images(torch.zeros(2, *SHAPE), generator())


def test_latents_are_those_of_the_defense_in_no_order() -> None:
    z = screen(Halved()).latents(2000, generator())
    assert z.std() == pytest.approx(0.5, rel=0.05)
    steps = 5
    between = screen(Linear(steps)).latents(1000, generator())
    whole = Linear(steps).latents(SPREAD * 1000, _prior(), generator())
    rows = {row.numpy().tobytes(): number for number, row in enumerate(whole)}
    numbers = [rows[row.numpy().tobytes()] for row in between]
    assert len(set(numbers)) == 1000
    # Of 16 times as many, drawn in runs of 5: neighbours of one run in a row are as rare as chance has it.
    runs = torch.tensor(numbers) // steps
    assert (runs.diff() == 0).float().mean() < 0.02


def _prior() -> Target:
    class Prior(Target):
        latent_dim = 4

        def generate(self, z: Tensor) -> Tensor:
            raise NotImplementedError

    return Prior()


def test_styles_are_mixed_of_latents_as_the_defense_draws_them(
    tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(tiny_recipe, generator="stylegan2", latent_dim=4, style_mixing=1.0)
    pair = AdversarialPair(recipe, SHAPE, 0, generator(), screen(Halved()))
    mapped: list[Tensor] = []
    styles = pair.g.styles
    monkeypatch.setattr(pair.g, "styles", lambda z: mapped.append(z) or styles(z))
    pair.generated(500)
    assert [len(z) for z in mapped] == [500, 500]
    assert all(z.std() == pytest.approx(0.5, rel=0.1) for z in mapped)


def test_latents_that_need_the_targets_images_have_to_be_restated() -> None:
    with pytest.raises(PluginError, match="override restate"):
        screen(Asking()).latents(3, generator())


def test_the_discriminator_sees_defended_images_and_the_generator_is_released_without(
    pixels: FeatureExtractor, tiny_recipe: Recipe
) -> None:
    rng = generator()
    pair = AdversarialPair(tiny_recipe, SHAPE, 0, rng, screen(Halved()))
    seen = []
    pair.d.register_forward_hook(lambda module, given, result: seen.append(given[0].detach()))
    pair.advance(torch.ones(4, *SHAPE))
    # Of the halves of [-1, 1], none is above 0; the real images stay as they are.
    assert all(batch[-4:].max() <= 0 for batch in seen)
    assert bool((seen[0][:4] == 1).all())
    trained = train(IMAGES, tiny_recipe, 0, pixels, defense=Halved())
    assert trained.generator.sample(100, generator()).max() > 128


def test_defended_images_are_as_coarse_as_the_generator(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, generator="pggan", discriminator="pggan", growth=1.0)
    pair = AdversarialPair(recipe, SHAPE, 0, generator(), screen(Noise(0.5)))
    pair.grow(torch.zeros(4, *SHAPE))
    shown = pair.generated(4)
    torch.testing.assert_close(shown, at_level(shown, 0.0))


@pytest.mark.parametrize("killed_after", [3, 6])
def test_a_training_through_a_defense_is_resumed_to_the_bit(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path, killed_after: int
) -> None:
    recipe = replace(tiny_recipe, steps=8, score_every=2)
    defense = Stack((Linear(3), Noise()))
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, recipe, 1, pixels, defense=defense, work=tmp_path, reporter=Kill(killed_after))
    resumed = train(IMAGES, recipe, 1, pixels, defense=defense, work=tmp_path)
    assert same(resumed, train(IMAGES, recipe, 1, pixels, defense=defense))
    assert not same(resumed, train(IMAGES, recipe, 1, pixels))


def test_a_checkpoint_of_another_defense_is_refused(
    pixels: FeatureExtractor, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    train(IMAGES, tiny_recipe, 1, pixels, defense=Noise(0.1), work=tmp_path)
    with pytest.raises(DataError, match="another training"):
        train(IMAGES, tiny_recipe, 1, pixels, defense=Noise(0.2), work=tmp_path)


def test_checkpoints_are_scored_by_defended_images(
    pixels: FeatureExtractor, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A generator that makes what the answers were made of is as near to them as answers are to answers.
    clean = blobs(4000, seed=1)
    answers = Noise(0.5).answer(blobs(4000, seed=2), generator())
    monkeypatch.setattr("benchmark.gan.Generative.generate", lambda self, z: clean[: len(z)])
    recipe = replace(tiny_recipe, score_images=400)
    through = train(answers, recipe, 0, pixels, defense=Noise(0.5))
    naive = train(answers, recipe, 0, pixels)
    assert through.best.score < naive.best.score / 2
