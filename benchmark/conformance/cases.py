"""What plugins are tried on: images of many kinds, numbers of latents, requests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from hypothesis import strategies
from torch import Tensor
from torch.nn import functional as F

from benchmark.artifacts import DRAW
from benchmark.config import MIN_SIDE

CONTENTS = ("noise", "black", "white", "grey", "shapes")
"""What the images of a case show; constant ones are where a division by their spread fails."""

MAX_SIDE = 64
"""Greatest side of the images, in pixels: that of the largest of the tracks that come with the harness."""

MAX_COUNT = 7
"""Images in a batch."""

MANY = DRAW
"""Images in a batch that is answered: what a plugin does from some number on must be met too."""


@dataclass(frozen=True)
class ImageCase:
    """A batch of images, and the seed of the generator that is handed over with it."""

    channels: int
    side: int
    count: int
    content: str
    seed: int

    def images(self) -> Tensor:
        """uint8 (count, channels, side, side); the same for equal cases."""
        rng = generator(self.seed)
        shape = (self.count, self.channels, self.side, self.side)
        if self.content in ("black", "white", "grey"):
            return torch.full(shape, {"black": 0, "white": 255, "grey": 128}[self.content], dtype=torch.uint8)
        if self.content == "noise":
            return torch.randint(256, shape, generator=rng, dtype=torch.uint8)
        coarse = torch.rand(self.count, self.channels, 4, 4, generator=rng)
        smooth = F.interpolate(coarse, size=(self.side, self.side), mode="bilinear", align_corners=False)
        return (smooth * 255).to(torch.uint8)

    def others(self) -> Tensor:
        """Other images of the same shape."""
        return replace(self, content="noise", seed=self.seed + 1).images()

    def __str__(self) -> str:
        side = f"{self.channels}x{self.side}x{self.side}"
        return f"{_counted(self.count, 'image')} of {side}, {self.content}, seed {self.seed}"


@dataclass(frozen=True)
class LatentCase:
    """A number of latents of a target, and the seed of the generator."""

    count: int
    latent_dim: int
    seed: int

    def __str__(self) -> str:
        return f"{_counted(self.count, 'latent')} of dimension {self.latent_dim}, seed {self.seed}"


@dataclass(frozen=True)
class DrawCase:
    """A number of things to draw, and the seed of the generator."""

    count: int
    seed: int

    def __str__(self) -> str:
        return f"n = {self.count}, seed {self.seed}"


_SEEDS = strategies.integers(0, 2**31 - 2)


def image_cases(contents: tuple[str, ...] = CONTENTS, least: int = 1) -> strategies.SearchStrategy[ImageCase]:
    """Batches of at least ``least`` images that show some of :data:`CONTENTS`."""
    return strategies.builds(
        ImageCase,
        channels=strategies.sampled_from((1, 3)),
        side=strategies.integers(MIN_SIDE, MAX_SIDE),
        count=strategies.integers(least, MAX_COUNT),
        content=strategies.sampled_from(contents),
        seed=_SEEDS,
    )


LATENT_CASES = strategies.builds(
    LatentCase, count=strategies.integers(1, 40), latent_dim=strategies.integers(2, 64), seed=_SEEDS
)
"""Numbers of latents of targets of several dimensions."""

DRAW_CASES = strategies.builds(DrawCase, count=strategies.integers(1, MAX_COUNT), seed=_SEEDS)
"""Numbers of images or latents of one target."""

REQUESTS = strategies.integers(0, 10**6)
"""Numbers of images that somebody asks for."""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def generator(seed: int) -> torch.Generator:
    """The generator of a seed."""
    return torch.Generator().manual_seed(seed)
