"""The contracts: what a target, a defense, an attack, an attack model and a feature extractor are.

Two image formats only. Between components: ``uint8`` NCHW, what an API returns. Inside a defense: ``float32`` NCHW in
[0, 1], unless it works on 8 bits by nature. The base classes own the passage between them, and every check; an author
writes the one method that matters. Randomness is an explicit ``torch.Generator``; nothing seeds a global.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from benchmark.data.images import ImageSet
from benchmark.errors import PluginError
from benchmark.images import ImageShape, all_finite, check_images, to_float, to_uint8
from benchmark.oracle import Oracle
from benchmark.plugin import Plugin, parameter
from benchmark.recipe import Recipe

__all__ = [
    "Attack",
    "Defense",
    "FeatureExtractor",
    "ImageModel",
    "ImageShape",
    "Knowledge",
    "Plugin",
    "Provider",
    "Recipe",
    "Target",
    "ThreatModel",
    "Trainer",
    "Uint8Defense",
    "parameter",
    "to_float",
    "to_uint8",
]
"""All that an author of plugins needs."""


@runtime_checkable
class ImageModel(Protocol):
    """Anything that images can be drawn from: a target, or the attack model that was made of its answers."""

    @property
    def image_shape(self) -> ImageShape:
        """Shape of one image."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` images, uint8 (n, C, H, W)."""


