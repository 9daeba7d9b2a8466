"""What attacks that train a GAN have in common: the parameters that take the place of the track's recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmark.augmentation import AUGMENTATIONS
from benchmark.config import load_track
from benchmark.interfaces import Attack, ImageModel, Knowledge, Recipe, parameter
from benchmark.networks import DISCRIMINATORS, GENERATORS


@dataclass(frozen=True)
class TrainingAttack(Attack):
    """An attack that ends with the training of a GAN. Its recipe is the track's, but for the parameters given.

    Another architecture changes neither loss nor penalties: a ``pggan`` is trained by the track's hinge loss. To train
    it as its authors do, name a track whose target is trained so: ``trained_like=fashion-mnist-pggan``.

    Raises:
        UsageError: there is no such track.
    """

    trained_like: str = parameter("", "track whose target's recipe is the attack model's too; empty: the track's own")
    generator: str = parameter("", "architecture of the attack model; empty: the recipe's", choices=("", *GENERATORS))
    discriminator: str = parameter(
        "", "architecture of its discriminator; empty: the recipe's", choices=("", *DISCRIMINATORS)
    )
    width: int = parameter(0, "width of the attack model in channels; 0: the recipe's", low=0, high=4096)
    steps: int = parameter(0, "generator steps; 0: the recipe's", low=0, high=10**8)
    augment: str = parameter(
        "", "what is done to images before they are judged; empty: the recipe's", choices=("", *AUGMENTATIONS)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trained_like:
            load_track(self.trained_like)

    @property
    def content(self) -> Mapping[str, Any]:
        """The recipe of the track that is named."""
        return {"recipe": asdict(load_track(self.trained_like).target_recipe)} if self.trained_like else {}

    def recipe(self, knowledge: Knowledge) -> Recipe:
        """The recipe of the attack model."""
        given: dict[str, Any] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_width": self.width,
            "steps": self.steps,
            "augment": self.augment,
        }
        recipe = load_track(self.trained_like).target_recipe if self.trained_like else knowledge.recipe
        return replace(recipe, **{name: value for name, value in given.items() if value})

    def train(self, images: Tensor, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """The attack model, trained on uint8 (n, C, H, W); of these a part is held out to choose the checkpoint by."""
        return knowledge.train(images, self.recipe(knowledge), rng)
