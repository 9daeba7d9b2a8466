"""Attacks that each break one rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.interfaces import Attack, ThreatModel

CALLS: list[int] = []


@dataclass
class Copies:
    """The model of a thief who hands on what he got."""

    images: Tensor
    image_shape: tuple[int, int, int] = field(init=False)

    def __post_init__(self):
        self.image_shape = tuple(self.images.shape[1:])

    def sample(self, n, rng):
        return self.images[torch.randint(len(self.images), (n,), generator=rng)]


class Replays(Attack):
    """Hands on what it got: this one keeps the contract."""

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining).clone())


class Greedy(Attack):
    """Asks for more than the budget."""

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.budget + 1))


class Empty(Attack):
    """Returns no model."""

    def fit(self, oracle, knowledge, rng):
        oracle.query(1)


class Floats(Attack):
    """Its model gives floats."""

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining).float())


class Cropped(Attack):
    """Its model gives smaller images."""

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining)[:, :, 2:-2, 2:-2])


class Peeks(Attack):
    """Looks at the answers without asking."""

    def fit(self, oracle, knowledge, rng):
        oracle.query(1)
        return Copies(oracle._answers.clone())


class Ungranted(Attack):
    """Uses a discriminator that it did not ask for."""

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        return Copies(answers[knowledge.discriminator(answers) > 0])


class Spoils(Attack):
    """Writes into the answers."""

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        return Copies(answers.div_(2, rounding_mode="floor").clone())


class GlobalShuffle(Attack):
    """Shuffles by torch's global generator."""

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        return Copies(answers[torch.randperm(len(answers))])


class EntropyShuffle(Attack):
    """Shuffles by the operating system's entropy."""

    def fit(self, oracle, knowledge, rng):
        answers = oracle.query(oracle.remaining)
        return Copies(answers[torch.from_numpy(np.random.default_rng().permutation(len(answers)))])


class Uninterested(Attack):
    """Never asks for anything."""

    def fit(self, oracle, knowledge, rng):
        return Copies(torch.zeros(3, *knowledge.image_shape, dtype=torch.uint8))


class WantsTwice(Attack):
    """Asks for two training sets."""

    @property
    def threat_model(self):
        return ThreatModel(real_share=2.0)

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining))


class Undecided(Attack):
    """Has words for a threat model."""

    @property
    def threat_model(self):
        return "answers"

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining))


class AsksNothing(Attack):
    """Counts no queries."""

    def queries(self, budget):
        return 0

    def fit(self, oracle, knowledge, rng):
        return Copies(oracle.query(oracle.remaining))


class Reports(Attack):
    """Reports a number that is none."""

    def fit(self, oracle, knowledge, rng):
        knowledge.report("rate", float("nan"))
        return Copies(oracle.query(oracle.remaining))


@dataclass
class Counts(Copies):
    """A model that gives other images each time."""

    def sample(self, n, rng):
        CALLS.append(1)
        return self.images[(torch.arange(n) + len(CALLS)) % len(self.images)]


class Turns(Attack):
    """Its model gives other images each time."""

    def fit(self, oracle, knowledge, rng):
        return Counts(oracle.query(oracle.remaining))


class Declines(Attack):
    """Wants what no track has."""

    def fit(self, oracle, knowledge, rng):
        raise UsageError("a second oracle is needed")


BAD_ATTACKS = [
    (Declines, "all of 2 cases were refused, such as a second oracle is needed"),
    (Greedy, "fit raised BudgetError"),
    (Empty, "fit returned NoneType, but must return a model"),
    (Floats, "the attack model's sample returned dtype torch.float32"),
    (Cropped, "a model of image_shape (1, 12, 12), but was given (1, 16, 16)"),
    (Peeks, "fit looks at _answers of the oracle"),
    (Ungranted, "but its threat model does not ask for it"),
    (Spoils, "fit writes into the answers that it is handed"),
    (GlobalShuffle, "fit changed torch's global generator"),
    (EntropyShuffle, "fit gave two models in two calls with one generator"),
    (Uninterested, "fit never queries the oracle"),
    (WantsTwice, "asks for a share of 2.0 of the training set"),
    (Undecided, "threat_model is of type str"),
    (AsksNothing, "queries returned 0 for a budget of 1"),
    (Reports, "the attack reported nan as its rate"),
    (Turns, "the attack model's sample gave two answers"),
]
