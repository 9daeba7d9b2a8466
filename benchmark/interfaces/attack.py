"""What an attack is, and what it is granted."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.images import ImageShape
from benchmark.interfaces.defense import Defense
from benchmark.interfaces.models import ImageModel
from benchmark.oracle import Oracle
from benchmark.plugin import Plugin
from benchmark.progress import Reporter
from benchmark.recipe import Recipe


class Trainer(Protocol):
    """The shared training loop, bound to everything but what an attack decides."""

    def __call__(
        self, images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None
    ) -> ImageModel:
        """The attack model, trained on uint8 (n, C, H, W); trained through a defense, if one is given."""


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker is granted besides the answers: this, and nothing else."""

    discriminator: bool = False
    """The target's discriminator."""
    real_share: float = 0.0
    """A share of the target's training set, 0 to 1."""
    defense: bool = False
    """The defense, as its spec says; not what it found out about the target."""
    strength: bool = True
    """Of a granted defense: its strength too. Without it he is handed it all the same, and must not make use of it."""
    clients: int = 1
    """Users that he poses as, at least 1: what a defense limits, it limits for each."""

    def __str__(self) -> str:
        """In words, as it stands in the board's column ``knowledge``."""
        real = f"{100 * self.real_share:g}% of the training set"
        granted = [
            ("the defense" if self.strength else "the defense but its strength", self.defense),
            ("discriminator", self.discriminator),
            (real, self.real_share > 0),
            (f"{self.clients} clients", self.clients > 1),
        ]
        return ", ".join(["answers", *(words for words, given in granted if given)])


def _not_granted(images: Tensor) -> Tensor:
    raise PluginError("the attack uses the target's discriminator, but its threat model does not ask for it")


def _no_features(images: Tensor) -> Tensor:
    raise PluginError("the attack uses features, but its knowledge was made without; give them as features=")


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the attacker has besides the oracle: public means, and what its threat model grants."""

    image_shape: ImageShape
    recipe: Recipe
    """The track's training recipe for attack models."""
    train: Trainer
    """The shared training loop, bound to this cell's store and progress, so that an attack resumes after a kill."""
    real_images: Tensor
    """The granted share of the target's training set, uint8 (m, C, H, W); m is 0 if none is granted."""
    discriminator: Callable[[Tensor], Tensor] = _not_granted
    """The target's: images uint8 (n, C, H, W) -> logits float32 (n,), high for real. An error if it is not granted."""
    known_defense: Defense | None = None
    """What :attr:`defense` is, if it is granted."""
    features: Callable[[Tensor], Tensor] = _no_features
    """A public network's, the one that the track compares images under: uint8 (n, C, H, W) -> float32 (n, dim)."""
    reporter: Reporter = field(default_factory=Reporter)
    """Where long work reports; silent by default."""
    diagnostics: dict[str, float] = field(default_factory=dict)
    """What was reported so far."""

    @property
    def defense(self) -> Defense:
        """The defense that the answers came through, before it was made ready for the target.

        Raises:
            PluginError: it is not granted.
        """
        if self.known_defense is None:
            raise PluginError("the attack uses the defense, but its threat model does not ask for it")
        return self.known_defense

    def limited_to(self, model: ThreatModel, granted: float) -> Knowledge:
        """No more of this than a threat model asks for, with diagnostics of its own.

        Args:
            model: of an attack that is a part of the one that was granted this.
            granted: the share of the training set that the real images are, at least the model's.
        """
        count = round(len(self.real_images) * model.real_share / granted) if granted else 0
        return replace(
            self,
            real_images=self.real_images[:count],
            discriminator=self.discriminator if model.discriminator else _not_granted,
            known_defense=self.known_defense if model.defense else None,
            diagnostics={},
        )

    def report(self, name: str, value: float) -> None:
        """Put a number that tells how the attack went, such as an acceptance rate, into the record.

        Raises:
            PluginError: it is not finite.
        """
        if not math.isfinite(value):
            raise PluginError(f"the attack reported {value} as its {name}, but it must be a finite number")
        self.diagnostics[name] = float(value)


class Attack(Plugin):
    """A thief. A subclass is a frozen dataclass; its fields are its hyperparameters."""

    @property
    def threat_model(self) -> ThreatModel:
        """What it needs to be granted besides the answers; nothing by default."""
        return ThreatModel()

    def queries(self, budget: int) -> int:
        """Images that it may be handed on a budget: so many, unless it counts another way, which becomes a flag."""
        return budget

    @abstractmethod
    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Spend the oracle's budget, train, and return the attack model."""
