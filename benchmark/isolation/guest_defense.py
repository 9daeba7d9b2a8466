"""What the process of a defense does when the harness asks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmark.isolation.channel import Channel, Message, Served
from benchmark.isolation.guest_base import tensor
from benchmark.isolation.guest_defending import DefendingGuest
from benchmark.isolation.remote import RemoteProvider
from benchmark.isolation.streams import STATE, received


class DefenseGuest(DefendingGuest):
    """Answers for a defense, and for what comes of it."""

    def __init__(self, kind: str, spec: str, channel: Channel) -> None:
        super().__init__(kind, spec, channel)
        self._makers: list[Callable[[torch.Generator], Tensor]] = []
        self._facing: dict[tuple[int, int], int] = {}

    def answer_limit(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.limit`."""
        return {"limit": self._defense(message).limit(message.value("requested"))}, {}

    def answer_toward(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.toward`; the number of the defense toward such a client."""
        known = message.value("plugin"), message.value("handed")
        if known not in self._facing:
            self._facing[known] = self.number(self._defense(message).facing(message.value("handed")))
        return {"plugin": self._facing[known]}, {}

    def answer_prepare(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.prepare`; the number of the defense made ready."""
        provider = RemoteProvider(self.ask, self._target(message), self._makers)
        return {"plugin": self.number(self._defense(message).prepared(provider))}, {}

    def answer_restate(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Defense.restate`; the number of the restated defense."""
        rng = received(message.tensor(STATE))
        restated = self._defense(message).restated(message.value("latent_dim"), rng)
        return {"plugin": self.number(restated)}, {STATE: rng.get_state()}

    def answer_make(self, message: Message) -> Served:
        """Make a tensor that the harness does not have yet, for a provider's ``kept``."""
        rng = received(message.tensor(STATE))
        made = tensor(self._makers[message.value("maker")](rng), "make")
        return {}, {"tensor": made, STATE: rng.get_state()}
