"""What the process of an attack does when the harness asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.interfaces import Attack, Defense, ImageModel
from benchmark.isolation.channel import Message, Served
from benchmark.isolation.description import describe_screen
from benchmark.isolation.guest_base import tensor
from benchmark.isolation.guest_defending import DefendingGuest
from benchmark.isolation.remote import RemoteModel, RemoteOracle, remote_knowledge
from benchmark.isolation.streams import STATE, received
from benchmark.registry import load


class AttackGuest(DefendingGuest):
    """Answers for an attack, and for what it trains through."""

    def answer_queries(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Attack.queries`."""
        return {"queries": self._attack().queries(message.value("budget"))}, {}

    def answer_fit(self, message: Message) -> Served:
        """See :meth:`benchmark.interfaces.Attack.fit`.

        The number of the attack model: of one that the harness trained (``trained``), or of one of the plugin's own.
        """
        rng, values = received(message.tensor(STATE)), message.values
        defense = load("defense", values["defense"]) if values["defense"] else None
        knowledge = remote_knowledge(self.ask, values, message.tensor("real_images"), defense, self._screen)
        oracle = RemoteOracle(self.ask, values["budgets"], knowledge.image_shape)
        model = self._attack().fit(oracle, knowledge, rng)
        number = {"trained": model.number} if isinstance(model, RemoteModel) else {"plugin": self.number(model)}
        return {**number, "diagnostics": knowledge.diagnostics}, {STATE: rng.get_state()}

    def answer_sample(self, message: Message) -> Served:
        """Images of an attack model of the plugin's own."""
        rng = received(message.tensor(STATE))
        model: ImageModel = self.plugin(message.value("plugin"))
        return {}, {"images": tensor(model.sample(message.value("n"), rng), "sample"), STATE: rng.get_state()}

    def _screen(self, defense: Defense) -> Mapping[str, Any]:
        return {"plugin": self.number(defense), **describe_screen(defense)}

    def _attack(self) -> Attack:
        attack: Attack = self.plugin(0)
        return attack
