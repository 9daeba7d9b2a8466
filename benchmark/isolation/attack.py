"""Isolated attacks as the harness sees them: their methods ask a process."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor

from benchmark.errors import PluginError
from benchmark.images import ImageShape
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, Recipe
from benchmark.isolation.channel import Answering, Message, Served
from benchmark.isolation.defense import IsolatedDefense, within
from benchmark.isolation.host import Host
from benchmark.isolation.hosted import Hosted
from benchmark.isolation.streams import STATE, drawn, received
from benchmark.oracle import Oracle
from benchmark.registry import canonical
from benchmark.stack import members


class IsolatedAttack(Hosted, Attack):
    """An attack in a process of its own; trainings are done here, as for all attacks.

    A class is made of it for each plugin, which has the plugin's threat model.
    """

    def bound(self, host: Host) -> IsolatedAttack:
        """This very attack, from now on with a process."""
        object.__setattr__(self, "host", host)
        return self

    def ask_queries(self, budget: int) -> int:
        """See :meth:`benchmark.interfaces.Attack.queries`."""
        return int(self.host.ask("queries", {"budget": budget}).value("queries"))

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """See :meth:`benchmark.interfaces.Attack.fit`."""
        host = self.host
        # A process begins with what it may read, and this one must read the defense too.
        host.end()
        granted = knowledge.known_defense
        host.also = [spec_of(each) for each in members(granted)] if granted else []
        values = {
            "budgets": oracle.left,
            "image_shape": knowledge.image_shape,
            "recipe": asdict(knowledge.recipe),
            "discriminator": self.threat_model.discriminator,
            "defense": "+".join(host.also),
        }
        serving = Attacking(host, oracle, knowledge)
        ask = partial(host.ask, serve=serving)
        answer = drawn(ask, "fit", values, {"real_images": knowledge.real_images}, rng)
        for name, value in answer.value("diagnostics").items():
            knowledge.report(name, value)
        if "trained" in answer.values:
            return serving.model(answer.value("trained"))
        return IsolatedModel(host, int(answer.value("plugin")), knowledge.image_shape)


class IsolatedModel:
    """An attack model that only its own process can draw images from."""

    def __init__(self, host: Host, number: int, image_shape: ImageShape) -> None:
        self._host, self._number, self.image_shape = host, number, image_shape

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """See :class:`benchmark.interfaces.ImageModel`."""
        return drawn(self._host.ask, "sample", {"plugin": self._number, "n": n}, {}, rng).tensor("images")


class Attacking(Answering):
    """Answers what an attack may ask: the oracle, the shared training loop, and what its threat model grants."""

    def __init__(self, host: Host, oracle: Oracle, knowledge: Knowledge) -> None:
        self._host, self._oracle, self._knowledge = host, oracle, knowledge
        self._models: list[ImageModel] = []

    def model(self, number: object) -> ImageModel:
        """A model that was trained for the attack.

        Raises:
            PluginError: there is none of that number.
        """
        if not isinstance(number, int) or not 0 <= number < len(self._models):
            raise PluginError(f"it speaks of a model {number!r} that was never trained")
        return self._models[number]

    def answer_query(self, message: Message) -> Served:
        """See :meth:`benchmark.oracle.Oracle.query`."""
        return {}, {"images": self._oracle.query(int(message.value("n")), int(message.value("client")))}

    def answer_discard(self, message: Message) -> Served:
        """See :meth:`benchmark.oracle.Oracle.discard`."""
        self._oracle.discard(int(message.value("n")))
        return {}, {}

    def answer_discriminator(self, message: Message) -> Served:
        """The logits of the target's discriminator, if it is granted."""
        return {}, {"logits": self._knowledge.discriminator(message.tensor("images"))}

    def answer_features(self, message: Message) -> Served:
        """Those of a public network."""
        return {}, {"features": self._knowledge.features(message.tensor("images"))}

    def answer_train(self, message: Message) -> Served:
        """The number of a model trained by the shared loop, through a defense that the attack's process applies."""
        rng = received(message.tensor(STATE))
        recipe = Recipe(**message.value("recipe"))
        through = message.value("through")
        defense = within(self._host, through) if through else None
        self._models.append(self._knowledge.train(message.tensor("images"), recipe, rng, defense))
        return {"model": len(self._models) - 1}, {STATE: rng.get_state()}

    def answer_sample(self, message: Message) -> Served:
        """Images of a model that was trained."""
        rng = received(message.tensor(STATE))
        images = self.model(message.value("model")).sample(int(message.value("n")), rng)
        return {}, {"images": images, STATE: rng.get_state()}


def spec_of(defense: Defense) -> str:
    """A spec that another process can make a defense from.

    Raises:
        PluginError: its class is in a file that was loaded here as a plugin, and not in a package.
    """
    if isinstance(defense, IsolatedDefense):
        return defense.host.spec
    cls = type(defense)
    if cls.__module__.startswith("plugin_"):
        raise PluginError(f"an isolated attack cannot be granted {cls.__name__}, which is not isolated; isolate both")
    return canonical(f"{cls.__module__}:{cls.__qualname__}", defense)
