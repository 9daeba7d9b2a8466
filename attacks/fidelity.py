"""Fidelity extraction: be like the target model, from its answers alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from benchmark.interfaces import Attack, ImageModel, Knowledge, parameter
from benchmark.oracle import Oracle


@dataclass(frozen=True)
class Fidelity(Attack):
    """Trains a GAN on all the answers the budget buys, taking them for clean.

    Source: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), section 4. Its recipe is the track's; a parameter that is given
    takes the place of the recipe's.
    """

    generator: str = parameter("", "architecture of the attack model; empty: the track's")
    discriminator: str = parameter("", "architecture of its discriminator; empty: the track's")
    width: int = parameter(0, "width of the attack model in channels; 0: the track's", low=0, high=4096)
    steps: int = parameter(0, "generator steps; 0: the track's", low=0, high=10**8)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query the whole budget at once, and train."""
        given = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_width": self.width,
            "steps": self.steps,
        }
        recipe = replace(knowledge.recipe, **{name: value for name, value in given.items() if value})
        answers = oracle.query(oracle.remaining)
        return knowledge.train(answers, recipe, rng)
