"""Extraction through a defense, of targets whose distribution is known in closed form; and what the attacker knows."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from attacks.fidelity import Fidelity
from attacks.knowing import BATCH
from attacks.through import Through, _Uncertain, candidates
from attacks.training import TrainingAttack
from benchmark.errors import UsageError
from benchmark.gan import Generative, train
from benchmark.interfaces import Defense, FeatureExtractor, Knowledge, Target, to_uint8
from benchmark.oracle import Oracle
from benchmark.recipe import Recipe
from benchmark.registry import load
from benchmark.stack import Stack
from defenses.controls import Garbage, Undefended
from defenses.filters import Filter
from defenses.interpolation import Linear
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise
from defenses.rising import RisingNoise
from defenses.semantic import Semantic

SIDE = 8
SHAPE = (1, SIDE, SIDE)
NOTHING = torch.empty(0, *SHAPE, dtype=torch.uint8)

QUICK = Recipe(
    generator="dcgan",
    generator_width=8,
    discriminator="dcgan",
    discriminator_width=16,
    latent_dim=4,
    steps=500,
    batch=16,
    generator_rate=3e-3,
    discriminator_rate=3e-3,
    average=0.98,
    loss="logistic",
    r1=0.03,
    r1_every=4,
    score_every=100,
    score_images=200,
)
"""Enough for images of one dimension."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stolen(
    attack: TrainingAttack,
    answers: Tensor,
    defense: Defense,
    pixels: FeatureExtractor,
    recipe: Recipe = QUICK,
    real: Tensor = NOTHING,
) -> Generative:
    """The attack model of an attack on answers that came through a defense."""

    def bound(images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None) -> Generative:
        seed = int(torch.randint(2**31, (1,), generator=rng))
        return train(images, recipe, seed, pixels, defense=defense).generator

    knowledge = Knowledge(SHAPE, recipe, bound, real, known_defense=defense)
    model = attack.fit(Oracle(answers, len(answers)), knowledge, generator(3))
    assert isinstance(model, Generative)
    return model


def grounds(n: int) -> Tensor:
    """Images of one level each, which is normal."""
    return to_uint8((0.5 + 0.12 * torch.randn(n, 1, 1, 1, generator=generator(1))).expand(n, *SHAPE))


def levels(images: Tensor) -> Tensor:
    """Mean of each image, in [0, 1]."""
    return images.float().mean(dim=(1, 2, 3)) / 255


def grain(images: Tensor) -> float:
    """Variance within images, whose levels are in [0, 1]: sigma^2 of noisy ones, 0 of what they were before."""
    return float((images / 255).flatten(1).var(dim=1).mean())


def test_noise_is_taken_off_which_who_does_not_know_it_learns(pixels: FeatureExtractor) -> None:
    sigma = 0.15
    clean, defense = grounds(1500), Noise(sigma)
    answers = defense.answer(clean, generator(2))
    unsure = Through(strength="drawn", low=0.1, high=0.2)
    images = {
        attack: stolen(attack, answers, defense, pixels).sample(1000, generator())
        for attack in (Fidelity(), Through(), unsure)
    }

    # Noise of sigma added to a target without grain is all that answers differ by. It leaves the levels alone.
    assert grain(images[Fidelity()]) > 0.7 * sigma**2
    for knowing in (Through(), unsure):
        assert grain(images[knowing]) < 0.2 * sigma**2
        assert levels(images[knowing]).mean() == pytest.approx(float(levels(clean).mean()), abs=0.02)
        assert levels(images[knowing]).std() == pytest.approx(float(levels(clean).std()), rel=0.15)


def test_noise_that_rises_is_taken_off_too(pixels: FeatureExtractor) -> None:
    sigma, told = 0.15, range(0, 1500, BATCH)
    clean, defense = grounds(1500), RisingNoise(sigma, full=1000)
    answers = [defense.toward(each).answer(clean[each : each + BATCH], generator(each)) for each in told]
    naive, knowing = (
        stolen(attack, torch.cat(answers), defense, pixels).sample(1000, generator())
        for attack in (Fidelity(), Through())
    )
    added = sum((sigma * each / 1000) ** 2 for each in told) / len(told)
    assert grain(torch.cat(answers)) == pytest.approx(added, rel=0.05)
    assert grain(naive) > 0.7 * added
    assert grain(knowing) < 0.2 * added
    assert levels(knowing).std() == pytest.approx(float(levels(clean).std()), rel=0.15)


