"""Generator and discriminator as they train against each other: their weights, their optimizers, and one step of each.

Adam, averaged generator weights, channels-last. Penalties that are not due at every step are weighted by the steps
between them and join the loss of theirs (Karras et al., CVPR 2020, appendix B, "lazy regularization").
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from benchmark.augmentation import AUGMENTATIONS
from benchmark.compute import compute_device
from benchmark.images import ImageShape
from benchmark.losses import LOSSES
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.networks.equalized import MinibatchDeviation
from benchmark.networks.ladder import doublings
from benchmark.networks.pggan import Growing, at_level, level_at
from benchmark.networks.stylegan2 import Generator as StyleGenerator
from benchmark.recipe import Recipe
from benchmark.regularisers import PathLength, gradient_penalty, mixed_styles, r1_penalty
from benchmark.screen import Screen


class AdversarialPair:
    """A generator ``g`` and a discriminator ``d`` in training, and the ``average`` of the generator's weights.

    Args:
        recipe: how they are built and trained.
        image_shape: (C, H, W) of the images.
        seed: determines the initial weights.
        rng: where steps draw all that they draw from.
        screen: what the generator's images are judged through.
    """

    def __init__(
        self, recipe: Recipe, image_shape: ImageShape, seed: int, rng: torch.Generator, screen: Screen
    ) -> None:
        self.recipe, self.rng, self.screen = recipe, rng, screen
        with torch.random.fork_rng(devices=[]):
            # Layers draw their initial weights from the global generator; it is left as it was found.
            torch.random.manual_seed(seed)
            self.g = GENERATORS[recipe.generator](recipe.latent_dim, image_shape, recipe.generator_width)
            self.d = DISCRIMINATORS[recipe.discriminator](image_shape, recipe.discriminator_width)
        self.device = compute_device()
        self.g.to(self.device).to(memory_format=torch.channels_last)
        self.d.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        self.adam_g = optimizer_of(self.g.parameters(), recipe.generator_rate, recipe)
        self.adam_d = optimizer_of(self.d.parameters(), recipe.discriminator_rate, recipe)
        self.loss = LOSSES[recipe.loss]
        self.augmentation = AUGMENTATIONS[recipe.augment](recipe.ada_target, recipe.ada_images).to(self.device)
        self.path_length = PathLength().to(self.device)
        self.levels = doublings(image_shape)
        self.compares = any(isinstance(module, MinibatchDeviation) for module in self.d.modules())
        self.step = 0

    def begin_with(self, g: nn.Module, d: nn.Module) -> None:
        """Take the weights of a generator and a discriminator of the same architectures in place of new ones."""
        self.g.load_state_dict(g.state_dict())
        self.average.load_state_dict(g.state_dict())
        self.d.load_state_dict(d.state_dict())

    def advance(self, real: Tensor) -> Tensor:
        """One step of the generator, and as many of the discriminator as the recipe says, against each other.

        Args:
            real: images float32 (n * discriminator_steps, C, H, W) in [-1, 1], channels-last, on :attr:`device`.

        Returns:
            The last losses (discriminator, generator), with what was added to them, float32 (2,), on :attr:`device`:
            who reads them waits for it. Not finite once training has diverged.
        """
        recipe = self.recipe
        slow_down(self.adam_g, self.adam_d, recipe, self.step)
        if recipe.growth:
            real = self.grow(real)
        *others, last = real.chunk(recipe.discriminator_steps)
        for batch in others:
            with torch.no_grad():
                fake = self.generated(len(batch))
            self.train_discriminator(batch, fake)
        # One batch of generated images serves both networks, which saves the generator's second forward pass.
        fake = self.generated(len(last))
        loss_d = self.train_discriminator(last, fake.detach())
        loss_g = self.train_generator(fake)
        self.step += 1
        self.update_average()
        return torch.stack([loss_d, loss_g])

    def grow(self, real: Tensor) -> Tensor:
        """Bring the networks that grow to the level of this step; returns the real images as they are at that level."""
        level = level_at(self.step / (self.recipe.growth * self.recipe.steps), self.levels)
        for network in (self.g, self.d, self.average):
            if isinstance(network, Growing):
                network.grow_to(level)
        return at_level(real, level) if isinstance(self.g, Growing) else real

    def latents(self, n: int) -> Tensor:
        """``n`` latents to train on, (n, latent_dim)."""
        return self.screen.latents(n, self.rng).to(self.device)

    def styles(self, g: StyleGenerator, z: Tensor) -> Tensor:
        """Styles float32 (n, layers, latent_dim) of latents (n, latent_dim), mixed as the recipe says."""
        return mixed_styles(g, z, self.recipe.style_mixing, self.rng, self.latents)

    def generated(self, n: int) -> Tensor:
        """``n`` images of the generator in training as they are judged, (n, C, H, W) about in [-1, 1]."""
        z = self.latents(n)
        g = self.g
        images = g.synthesis(self.styles(g, z), self.rng) if isinstance(g, StyleGenerator) else g(z)
        shown = self.screen.images(images, self.rng)
        # What a defense does to fine detail is to be no finer than the real images are shown.
        return at_level(shown, float(self.g.level)) if isinstance(self.g, Growing) and shown is not images else shown

    def train_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """One step of the discriminator on images (n, C, H, W) in [-1, 1]; returns its loss."""
        recipe = self.recipe
        self.d.requires_grad_(True)
        shown = self.augmentation(torch.cat([real, fake]), self.rng)
        real, fake = shown.chunk(2)
        # A discriminator that compares the images of a batch must not be given real and generated ones in one.
        on_real, on_fake = (self.d(real), self.d(fake)) if self.compares else self.d(shown).chunk(2)
        loss = self.loss.discriminator(on_real, on_fake)
        if recipe.gradient_penalty:
            loss = loss + recipe.gradient_penalty * gradient_penalty(self.d, real, fake, self.rng)
        if recipe.drift:
            loss = loss + recipe.drift * on_real.square().mean()
        if recipe.r1 and self.step % recipe.r1_every == 0:
            loss = loss + recipe.r1 / 2 * recipe.r1_every * r1_penalty(self.d, real)
        self.augmentation.observe(on_real.detach())
        return stepped(self.adam_d, loss)

    def train_generator(self, fake: Tensor) -> Tensor:
        """One step of the generator, given images (n, C, H, W) of its own with their graph; returns its loss."""
        recipe = self.recipe
        self.d.requires_grad_(False)
        loss = self.loss.generator(self.d(self.augmentation(fake, self.rng)))
        if recipe.path_length and isinstance(self.g, StyleGenerator) and self.step % recipe.path_length_every == 0:
            # On half a batch, since it costs twice as much (Karras et al. 2020, appendix B).
            z = self.latents((len(fake) + 1) // 2)
            penalty = self.path_length(self.g, self.styles(self.g, z), self.rng)
            loss = loss + recipe.path_length * recipe.path_length_every * penalty
        return stepped(self.adam_g, loss)

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average of the generator's weights (Yazıcı et al. 2019); shorter while training is."""
        decay = averaging(self.recipe, self.step)
        torch._foreach_lerp_(list(self.average.parameters()), list(self.g.parameters()), 1 - decay)
        for mean, buffer in zip(self.average.buffers(), self.g.buffers(), strict=True):
            if buffer.is_floating_point():
                mean.lerp_(buffer, 1 - decay)
            else:
                mean.copy_(buffer)

    def modules(self) -> dict[str, nn.Module]:
        """Whatever has a state, but for the optimizers, by its name in the whole."""
        parts = {"g": self.g, "d": self.d, "average": self.average, "path_length": self.path_length}
        # Most augmentations have nothing to remember.
        return parts | ({"augmentation": self.augmentation} if self.augmentation.state_dict() else {})

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, named ``part/...``; ``rng`` is its owner's to keep."""
        for part, module in self.modules().items():
            yield from named(part, module.state_dict())
        for part, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            for index, moments in adam.state_dict()["state"].items():
                yield from named(f"{part}/{index}", moments)

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take up the state after ``step`` steps, as :meth:`tensors` gave it.

        Raises:
            KeyError: a part of the state is missing.
            RuntimeError, ValueError: the tensors are those of other networks.
        """
        for part, module in self.modules().items():
            module.load_state_dict(part_of(tensors, part))
        for part, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            _restore_adam(adam, part_of(tensors, part))
        self.step = step


def optimizer_of(weights: Iterable[Tensor], rate: float, recipe: Recipe) -> torch.optim.Adam:
    """The optimizer of a network's weights."""
    return torch.optim.Adam(weights, rate, (recipe.beta1, recipe.beta2), fused=True)


