"""Purification: what it restores with, and what it trains on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from blobs import blobs
from theft import Theft
from torch import Tensor

from attacks import purify
from attacks.purify import Purify
from attacks.restoration import Damage, Restorer, network
from benchmark.errors import UsageError
from benchmark.interfaces import Defense, Knowledge
from benchmark.metrics import psnr
from benchmark.oracle import Oracle
from benchmark.progress import Reporter
from benchmark.recipe import Recipe
from defenses.controls import Undefended
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.limit import QueryLimit
from defenses.noise import Noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Purified(Theft):
    """The attack on blobs behind a defense."""

    def __init__(self, attack: Purify, defense: Defense, real: int = 100, seed: int = 0) -> None:
        self.clean = blobs(40, side=16, seed=1)
        self.answers = defense.answer(self.clean, generator(1))
        super().__init__(attack, self.answers, blobs(real, side=16, seed=2), seed=seed, known_defense=defense)

    @property
    def gain(self) -> float:
        """Of the answers, in dB, which the attacker cannot know."""
        return psnr(self.refined, self.clean) - psnr(self.answers, self.clean)


@pytest.mark.parametrize("defense", [Noise(0.2), Filter("gaussian", 7), Jpeg(10)])
def test_with_real_images_answers_come_back_nearer_to_what_they_were(defense: Defense) -> None:
    theft = Purified(Purify(restorer_steps=20), defense)
    told = max(theft.knowledge.diagnostics.values())
    assert theft.gain == pytest.approx(told, abs=0.5)
    assert theft.gain > 1
    assert torch.equal(theft.images[40:], theft.knowledge.real_images)


@pytest.mark.parametrize(("defense", "restorer"), [(Noise(0.2), "denoise"), (Filter("gaussian", 5), "deblur")])
def test_without_them_each_damage_has_its_restorer(defense: Defense, restorer: str) -> None:
    theft = Purified(Purify(share=0.0, restorer=restorer), defense, real=0)
    assert set(theft.knowledge.diagnostics) == {f"psnr_gain_{restorer}"}
    assert theft.gain > 0.3
    assert len(theft.images) == 40


def test_blocks_are_smoothed_a_little_at_best() -> None:
    for quality in (30, 50):
        assert Purified(Purify(share=0.0, restorer="deblock"), Jpeg(quality), real=0).gain > 0.05


@pytest.mark.parametrize("defense", [Undefended(), QueryLimit(), Noise(0.0)])
def test_what_is_not_changed_is_not_restored(defense: Defense) -> None:
    theft = Purified(Purify(), defense)
    assert torch.equal(theft.images[:40], theft.clean)
    assert theft.knowledge.diagnostics == {}


def test_what_would_be_made_worse_stays_as_it_is() -> None:
    theft = Purified(Purify(restorer="deblock"), Noise(0.1))
    assert theft.knowledge.diagnostics["psnr_gain_deblock"] < 0
    assert torch.equal(theft.images[:40], Noise(0.1).answer(theft.clean, generator(1)))


def test_the_same_seed_restores_the_same() -> None:
    first, second = (Purified(Purify(restorer_steps=5), Noise(0.2), real=20) for _ in range(2))
    assert torch.equal(first.images, second.images)


def test_another_seed_restores_otherwise() -> None:
    # The filter draws nothing, so that only the network can differ.
    attack, defense = Purify(restorer="network", restorer_steps=20), Filter("gaussian", 7)
    first, second = (Purified(attack, defense, 20, seed) for seed in range(2))
    assert min(theft.knowledge.diagnostics["psnr_gain_network"] for theft in (first, second)) > 0
    assert not torch.equal(first.refined, second.refined)
    assert not torch.equal(first.state, second.state)


def test_another_seed_begins_with_other_weights() -> None:
    # Of a single pair of the size of a patch there is nothing else to draw.
    clean = blobs(1, side=16)
    damage = Damage(clean, Filter("gaussian", 7).answer(clean, generator()), lambda images: images)
    first, second = (network(damage, 5, generator(seed), Reporter())(damage.defended) for seed in range(2))
    assert not torch.equal(first, second)


class Shown:
    """What restorers were shown, in the place of those that there are: to learn from, and to be tried on."""

    KINDS = ("denoiser", "deblurrer", "deblocker", "network")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.learnt: dict[str, set[bytes]] = {}
        self.tried: dict[str, set[bytes]] = {}
        for kind in self.KINDS:
            monkeypatch.setattr(purify, kind, partial(self.made, kind))

    def made(self, kind: str, damage: Damage, *_: object) -> Restorer:
        assert torch.equal(damage.defended, 255 - damage.clean), "pairs are of one image each"
        self.learnt[kind] = as_set(damage.clean)

        def restorer(images: Tensor) -> Tensor:
            self.tried[kind] = as_set(255 - images)
            return images

        return restorer


def as_set(images: Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


@dataclass(frozen=True)
class Inverted(Defense):
    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return 1 - x


@pytest.mark.parametrize(("real", "held_out"), [(2, 1), (30, 3), (1500, 100), (0, 4)])
def test_no_restorer_is_tried_on_an_image_that_one_learnt_from(
    monkeypatch: pytest.MonkeyPatch, real: int, held_out: int
) -> None:
    shown = Shown(monkeypatch)
    monkeypatch.setattr(purify, "LEAVES", 40)
    images = torch.randint(256, (real, 1, 8, 8), dtype=torch.uint8, generator=generator())
    knowledge = Knowledge((1, 8, 8), Recipe(), None, images, known_defense=Inverted())
    Purify(share=0.1 if real else 0.0).restore(knowledge, (), generator())
    assert shown.tried.keys() == shown.learnt.keys() == set(Shown.KINDS)
    for kind in Shown.KINDS:
        assert len(shown.tried[kind]) == held_out
        assert shown.learnt[kind]
        assert not shown.tried[kind] & set.union(*shown.learnt.values())
    assert len(shown.learnt["network"]) == (real or 40) - held_out


def test_it_restores_what_a_defense_does_as_the_attacker_states_it() -> None:
    @dataclass(frozen=True)
    class Unprepared(Defense):
        def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
            raise AssertionError("not made ready")

        def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
            return Noise(0.2)

    defense = Unprepared()
    knowledge = Knowledge((1, 16, 16), Recipe(), None, blobs(30, side=16), known_defense=defense)
    assert Purify(restorer="denoise").restore(knowledge, (), generator()) is not None


def test_pairs_are_defended_as_the_answers_were(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    @dataclass(frozen=True)
    class Counting(Noise):
        def toward(self, handed: int) -> Defense:
            told.append(handed)
            return self

    defense = Counting(0.2)
    images = blobs(2000, side=16)
    knowledge = Knowledge((1, 16, 16), Recipe(), lambda *given: None, images[:60], known_defense=defense)
    attack, oracle = Purify(restorer="denoise"), Oracle(images, 2000)
    attack.fit(oracle, knowledge, generator())
    assert sorted(set(told)) == sorted(set(attack.histories(defense, oracle))) == [0, 500, 1000, 1500]


def test_it_asks_for_what_it_uses() -> None:
    assert str(Purify().threat_model) == "answers, the defense, 10% of the training set"
    assert str(Purify(share=0.0).threat_model) == "answers, the defense"
    with pytest.raises(UsageError, match="0.1 is 1 real images; 2 are needed"):
        Purified(Purify(), Noise(0.1), real=1)