class Ground(Target):
    """Images of one level each, which is one latent's."""

    latent_dim = QUICK.latent_dim
    image_shape = SHAPE
    SPREAD = 0.15

    def generate(self, z: Tensor) -> Tensor:
        return to_uint8((0.5 + self.SPREAD * z[:, :1, None, None]).expand(len(z), *SHAPE))


def test_interpolated_latents_are_spread_again_as_who_does_not_know_does_not(pixels: FeatureExtractor) -> None:
    defense = Linear(steps=50)
    answers = Ground().generate(defense.drawn(3000, Ground(), generator(2)))
    # Between two normal latents, at a place drawn evenly, the variance is E[t^2 + (1 - t)^2] = 2/3 of theirs.
    shrunk = math.sqrt(2 / 3) * Ground.SPREAD
    assert levels(answers).std() == pytest.approx(shrunk, rel=0.05)
    naive, through = (
        float(levels(stolen(attack, answers, defense, pixels).sample(2000, generator())).std())
        for attack in (Fidelity(), Through())
    )
    assert naive < 1.07 * shrunk
    assert through == pytest.approx(Ground.SPREAD, rel=0.07)


FREQUENCY = math.pi * 4 / (SIDE - 1)
"""Of a cosine that edges which are mirrored prolong, so that smoothing changes its amplitude and nothing else."""


def waves(n: int) -> Tensor:
    """Images of one wave each, whose amplitude is normal."""
    wave = torch.cos(FREQUENCY * torch.arange(SIDE)).expand(SHAPE)
    return to_uint8(0.5 + 0.15 * torch.randn(n, 1, 1, 1, generator=generator(1)) * wave)


def amplitudes(images: Tensor) -> Tensor:
    wave = torch.cos(FREQUENCY * torch.arange(SIDE)).expand(SHAPE)
    return ((images / 255 - 0.5) * wave).sum(dim=(1, 2, 3)) / wave.square().sum()


def test_a_spectrum_is_restored_of_which_who_does_not_know_learns_what_is_left(pixels: FeatureExtractor) -> None:
    clean, defense = waves(1500), Filter(size=3)
    answers = defense.answer(clean, generator(2))
    # The transfer function of weights e, 1, e, normalised.
    e = math.exp(-1 / (2 * defense.sigma**2))
    kept = (1 + 2 * e * math.cos(FREQUENCY)) / (1 + 2 * e)
    assert float(amplitudes(answers).std() / amplitudes(clean).std()) == pytest.approx(kept, rel=0.02)
    naive, through = (
        float(amplitudes(stolen(attack, answers, defense, pixels).sample(1000, generator())).std())
        for attack in (Fidelity(), Through())
    )
    true = float(amplitudes(clean).std())
    assert naive < 1.1 * kept * true < 0.5 * true
    assert through == pytest.approx(true, rel=0.25)


TINY = Recipe(
    generator="dcgan", generator_width=8, discriminator_width=8, latent_dim=4, steps=2, batch=4, score_images=20
)


@pytest.mark.parametrize("defense", [Undefended(), QueryLimit()], ids=repr)
def test_where_there_is_nothing_to_train_through_it_is_fidelity_extraction(
    pixels: FeatureExtractor, defense: Defense
) -> None:
    weights = [
        stolen(attack, grounds(40), defense, pixels, TINY).network.state_dict() for attack in (Fidelity(), Through())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))


def told(attack: Through, defense: Defense, real: Tensor = NOTHING) -> tuple[Tensor, Recipe, Defense]:
    """What a training is given by the attack: images, recipe, and the defense to train through."""
    given = []
    knowledge = Knowledge(SHAPE, QUICK, lambda *told: given.append(told), real, known_defense=defense)  # type: ignore[arg-type]
    attack.fit(Oracle(grounds(40), 40), knowledge, generator())
    ((images, recipe, _, through),) = given
    return images, recipe, through


def test_real_images_are_defended_before_they_are_trained_on() -> None:
    class Inverted(Defense):
        def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
            return 1 - x

    images, _, _ = told(Through(share=0.1), Inverted(), grounds(10))
    assert torch.equal(images, torch.cat([grounds(40), 255 - grounds(10)]))


def test_it_asks_for_what_it_uses() -> None:
    assert str(Through().threat_model) == "answers, the defense"
    assert str(Through(share=0.1).threat_model) == "answers, the defense, 10% of the training set"
    drawn = Through(strength="drawn", low=0.1, high=0.2)
    assert str(drawn.threat_model) == "answers, the defense but its strength"
    together = load("attack", "best-of,members=[through,strength=drawn,low=0.1,high=0.2]+purify").threat_model
    assert str(together) == str(load("attack", "best-of,members=through+purify").threat_model)


