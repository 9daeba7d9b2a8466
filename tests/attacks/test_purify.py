"""Purification: what it restores with, and what it trains on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from blobs import blobs
from torch import Tensor

from attacks.purify import Purify
from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Knowledge
from benchmark.metrics import psnr
from benchmark.oracle import Oracle
from benchmark.recipe import Recipe
from defenses.controls import Undefended
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Theft:
    """The attack on blobs behind a defense, done without a training: what it would have trained on."""

    def __init__(self, attack: Purify, defense: Defense, real: int = 100) -> None:
        self.clean = blobs(40, side=16, seed=1)
        answers = defense.answer(self.clean, generator(1))
        self.before = psnr(answers, self.clean)
        shown = blobs(real, side=16, seed=2)
        self.knowledge = Knowledge((1, 16, 16), Recipe(), self.train, shown, known_defense=defense)
        self.images = torch.empty(0)
        attack.fit(Oracle(answers, 40), self.knowledge, generator())

    def train(self, images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None) -> None:
        self.images = images

    @property
    def gain(self) -> float:
        """Of the answers, in dB, which the attacker cannot know."""
        return psnr(self.images[:40], self.clean) - self.before


@pytest.mark.parametrize("defense", [Noise(0.2), Filter("gaussian", 7), Jpeg(10)])
def test_with_real_images_answers_come_back_nearer_to_what_they_were(defense: Defense) -> None:
    theft = Theft(Purify(restorer_steps=20), defense)
    told = max(theft.knowledge.diagnostics.values())
    assert theft.gain == pytest.approx(told, abs=0.5)
    assert theft.gain > 1
    assert torch.equal(theft.images[40:], theft.knowledge.real_images)


@pytest.mark.parametrize(("defense", "restorer"), [(Noise(0.2), "denoise"), (Filter("gaussian", 5), "deblur")])
def test_without_them_each_damage_has_its_restorer(defense: Defense, restorer: str) -> None:
    theft = Theft(Purify(share=0.0, restorer=restorer), defense, real=0)
    assert set(theft.knowledge.diagnostics) == {f"psnr_gain_{restorer}"}
    assert theft.gain > 0.3
    assert len(theft.images) == 40


def test_blocks_are_smoothed_a_little_at_best() -> None:
    for quality in (30, 50):
        assert Theft(Purify(share=0.0, restorer="deblock"), Jpeg(quality), real=0).gain > 0.05


@pytest.mark.parametrize("defense", [Undefended(), QueryLimit(), Noise(0.0)])
def test_what_is_not_changed_is_not_restored(defense: Defense) -> None:
    theft = Theft(Purify(), defense)
    assert torch.equal(theft.images[:40], theft.clean)
    assert theft.knowledge.diagnostics == {}


def test_what_would_be_made_worse_stays_as_it_is() -> None:
    theft = Theft(Purify(restorer="deblock"), Noise(0.1))
    assert theft.knowledge.diagnostics["psnr_gain_deblock"] < 0
    assert torch.equal(theft.images[:40], Noise(0.1).answer(theft.clean, generator(1)))


def test_the_same_seed_restores_the_same() -> None:
    first, second = (Theft(Purify(restorer_steps=5), Noise(0.2), real=20) for _ in range(2))
    assert torch.equal(first.images, second.images)


def test_it_restores_what_a_defense_does_as_the_attacker_states_it() -> None:
    @dataclass(frozen=True)
    class Unprepared(Defense):
        def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
            raise AssertionError("not made ready")

        def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
            return Noise(0.2)

    defense = Unprepared()
    knowledge = Knowledge((1, 16, 16), Recipe(), None, blobs(30, side=16), known_defense=defense)
    assert Purify(restorer="denoise").restore(knowledge, generator()) is not None


def test_it_asks_for_what_it_uses() -> None:
    assert str(Purify().threat_model) == "answers, the defense, 10% of the training set"
    assert str(Purify(share=0.0).threat_model) == "answers, the defense"
    with pytest.raises(UsageError, match="0.1 is 1 real images; 2 are needed"):
        Theft(Purify(), Noise(0.1), real=1)
