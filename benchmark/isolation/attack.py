"""Isolated attacks as the harness sees them: their methods ask a process."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor

from benchmark.budget import MAX_BUDGET
from benchmark.errors import PluginError
from benchmark.images import ImageShape
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, Recipe
from benchmark.isolation.channel import Answering, Message, Served, shown
from benchmark.isolation.defense import IsolatedDefense, within
from benchmark.isolation.host import Host
from benchmark.isolation.hosted import Hosted
from benchmark.isolation.serving import MOST, image_bytes, images_of
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
        return self.host.ask("queries", {"budget": budget}).count("queries", MAX_BUDGET)

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
        # What it may send: all that it was handed, and as many images of its models as it may ask for at once.
        handed = oracle.budget * math.prod(knowledge.image_shape) + knowledge.real_images.nbytes
        ask = partial(host.ask, serve=serving, expected=handed + image_bytes(knowledge.image_shape))
        answer = drawn(ask, "fit", values, {"real_images": knowledge.real_images}, rng)
        for name, value in diagnostics(answer).items():
            knowledge.report(name, value)
        if "trained" in answer.values:
            return serving.model(answer.value("trained"))
        return IsolatedModel(host, answer.count("plugin"), knowledge.image_shape)


class IsolatedModel:
    """An attack model that only its own process can draw images from."""

    def __init__(self, host: Host, number: int, image_shape: ImageShape) -> None:
        self._host, self._number, self.image_shape = host, number, image_shape

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """See :class:`benchmark.interfaces.ImageModel`."""
        ask = partial(self._host.ask, expected=n * math.prod(self.image_shape))
        return drawn(ask, "sample", {"plugin": self._number, "n": n}, {}, rng).tensor("images")


class Attacking(Answering):
    """Answers what an attack may ask: the oracle, the shared training loop, and what its threat model grants."""

    def __init__(self, host: Host, oracle: Oracle, knowledge: Knowledge) -> None:
        self._host, self._oracle, self._knowledge = host, oracle, knowledge
        self._models: list[ImageModel] = []
        self._judged = 0

    def model(self, number: object) -> ImageModel:
        """A model that was trained for the attack.

        Raises:
            PluginError: there is none of that number.
        """
        if type(number) is not int or not 0 <= number < len(self._models):
            raise PluginError("it speaks of a model that was never trained")
        return self._models[number]

    def answer_query(self, message: Message) -> Served:
        """See :meth:`benchmark.oracle.Oracle.query`."""
        return {}, {"images": self._oracle.query(message.count("n"), message.count("client"))}

    def answer_discard(self, message: Message) -> Served:
        """See :meth:`benchmark.oracle.Oracle.discard`."""
        self._oracle.discard(message.count("n"))
        return {}, {}

    def answer_discriminator(self, message: Message) -> Served:
        """The logits of the target's discriminator, if it is granted."""
        return {}, {"logits": self._knowledge.discriminator(self._images(message))}

    def answer_features(self, message: Message) -> Served:
        """Those of a public network."""
        return {}, {"features": self._knowledge.features(self._images(message))}

    def answer_train(self, message: Message) -> Served:
        """The number of a model trained by the shared loop, through a defense that the attack's process applies."""
        rng = received(message.tensor(STATE))
        recipe = self._recipe(message)
        through = message.value("through")
        defense = within(self._host, through) if through else None
        self._models.append(self._knowledge.train(self._images(message), recipe, rng, defense))
        return {"model": len(self._models) - 1}, {STATE: rng.get_state()}

    def answer_sample(self, message: Message) -> Served:
        """Images of a model that was trained."""
        rng = received(message.tensor(STATE))
        images = self.model(message.value("model")).sample(message.count("n", MOST), rng)
        return {}, {"images": images, STATE: rng.get_state()}

    def _images(self, message: Message) -> Tensor:
        return images_of(message, self._knowledge.image_shape)

    def _recipe(self, message: Message) -> Recipe:
        """A recipe that training by is not too much, after what was trained already.

        Raises:
            UsageError: a value in it is refused.
            PluginError: it is no recipe, or is too much.
        """
        try:
            recipe = Recipe(**message.mapping("recipe"))
        except TypeError as error:
            raise PluginError(f"it has something trained by no recipe ({shown(str(error))})") from None
        own = _judged(self._knowledge.recipe)
        self._judged += _judged(recipe)
        if self._judged > MOST_TRAINING * own:
            raise PluginError(
                f"it asks for trainings that judge {self._judged:,} images, but may ask for no more than "
                f"{MOST_TRAINING * own:,}, {MOST_TRAINING:,} times as many as the track's recipe; take fewer steps"
            )
        return recipe


MOST_TRAINING = 1000
"""Trainings by the track's recipe that those of an attack may come to together; many, as quick forms have few steps."""


def _judged(recipe: Recipe) -> int:
    """Images that a training shows its discriminator: what it takes, by and large."""
    return recipe.steps * recipe.discriminator_steps * recipe.batch


def diagnostics(answer: Message) -> dict[str, float]:
    """What an attack reports.

    Raises:
        PluginError: something in it is no number under a name that can be shown.
    """
    told = answer.mapping("diagnostics")
    for name, value in told.items():
        if name != shown(name) or isinstance(value, bool) or not isinstance(value, int | float):
            raise PluginError(f"it reports {shown(repr(value))} as its {shown(name)}, but must report numbers by names")
    return told


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