def test_what_is_found_in_the_target_is_made_up_for() -> None:
    _, recipe, defense = told(Through(steps=9), Semantic(distance=2.0, edits=1))
    assert recipe.steps == 9
    assert defense.latents(1, _Prior(), generator()).norm() == pytest.approx(2.0, abs=1e-5)


class _Prior(Target):
    latent_dim = QUICK.latent_dim

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.zeros(n, self.latent_dim)

    def generate(self, z: Tensor) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("defense", "low", "high", "strengths"),
    [
        (Noise(), 0.0, 0.3, [0.02 * i for i in range(16)]),
        (Filter(), 3, 9, [3, 5, 7, 9]),
        (Filter(), 2.5, 4, [3]),
        (Linear(), 1, 4, [2, 3, 4]),
        (Stack((Noise(0.2), Jpeg())), 10, 12, [10, 11, 12]),
    ],
    ids=str,
)
def test_an_unknown_strength_is_one_of_those_that_the_defense_takes(
    defense: Defense, low: float, high: float, strengths: list[float]
) -> None:
    found = candidates(defense, low, high)
    last = [each.members[-1] if isinstance(each, Stack) else each for each in found]
    assert [each.parameters[each.strength] for each in last] == pytest.approx(strengths)
    if isinstance(defense, Stack):
        assert {each.members[0] for each in found} == {Noise(0.2)}  # type: ignore[attr-defined]


def test_of_many_whole_strengths_some_are_taken_from_end_to_end() -> None:
    qualities = [each.quality for each in candidates(Jpeg(), 1, 100)]  # type: ignore[attr-defined]
    assert len(qualities) == 16
    assert (qualities[0], qualities[-1]) == (1, 100)


def test_of_a_wide_range_only_what_the_defense_takes_is_tried() -> None:
    sizes = [each.size for each in candidates(Filter(), 0, 1e15)]  # type: ignore[attr-defined]
    assert sizes == list(range(3, 32, 2))
    sigmas = [each.sigma for each in candidates(Noise(), -5, 5)]  # type: ignore[attr-defined]
    assert sigmas == pytest.approx(torch.linspace(0, 1, 16).tolist())


def test_an_unknown_strength_is_drawn_for_every_batch() -> None:
    _, _, defense = told(Through(strength="drawn", low=0.1, high=0.4), Noise(0.9))
    gray, rng = torch.full((1, 1, 64, 64), 0.5), generator()
    spreads = torch.stack([defense.measured(gray, rng).std() for _ in range(60)])
    assert 0.08 < spreads.min() < 0.15
    assert 0.28 < spreads.max() < 0.42
    again = told(Through(strength="drawn", low=0.1, high=0.4), Noise(0.2))[2]
    assert torch.equal(defense.measured(gray, generator()), again.measured(gray, generator()))


@pytest.mark.parametrize(("handed", "least", "most"), [(0, 0.0, 0.0), (2000, 0.08, 0.42)])
def test_of_unknown_strength_too_it_is_that_toward_a_client(handed: int, least: float, most: float) -> None:
    defense = _Uncertain(candidates(RisingNoise(0.9, full=2000), 0.1, 0.4))
    gray, rng = torch.full((1, 1, 64, 64), 0.5), generator()
    spreads = torch.stack([defense.facing(handed).measured(gray, rng).std() for _ in range(20)])
    assert least <= spreads.min() <= spreads.max() <= most


def test_defenses_of_unknown_strength_differ_in_nothing_else() -> None:
    _, _, defense = told(Through(strength="drawn", low=1, high=4), Semantic(edits=1))
    rng = generator()
    moves = torch.cat([defense.latents(1, _Prior(), rng) for _ in range(10)])
    assert torch.linalg.matrix_rank(moves, tol=1e-4) == 1


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (lambda: Through(strength="drawn"), "needs a range, but low is 0 and high 0"),
        (lambda: candidates(Garbage(), 0, 1), "Garbage has no strength"),
        (lambda: candidates(Filter(), 3.5, 4.5), "Filter takes no size from 3.5 to 4.5"),
        (lambda: candidates(Noise(), 2, 3), "Noise takes no sigma from 2 to 3"),
    ],
)
def test_a_strength_that_cannot_be_unknown_is_refused(attack: Callable[[], object], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        attack()
    assert "\n" not in str(caught.value)
