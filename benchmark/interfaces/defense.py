"""What a defense is, and what it may know of the target it defends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from benchmark.data.images import ImageSet
from benchmark.errors import PluginError
from benchmark.images import all_finite, check_floats, check_images, straight_through, to_float, to_uint8
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

    All that is known of a client is how many images he asked for (:meth:`limit`) and was handed (:meth:`toward`), as
    queries say nothing else.

    A subclass is a frozen dataclass; its fields are its hyperparameters. One that must know its target overrides
    :meth:`prepare`, and with it :meth:`restate`. One that a straight-through gradient does not do justice to overrides
    :meth:`measurement`, so that it is measured against the attacker who knows it at his best.
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
        """How many of the ``requested`` images one client is handed; all by default. No fewer where more are requested.

        ``requested`` is what the client has asked for so far: the state that is kept of each.
        """
        return requested

    def toward(self, handed: int) -> Defense:
        """The defense toward a client who was handed so many images before; itself by default, whoever asks.

        Asked for every batch of answers, of the defense made ready. What it returns may change only what the class
        itself overrides: latents, images, or both.
        """
        return self

    def measurement(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """What :meth:`perturb` does, stated so that an attacker can train through it.

        By default the value of :meth:`perturb` with the gradient of the identity ("straight-through").

        Args:
            x: images float32 (n, C, H, W) in [0, 1], of any levels, on any device.
            rng: as for :meth:`perturb`; on the processor.

        Returns:
            Images of the same shape, dtype and device, in [0, 1], distributed as those of :meth:`perturb` and
            differentiable with respect to ``x``.
        """
        return straight_through(self.perturb(x.detach().cpu().contiguous(), rng).to(x.device), x)

    def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
        """The defense as an attacker states it, who knows its spec but not the target, for a generator of his own.

        Itself by default, before :meth:`prepare`; what is found in the target has to be made up for here.

        Args:
            latent_dim: of his generator, whose prior is standard normal.
            rng: where what is made up is drawn from.
        """
        return self

    def prepared(self, provider: Provider) -> Defense:
        """:meth:`prepare`, checked.

        Raises:
            PluginError: ``prepare`` returned anything but a defense.
        """
        return self._checked_defense("prepare", self.prepare(provider))

    def restated(self, latent_dim: int, rng: torch.Generator) -> Defense:
        """:meth:`restate`, checked.

        Raises:
            PluginError: ``restate`` returned anything but a defense.
        """
        return self._checked_defense("restate", self.restate(latent_dim, rng))

    def facing(self, handed: int) -> Defense:
        """:meth:`toward`, checked.

        Raises:
            PluginError: ``toward`` returned anything but a defense.
        """
        return self._checked_defense("toward", self.toward(handed))

    def _checked_defense(self, method: str, found: object) -> Defense:
        if not isinstance(found, Defense):
            name = f"{type(self).__name__}.{method}"
            raise PluginError(f"{name} returned {type(found).__name__}, but must return a defense, such as itself")
        return found

    def measured(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """:meth:`measurement`, checked.

        Raises:
            PluginError: ``measurement`` returned nothing, another shape or dtype, values that are not finite, or images
                without a gradient by ``x`` where ``x`` asks for one.
        """
        name = f"{type(self).__name__}.measurement"
        y = check_floats(self.measurement(x, rng), tuple(x.shape), name)
        if x.requires_grad and not y.requires_grad:
            raise PluginError(f"{name} returned images without a gradient by those given; leave it out to get one")
        return y

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
        x = self.perturb(to_float(images), rng)
        return to_uint8(check_floats(x, tuple(images.shape), f"{type(self).__name__}.perturb"))


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
