"""Extraction through the defense: be like what the answers were before they were defended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from attacks.knowing import KnowingAttack
from benchmark.errors import UsageError
from benchmark.interfaces import Defense, ImageModel, Knowledge, Target, ThreatModel, parameter
from benchmark.oracle import Oracle
from benchmark.stack import Stack, members

CANDIDATES = 16
"""Strengths that a range is divided into, at most."""


@dataclass(frozen=True)
class Through(KnowingAttack):
    """Trains a GAN through the defense, which it knows: what is judged are defended images of its generator.

    The discriminator is shown measurement(G(z)) against the answers, z from the defense's latents, and G is handed over
    without any of it. Where no two distributions of images look the same through the defense, a G that passes for the
    answers is the undefended target. Source: Bora et al., "AmbientGAN: Generative models from lossy measurements", ICLR
    2018, section 3, lemma 5.1.

    With ``strength`` "drawn" the attacker knows all of the defense but its strength, of which he has a range: every
    batch is defended with one drawn from it. As the answers all have one, the answers of a range are not quite theirs,
    and the narrower it is the better. Sources: Kaneko and Harada, "Noise Robust Generative Adversarial Networks", CVPR
    2020 (arXiv 1911.11776), and "Blur, Noise, and Compression Robust Generative Adversarial Networks", CVPR 2021 (arXiv
    2003.07849), who learn or draw the parameters of noise, blur and compression.

    A defense that treats clients by what they were handed is drawn so too: as it was toward one of the answers.

    Real images, if a share of the training set is granted, are defended as the answers are and trained on with them.
    Where a defense changes latents, which real images have none of, they take a part in the answers that is not of
    their kind, for better (they come from the whole prior) or worse.

    Against a defense that changes neither latents nor images this is fidelity extraction, to the bit.

    Raises:
        UsageError: ``strength`` is "drawn", and ``low`` is not below ``high``.
    """

    share: float = parameter(0.0, "share of the training set that the attacker has", low=0, high=1)
    strength: str = parameter("known", "whether the strength is known, or drawn anew", choices=("known", "drawn"))
    low: float = parameter(0.0, "drawn only: the least value of the defense's strength", only={"strength": ("drawn",)})
    high: float = parameter(0.0, "drawn only: its greatest value", only={"strength": ("drawn",)})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strength == "drawn" and not self.low < self.high:
            raise UsageError(
                f"strength=drawn needs a range, but low is {self.low:g} and high {self.high:g}; set low below high"
            )

    @property
    def threat_model(self) -> ThreatModel:
        """The defense, with its strength unless that is drawn, and a share of the training set if one is wanted."""
        return ThreatModel(real_share=self.share, defense=True, strength=self.strength == "known")

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query all at once, and train on that, through the defense.

        Raises:
            UsageError: ``strength`` is "drawn", and the defense has none, or none in the range.
        """
        recipe, defense = self.recipe(knowledge), knowledge.defense
        if self.strength == "drawn":
            defense = _Uncertain(candidates(defense, self.low, self.high))
        defense = defense.restated(recipe.latent_dim, rng)
        histories = self.histories(knowledge.defense, oracle)
        images = oracle.query(oracle.remaining)
        if len(knowledge.real_images):
            images = torch.cat([images, self.defended(knowledge.real_images, defense, histories, rng)])
        screen = _Uncertain([defense.facing(handed) for handed in histories]) if histories else defense
        return knowledge.train(images, recipe, rng, screen)


class _Uncertain(Defense):
    """A defense that is one of several, each time it is used another, all equally likely."""

    def __init__(self, among: Sequence[Defense]) -> None:
        self._among = tuple(among)

    @property
    def parameters(self) -> dict[str, list[object]]:
        """Those of each."""
        return {"among": [defense.parameters for defense in self._among]}

    def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
        """All restated with the same randomness: they differ in strength, and in nothing else."""
        seed = int(torch.randint(2**31, (1,), generator=rng))
        return _Uncertain([one.restated(latent_dim, torch.Generator().manual_seed(seed)) for one in self._among])

    def toward(self, handed: int) -> Defense:
        """Each toward such a client."""
        return _Uncertain([one.facing(handed) for one in self._among])

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        return self._one(rng).drawn(n, target, rng)

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return self._one(rng).perturb(x, rng)

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return self._one(rng).measured(x, rng)

    def _one(self, rng: torch.Generator) -> Defense:
        return self._among[int(torch.randint(len(self._among), (1,), generator=rng))]


def candidates(defense: Defense, low: float, high: float) -> list[Defense]:
    """The defense at strengths spread evenly from ``low`` to ``high``; of a stack, its last member's.

    Raises:
        UsageError: it has no strength, or takes none of the range.
    """
    *others, last = members(defense)
    if not last.strength:
        raise UsageError(f"{type(last).__name__} has no strength that could be unknown; give strength=known")
    found = list(_at_strengths(last, low, high))
    if not found:
        raise UsageError(f"{type(last).__name__} takes no {last.strength} from {low:g} to {high:g}; give another range")
    spread = torch.linspace(0, len(found) - 1, min(CANDIDATES, len(found))).round().int().tolist()
    return [Stack((*others, found[index])) if others else found[index] for index in spread]


def _at_strengths(defense: Defense, low: float, high: float) -> Iterator[Defense]:
    """The defense at the strengths of a range that it takes; of whole numbers all, such as odd ones of a filter."""
    (limits,) = (field.metadata for field in fields(defense) if field.name == defense.strength)
    low, high = max(low, limits["low"]), min(high, limits["high"])
    if low > high:
        return
    whole = isinstance(defense.parameters[defense.strength], int)
    values = range(math.ceil(low), math.floor(high) + 1) if whole else torch.linspace(low, high, CANDIDATES).tolist()
    for value in values:
        with suppress(UsageError):
            yield replace(defense, **{defense.strength: value})
