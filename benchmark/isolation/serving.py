"""What the harness answers when an isolated plugin asks back: no more than the plugin would be handed in process."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from benchmark.interfaces import Defense, Provider, Target
from benchmark.isolation.channel import Answering, Message, Served
from benchmark.isolation.streams import STATE, received


class Serving(Answering):
    """Answers what a defense may ask of the target: its prior, its images, the weights that the latent meets first."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def answer_prior(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.prior`."""
        rng = received(message.tensor(STATE))
        return {}, {"z": self._target.prior(int(message.value("n")), rng), STATE: rng.get_state()}

    def answer_generate(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.generate`."""
        return {}, {"images": self._target.generate(message.tensor("z"))}

    def answer_projection(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Target.projection`."""
        return {}, {"weights": self._target.projection()}


class Maker(Protocol):
    """A defense whose process makes a tensor when it is asked to."""

    def made(self, maker: int, rng: torch.Generator) -> Tensor:
        """The tensor of a maker that the process knows by this number."""


class Preparing(Serving):
    """Answers a defense that is made ready: of the provider too, but for the training set."""

    def __init__(self, provider: Provider, defense: Defense, maker: Maker) -> None:
        super().__init__(provider.target)
        self._provider, self._defense, self._maker = provider, defense, maker

    def answer_scores(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Provider.scores`."""
        return {}, {"scores": self._provider.scores(message.tensor("images"), str(message.value("trait")))}

    def answer_kept(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Provider.kept`; asks back for what must be made."""
        number = int(message.value("maker"))
        key = dict(message.value("key")) | dict(self._defense.content)
        return {}, {"tensor": self._provider.kept(self._defense, key, lambda rng: self._maker.made(number, rng))}
