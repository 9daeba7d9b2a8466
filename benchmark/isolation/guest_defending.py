"""What the process of a plugin does for a defense that it has: the plugin itself, or what an attack trains through."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.interfaces import Defense
from benchmark.isolation.channel import Channel, Message, Served
from benchmark.isolation.guest_base import Guest, tensor
from benchmark.isolation.remote import RemoteTarget
from benchmark.isolation.streams import STATE, received

MEASURED = 8
"""Measurements that are kept at most for their gradients, which a discriminator's step never asks for."""


class DefendingGuest(Guest):
    """Answers for defenses that it knows by number."""

    def __init__(self, kind: str, spec: str, channel: Channel) -> None:
        super().__init__(kind, spec, channel)
        self._measured: dict[int, tuple[Tensor, Tensor]] = {}

    def answer_latents(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.latents`."""
        rng = received(message.tensor(STATE))
        z = self._defense(message).latents(message.value("n"), self._target(message), rng)
        return {}, {"z": tensor(z, "latents"), STATE: rng.get_state()}

    def answer_perturb(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.perturb`."""
        rng = received(message.tensor(STATE))
        x = self._defense(message).perturb(message.tensor("x"), rng)
        return {}, {"x": tensor(x, "perturb"), STATE: rng.get_state()}

    def answer_measurement(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.measurement`; what is needed for the gradient is kept."""
        rng = received(message.tensor(STATE))
        x = message.tensor("x").requires_grad_(True)
        with torch.enable_grad():
            y = tensor(self._defense(message).measurement(x, rng), "measurement")
        number = max(self._measured, default=-1) + 1
        self._measured[number] = x, y
        self._measured.pop(number - MEASURED, None)
        return {"measurement": number}, {"y": y, STATE: rng.get_state()}

    def answer_gradient(self, message: Message) -> Served:
        """The gradient of a measurement: of its images, by way of those handed over."""
        x, y = self._measured.pop(message.value("measurement"))
        (gradient,) = torch.autograd.grad(y, x, message.tensor("gradient"))
        return {}, {"gradient": gradient}

    def _defense(self, message: Message) -> Defense:
        defense: Defense = self.plugin(message.value("plugin"))
        return defense

    def _target(self, message: Message) -> RemoteTarget:
        channels, height, width = message.value("image_shape")
        return RemoteTarget(self.ask, message.value("latent_dim"), (channels, height, width))
