"""Pairs of generator and discriminator in training, as :class:`benchmark.adversarial.AdversarialPair` is one."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import torch
from torch import Tensor
from torch.func import vmap

from benchmark.adversarial import AdversarialPair, averaging, optimizer_of, slow_down, stepped
from benchmark.augmentation import AUGMENTATIONS
from benchmark.ensemble.networks import Networks
from benchmark.losses import LOSSES
from benchmark.recipe import Recipe

ARCHITECTURES = ("dcgan", "sngan", "sngan-tapered")
"""Those whose networks neither grow, nor draw anything, nor compare the images of a batch."""

Draws = Sequence[Sequence[Tensor]]
"""What is drawn for each time that images are augmented: numbers (pairs, images, ...)."""


def obstacles(recipe: Recipe) -> list[str]:
    """What in a recipe is not done for several pairs at once, as ``field=value``."""
    asked = {
        "generator": recipe.generator not in ARCHITECTURES,
        "discriminator": recipe.discriminator not in ARCHITECTURES,
        "gradient_penalty": recipe.gradient_penalty > 0,
        "drift": recipe.drift > 0,
        "r1": recipe.r1 > 0,
        "augment": recipe.augment == "ada",
    }
    return [f"{name}={getattr(recipe, name)}" for name, found in asked.items() if found]


def draws_of(pair: AdversarialPair, rng: torch.Generator) -> tuple[Tensor, Draws]:
    """What a pair draws for a step, in its order: its latents, and what its augmentation does to images."""
    recipe, (_, height, width) = pair.recipe, pair.screen.image_shape
    latents, draws = [], []
    for _ in range(recipe.discriminator_steps):
        latents.append(pair.screen.latents(recipe.batch, rng))
        draws.append(pair.augmentation.draw(2 * recipe.batch, (height, width), rng))
    draws.append(pair.augmentation.draw(recipe.batch, (height, width), rng))
    return torch.cat(latents), draws


class AdversarialPairs:
    """Several pairs, each with images, latents and weights of its own, that take each step together.

    A step is that of :class:`AdversarialPair`, operation by operation, with a first dimension of the pairs. Nothing in
    it waits for the device: losses stay there until they are asked for.

    Args:
        recipe: of all pairs, without :func:`obstacles`.
        pairs: as they begin; they are left alone.
        mixed: see :meth:`Networks.__call__`.
    """

    def __init__(self, recipe: Recipe, pairs: Sequence[AdversarialPair], *, mixed: bool = False) -> None:
        self.recipe, self.mixed = recipe, mixed
        self.g, self.d, self.average = (
            Networks([part(pair) for pair in pairs]) for part in map(attrgetter, ("g", "d", "average"))
        )
        # Adam looks at each number by itself: on stacked weights it is as many Adams.
        self.adam_g = optimizer_of(self.g.weights.values(), recipe.generator_rate, recipe)
        self.adam_d = optimizer_of(self.d.weights.values(), recipe.discriminator_rate, recipe)
        self.augmentation = AUGMENTATIONS[recipe.augment](recipe.ada_target, recipe.ada_images)
        loss = LOSSES[recipe.loss]
        self.discriminator_loss, self.generator_loss = vmap(loss.discriminator), vmap(loss.generator)
        self.step = 0

    def advance(self, real: Tensor, latents: Tensor, draws: Draws) -> Tensor:
        """One step of all generators, and as many of the discriminators as the recipe says.

        Args:
            real: images float32 (pairs, n * discriminator_steps, C, H, W) in [-1, 1], on the networks' device.
            latents: float32 (pairs, n * discriminator_steps, latent_dim), there too.
            draws: what the augmentation drew, for 2 n images in each step of the discriminators, and at last for n in
                that of the generators; there too.

        Returns:
            The last losses (discriminator, generator), float32 (2, pairs), on that device.
        """
        recipe = self.recipe
        slow_down(self.adam_g, self.adam_d, recipe, self.step)
        parts = (x.chunk(recipe.discriminator_steps, dim=1) for x in (real, latents))
        *others, (last, z, drawn) = zip(*parts, draws[:-1], strict=True)
        for batch, chosen, its in others:
            with torch.no_grad():
                fake = self.g(chosen, mixed=self.mixed)
            self._train_discriminators(batch, fake, its)
        fake = self.g(z, mixed=self.mixed)
        loss_d = self._train_discriminators(last, fake.detach(), drawn)
        loss_g = self._train_generators(fake, draws[-1])
        self.step += 1
        self.average.approach(self.g, 1 - averaging(recipe, self.step))
        return torch.stack([loss_d, loss_g])

    def _train_discriminators(self, real: Tensor, fake: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """One step of the discriminators on images (pairs, n, C, H, W) in [-1, 1]; returns their losses."""
        shown = self._augmented(torch.cat([real, fake], dim=1), drawn)
        on_real, on_fake = self.d(shown, mixed=self.mixed).chunk(2, dim=1)
        # The weights of a pair have a part in its own loss alone, and so get the gradient of that.
        return stepped(self.adam_d, self.discriminator_loss(on_real, on_fake))

    def _train_generators(self, fake: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """One step of the generators, given images (pairs, n, C, H, W) of theirs with graph; returns their losses."""
        judged = self.d(self._augmented(fake, drawn), learn=False, mixed=self.mixed)
        return stepped(self.adam_g, self.generator_loss(judged))

    def _augmented(self, images: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Images (pairs, n, C, H, W) of all pairs, changed at once as each pair drew it."""
        changed = self.augmentation.changed(images.flatten(0, 1), tuple(each.flatten(0, 1) for each in drawn))
        return changed.reshape(images.shape)

    def hand_over(self, index: int, pair: AdversarialPair) -> None:
        """Bring a pair by itself to where that one of these pairs is: its networks, and the count of its steps."""
        for mine, its in ((self.g, pair.g), (self.d, pair.d), (self.average, pair.average)):
            its.load_state_dict(mine.state(index))
        pair.step = self.step