def slow_down(adam_g: torch.optim.Adam, adam_d: torch.optim.Adam, recipe: Recipe, step: int) -> None:
    """Set the rates of both optimizers to those of a step, if they fall to zero over the steps."""
    if recipe.decay:
        share = 1 - step / recipe.steps
        adam_g.param_groups[0]["lr"] = recipe.generator_rate * share
        adam_d.param_groups[0]["lr"] = recipe.discriminator_rate * share


def stepped(adam: torch.optim.Adam, losses: Tensor) -> Tensor:
    """One step of an optimizer down a loss, or the sum of several; returns what was given, without its graph."""
    adam.zero_grad()
    torch.autograd.backward(losses.sum())
    adam.step()
    return losses.detach()


def averaging(recipe: Recipe, step: int) -> float:
    """What is left of the averaged weights at a step: less at first, while there is little to average."""
    return min(recipe.average, step / (step + 10))


def named(part: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors under their names within a part of a state -> under their names ``part/...`` in the whole."""
    for name, tensor in tensors.items():
        yield f"{part}/{name}", tensor


def part_of(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part of a state, under their names within it: the inverse of :func:`named`.

    Raises:
        KeyError: there are none.
    """
    found = {name.removeprefix(f"{part}/"): value for name, value in tensors.items() if name.startswith(f"{part}/")}
    if not found:
        raise KeyError(part)
    return found


def _restore_adam(adam: torch.optim.Adam, tensors: Mapping[str, Tensor]) -> None:
    """Take up Adam's moments, named by the index of their weight and their own name."""
    weights = adam.param_groups[0]["params"]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, entry = name.partition("/")
        weight = weights[int(index)]
        # Fused Adam walks through memory: its moments must be laid out as their weights are (channels-last).
        laid_out = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
        state.setdefault(int(index), {})[entry] = laid_out
    adam.load_state_dict({**adam.state_dict(), "state": state})