class Target(ABC):
    """The generator that is served: a prior over latents, and a map from latents to images."""

    latent_dim: int
    image_shape: ImageShape

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        """Latents float32 (n, latent_dim) from the distribution that the target answers from; standard normal here."""
        return torch.randn(n, self.latent_dim, generator=rng)

    @abstractmethod
    def generate(self, z: Tensor) -> Tensor:
        """Latents float32 (n, latent_dim) -> images uint8 (n, C, H, W)."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` undefended images, uint8 (n, C, H, W)."""
        return self.generate(self.prior(n, rng))

    def projection(self) -> Tensor:
        """Weights float32 (m, latent_dim) of the layer that takes the latent. Optional.

        Raises:
            PluginError: this target does not show them.
        """
        raise PluginError(f"{type(self).__name__} does not show its first layer; pick a defense that needs none of it")

    def discriminator(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) -> logits float32 (n,), high for real. Optional.

        Raises:
            PluginError: this target has no discriminator.
        """
        raise PluginError(f"{type(self).__name__} has no discriminator; pick an attack that needs none")


class Provider(Protocol):
    """What whoever serves a target has, for a defense to be made ready with."""

    @property
    def target(self) -> Target:
        """The target."""

    @property
    def training_set(self) -> ImageSet:
        """The target's training set, whole, with classes and attributes where it has them; loaded when asked for."""

    def scores(self, images: Tensor, trait: str) -> Tensor:
        """Images uint8 (n, C, H, W) -> log-odds float32 (n,) of showing a class or attribute of the training set.

        Raises:
            UsageError: the training set has no such trait, or too few images that show it or do not.
        """

    def kept(self, defense: Defense, key: Mapping[str, Any], make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """A tensor that is made once for the target, and stored.

        Args:
            defense: what it is for; its source is part of what the tensor is stored under, as is all that the provider
                has.
            key: what else determines it, as JSON.
            make: makes it, drawing its randomness from the generator it is given.
        """


class Defense(Plugin):
    """What stands between the target and its users. Override :meth:`latents`, :meth:`perturb`, :meth:`limit`, or more.

    A subclass is a frozen dataclass; its fields are its hyperparameters. One that must know its target overrides
    :meth:`prepare`.
    """

    strength: ClassVar[str] = ""
    """Name of the field that is swept from weak to strong (or strong to weak); empty if there is none."""

    def prepare(self, provider: Provider) -> Defense:
        """The defense made ready for one target, which answers in its place; itself by default."""
        return self

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """The latents that ``n`` answers come from, float32 (n, latent_dim); the target's prior by default."""
        return target.prior(n, rng)

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Images float32 (n, C, H, W) in [0, 1] -> the images handed over, of the same shape; unchanged by default."""
        return x

    def limit(self, requested: int) -> int:
        """How many of the ``requested`` images are handed over; all by default. No fewer where more are requested."""
        return requested

    def granted(self, requested: int) -> int:
        """:meth:`limit`, checked.

        Raises:
            PluginError: ``limit`` returned anything but an integer from 0 to ``requested``.
        """
        granted = self.limit(requested)
        if type(granted) is not int or not 0 <= granted <= requested:
            raise PluginError(
                f"{type(self).__name__}.limit returned {granted!r}, but must return an integer from 0 to {requested}"
            )
        return granted

    def drawn(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """:meth:`latents`, checked.

        Raises:
            PluginError: ``latents`` returned nothing, another shape or dtype, or values that are not finite.
        """
        name = type(self).__name__
        z = self.latents(n, target, rng)
        if not isinstance(z, Tensor):
            raise PluginError(f"{name}.latents returned {type(z).__name__}, but must return a tensor of latents")
        if z.shape != (n, target.latent_dim) or z.dtype != torch.float32 or not all_finite(z):
            raise PluginError(
                f"{name}.latents returned {z.dtype} of shape {tuple(z.shape)}, "
                f"but must return finite torch.float32 of shape {(n, target.latent_dim)}"
            )
        return z

    def undefended(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """What the target makes of this defense's latents, uint8 (n, C, H, W).

        Raises:
            PluginError: the latents or the target's images are not what they must be.
        """
        images = target.generate(self.drawn(n, target, rng))
        return check_images(images, (n, *target.image_shape), f"{type(target).__name__}.generate")

    def answer(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Undefended images uint8 (n, C, H, W) -> answers, uint8 of the same shape: :meth:`perturb`, checked.

        Raises:
            PluginError: ``perturb`` returned nothing, another shape or dtype, or values that are not finite.
        """
        name = type(self).__name__
        x = self.perturb(to_float(images), rng)
        if not isinstance(x, Tensor):
            raise PluginError(f"{name}.perturb returned {type(x).__name__}, but must return a tensor of images")
        if x.shape != images.shape:
            raise PluginError(f"{name}.perturb returned shape {tuple(x.shape)}, but was given {tuple(images.shape)}")
        if x.dtype != torch.float32:
            raise PluginError(f"{name}.perturb returned {x.dtype}, but must return torch.float32 in [0, 1]")
        if not all_finite(x):
            raise PluginError(f"{name}.perturb returned values that are not finite (NaN or infinity)")
        return to_uint8(x)


class Uint8Defense(Defense):
    """A defense that works on 8-bit images by nature, as file formats do. Override :meth:`perturb_uint8`.

    It is spared the way through floats, which may cost more than what it does; :meth:`perturb` follows from it.
    """

    @abstractmethod
    def perturb_uint8(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Images uint8 (n, C, H, W), not to be written to -> the images handed over, uint8 of the same shape."""

    def perturb(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Images float32 (n, C, H, W) in [0, 1], rounded to 256 levels -> :meth:`perturb_uint8` of them, as float32."""
        return to_float(self.perturb_uint8(to_uint8(x), rng))

    def answer(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Undefended images uint8 (n, C, H, W) -> answers, uint8 of the same shape: :meth:`perturb_uint8`, checked.

        Raises:
            PluginError: ``perturb_uint8`` returned nothing, or another shape or dtype.
        """
        answers = self.perturb_uint8(images, rng)
        return check_images(answers, tuple(images.shape), f"{type(self).__name__}.perturb_uint8")


class Trainer(Protocol):
    """The shared training loop, bound to everything but what an attack decides."""

    def __call__(self, images: Tensor, recipe: Recipe, rng: torch.Generator) -> ImageModel:
        """The attack model, trained on uint8 (n, C, H, W)."""


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker is granted besides the answers: this, and nothing else."""

    discriminator: bool = False
    """The target's discriminator."""
    real_share: float = 0.0
    """A share of the target's training set, 0 to 1."""

    def __str__(self) -> str:
        """In words, as it stands in the board's column ``knowledge``."""
        real = f"{100 * self.real_share:g}% of the training set"
        granted = [("discriminator", self.discriminator), (real, self.real_share > 0)]
        return ", ".join(["answers", *(words for words, given in granted if given)])


def _not_granted(images: Tensor) -> Tensor:
    raise PluginError("the attack uses the target's discriminator, but its threat model does not ask for it")


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
    diagnostics: dict[str, float] = field(default_factory=dict)
    """What was reported so far."""

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


class FeatureExtractor(ABC):
    """A fixed network that images are compared under."""

    name: str
    dim: int

    @property
    @abstractmethod
    def weights_hash(self) -> str:
        """SHA-256 (hex) of the weights, so that rows of different weights are never put side by side."""

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Images uint8 (n, C, H, W) of 1 or 3 channels -> features float32 (n, dim)."""
