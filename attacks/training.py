"""What attacks that train a GAN have in common: the parameters that take the place of the track's recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmark.interfaces import Attack, ImageModel, Knowledge, Recipe, parameter


@dataclass(frozen=True)
class TrainingAttack(Attack):
    """An attack that ends with the training of a GAN. Its recipe is the track's, but for the parameters given."""

    generator: str = parameter("", "architecture of the attack model; empty: the track's")
    discriminator: str = parameter("", "architecture of its discriminator; empty: the track's")
    width: int = parameter(0, "width of the attack model in channels; 0: the track's", low=0, high=4096)
    steps: int = parameter(0, "generator steps; 0: the track's", low=0, high=10**8)
    augment: str = parameter("", "what is done to images before they are judged; empty: the track's")

    def recipe(self, knowledge: Knowledge) -> Recipe:
        """The recipe of the attack model."""
        given: dict[str, Any] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_width": self.width,
            "steps": self.steps,
            "augment": self.augment,
        }
        return replace(knowledge.recipe, **{name: value for name, value in given.items() if value})

    def train(self, images: Tensor, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """The attack model, trained on uint8 (n, C, H, W); of these a part is held out to choose the checkpoint by."""
        return knowledge.train(images, self.recipe(knowledge), rng)
