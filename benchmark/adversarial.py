"""Generator and discriminator as they train against each other: their weights, their optimizers, and one step of each.

Hinge loss, Adam, averaged generator weights, channels-last.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from benchmark.images import ImageShape
from benchmark.networks import DISCRIMINATORS, GENERATORS
from benchmark.recipe import Recipe


class AdversarialPair:
    """A generator ``g`` and a discriminator ``d`` in training, and the ``average`` of the generator's weights.

    Args:
        recipe: how they are built and trained.
        image_shape: (C, H, W) of the images.
        seed: determines the initial weights.
        rng: where steps draw their latents and translations from.
    """

    def __init__(self, recipe: Recipe, image_shape: ImageShape, seed: int, rng: torch.Generator) -> None:
        self.recipe, self.rng = recipe, rng
        with torch.random.fork_rng(devices=[]):
            # Layers draw their initial weights from the global generator; it is left as it was found.
            torch.random.manual_seed(seed)
            self.g = GENERATORS[recipe.generator](recipe.latent_dim, image_shape, recipe.generator_width)
            self.d = DISCRIMINATORS[recipe.discriminator](image_shape, recipe.discriminator_width)
        self.g.to(memory_format=torch.channels_last)
        self.d.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        self.adam_g = self._adam(self.g, recipe.generator_rate)
        self.adam_d = self._adam(self.d, recipe.discriminator_rate)
        self.step = 0

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), rate, (self.recipe.beta1, self.recipe.beta2), fused=True)

    def advance(self, real: Tensor) -> tuple[float, float]:
        """One step of each network against the other.

        Args:
            real: images float32 (n, C, H, W) in [-1, 1], channels-last.

        Returns:
            The losses (discriminator, generator); not finite once training has diverged.
        """
        recipe = self.recipe
        if recipe.decay:
            share = 1 - self.step / recipe.steps
            self.adam_g.param_groups[0]["lr"] = recipe.generator_rate * share
            self.adam_d.param_groups[0]["lr"] = recipe.discriminator_rate * share
        # One batch of generated images serves both networks, which saves the generator's second forward pass.
        fake = self.g(torch.randn(len(real), recipe.latent_dim, generator=self.rng))

        self.d.requires_grad_(True)
        on_real, on_fake = self.d(self.augmented(torch.cat([real, fake.detach()]))).split(len(real))
        loss_d = torch.relu(1 - on_real).mean() + torch.relu(1 + on_fake).mean()
        self.adam_d.zero_grad()
        torch.autograd.backward(loss_d)
        self.adam_d.step()

        self.d.requires_grad_(False)
        loss_g = -self.d(self.augmented(fake)).mean()
        self.adam_g.zero_grad()
        torch.autograd.backward(loss_g)
        self.adam_g.step()

        self.step += 1
        self.update_average()
        return float(loss_d.detach()), float(loss_g.detach())

    def augmented(self, x: Tensor) -> Tensor:
        """Images float32 (n, C, H, W) in [-1, 1] as the discriminator sees them.

        Of the augmentations of DiffAugment (Zhao et al. 2020), translation by up to an eighth of the side, if any.
        """
        if self.recipe.augment == "none":
            return x
        n, _, height, width = x.shape
        reach_y, reach_x = height // 8, width // 8
        shift_y = torch.randint(-reach_y, reach_y + 1, (n, 1), generator=self.rng)
        shift_x = torch.randint(-reach_x, reach_x + 1, (n, 1), generator=self.rng)
        padded = nn.functional.pad(x, (reach_x, reach_x, reach_y, reach_y), value=-1.0)
        rows = (torch.arange(height) + reach_y + shift_y)[:, :, None]
        columns = (torch.arange(width) + reach_x + shift_x)[:, None, :]
        moved = padded.permute(0, 2, 3, 1)[torch.arange(n)[:, None, None], rows, columns]
        return moved.permute(0, 3, 1, 2)

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average of the generator's weights (Yazıcı et al. 2019); shorter while training is."""
        decay = min(self.recipe.average, self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.g.parameters()), 1 - decay)
        for mean, buffer in zip(self.average.buffers(), self.g.buffers(), strict=True):
            if buffer.is_floating_point():
                mean.lerp_(buffer, 1 - decay)
            else:
                mean.copy_(buffer)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, named ``part/...``; ``rng`` is its owner's to keep."""
        for part, network in (("g", self.g), ("d", self.d), ("average", self.average)):
            yield from named(part, network.state_dict())
        for part, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            for index, moments in adam.state_dict()["state"].items():
                yield from named(f"{part}/{index}", moments)

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take up the state after ``step`` steps, as :meth:`tensors` gave it.

        Raises:
            KeyError: a part of the state is missing.
            RuntimeError, ValueError: the tensors are those of other networks.
        """
        for part, network in (("g", self.g), ("d", self.d), ("average", self.average)):
            network.load_state_dict(part_of(tensors, part))
        for part, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            _restore_adam(adam, part_of(tensors, part))
        self.step = step


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
