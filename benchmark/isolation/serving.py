"""What the harness answers when an isolated plugin asks back: no more than the plugin would be handed in process."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.images import ImageShape
from benchmark.interfaces import Defense, Provider, Target
from benchmark.isolation.channel import Answering, Message, Served
from benchmark.isolation.streams import STATE, received

MOST = 100_000
"""Latents or images that a plugin may ask for, or about, at once; ``semantic`` asks for a tenth of it."""


def image_bytes(shape: ImageShape) -> int:
    """Of as many images of a shape as a plugin may ask about at once."""
    return MOST * math.prod(shape)


def latent_bytes(target: Target) -> int:
    """Of as many latents of a target as a plugin may ask for at once."""
    return MOST * target.latent_dim * torch.float32.itemsize


class Serving(Answering):
    """Answers what a defense may ask of the target: its prior, its images, the weights that the latent meets first."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def answer_prior(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.prior`."""
        rng = received(message.tensor(STATE))
        return {}, {"z": self._target.prior(message.count("n", MOST), rng), STATE: rng.get_state()}

    def answer_generate(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.generate`.

        Raises:
            PluginError: it sent no latents.
        """
        z = message.tensor("z")
        if z.dtype != torch.float32 or z.shape[1:] != (self._target.latent_dim,):
            raise PluginError(f"it asked for the images of {z.dtype} of shape {tuple(z.shape)}, which are no latents")
        return {}, {"images": self._target.generate(z)}

    def answer_projection(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.projection`."""
        return {}, {"weights": self._target.projection()}


def images_of(message: Message, shape: ImageShape) -> Tensor:
    """The images that were sent, uint8 (n, *shape).

    Raises:
        PluginError: they are none.
    """
    images = message.tensor("images")
    if images.dtype != torch.uint8 or images.shape[1:] != shape:
        raise PluginError(
            f"{message.name} came with {images.dtype} of shape {tuple(images.shape)}, but takes torch.uint8 of images "
            f"of {shape}"
        )
    return images


class Maker(Protocol):
    """A defense whose process makes a tensor when it is asked to."""

    def made(self, maker: int, rng: torch.Generator, preparing: Preparing) -> Tensor:
        """The tensor of a maker that the process knows by this number, made with what is answered meanwhile."""


class Preparing(Serving):
    """Answers a defense that is made ready: of the provider too, but for the images of the training set."""

    def __init__(self, provider: Provider, defense: Defense, maker: Maker) -> None:
        super().__init__(provider.target)
        self._provider, self._defense, self._maker = provider, defense, maker

    @property
    def expected(self) -> int:
        """Bytes of the tensors that it may ask about."""
        return max(latent_bytes(self._target), image_bytes(self._target.image_shape))

    def answer_traits(self, message: Message) -> Served:
        """The names of what images of the training set are told apart by, and how many there are; no image, no label.

        See :class:`benchmark.isolation.remote.UnseenImages`.
        """
        whole = self._provider.training_set
        told = {"name": whole.name, "split": whole.split, "count": len(whole)}
        return {**told, "classes": [*whole.classes], "attributes": [*whole.attribute_names]}, {}

    def answer_scores(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Provider.scores`."""
        images = images_of(message, self._target.image_shape)
        return {}, {"scores": self._provider.scores(images, str(message.value("trait")))}

    def answer_kept(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Provider.kept`; asks back for what must be made."""
        number = message.count("maker")
        key = message.mapping("key") | dict(self._defense.content)
        return {}, {"tensor": self._provider.kept(self._defense, key, lambda rng: self._maker.made(number, rng, self))}
