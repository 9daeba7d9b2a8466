"""What a defense is, and what it may know of the target it defends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from benchmark.data.images import ImageSet
from benchmark.errors import PluginError
from benchmark.images import all_finite, check_images, to_float, to_uint8
from benchmark.interfaces.models import Target
from benchmark.plugin import Plugin


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

    def ready(self, provider: Provider) -> Defense:
        """:meth:`prepare`, checked.

        Raises:
            PluginError: ``prepare`` returned anything but a defense.
        """
        prepared = self.prepare(provider)
        if not isinstance(prepared, Defense):
            raise PluginError(
                f"{type(self).__name__}.prepare returned {type(prepared).__name__}, but must return a defense"
            )
        return prepared

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
