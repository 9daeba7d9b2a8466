"""What is done to images, real and generated alike, before a discriminator is shown them; all of it differentiable."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Drawn = tuple[Tensor, ...]
"""What is to be done to images, by numbers (n, ...) of each."""


class Augmentation(nn.Module):
    """Images as they are. What an augmentation must remember lies in its buffers.

    What it draws is apart from what it does, so that images of several trainings, each of which draws for itself, can
    be changed at once.
    """

    def forward(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Images float32 (n, C, H, W) in [-1, 1] -> images of the same shape, each changed as ``rng`` has it."""
        drawn = self.draw(len(x), (x.shape[2], x.shape[3]), rng)
        return self.changed(x, tuple(numbers.to(x.device) for numbers in drawn))

    def draw(self, n: int, sides: tuple[int, int], rng: torch.Generator) -> Drawn:
        """What to do to ``n`` images of ``sides`` (H, W); nothing if it is nothing."""
        return ()

    def changed(self, x: Tensor, drawn: Drawn) -> Tensor:
        """Images float32 (n, C, H, W) in [-1, 1] as they were drawn to be, on whose device the numbers are too."""
        return x

    def observe(self, on_real: Tensor) -> None:
        """Take note of the discriminator's logits (n,) of real images, once per step of it."""


class Translation(Augmentation):
    """Translation by up to an eighth of the side; what comes in is black. The mildest part of :class:`DiffAugment`."""

    def draw(self, n: int, sides: tuple[int, int], rng: torch.Generator) -> Drawn:
        """See :class:`Augmentation`; shifts in pixels, int64 (n, 1), down and to the right."""
        return tuple(torch.randint(-(side // 8), side // 8 + 1, (n, 1), generator=rng) for side in sides)

    def changed(self, x: Tensor, drawn: Drawn) -> Tensor:
        """See :class:`Augmentation`."""
        shift_y, shift_x = drawn
        n, _, height, width = x.shape
        reach_y, reach_x = height // 8, width // 8
        padded = F.pad(x, (reach_x, reach_x, reach_y, reach_y), value=-1.0)
        rows = (torch.arange(height, device=x.device) + reach_y + shift_y)[:, :, None]
        columns = (torch.arange(width, device=x.device) + reach_x + shift_x)[:, None, :]
        moved = padded.permute(0, 2, 3, 1)[torch.arange(n, device=x.device)[:, None, None], rows, columns]
        return moved.permute(0, 3, 1, 2)


class DiffAugment(Translation):
    """Differentiable augmentation (DiffAugment): colour, translation and cutout, for few images.

    Source: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020 (arXiv 2006.10738),
    section 4, with the ranges of the published code: brightness moves by up to 0.5 in
    [-1, 1], differences from the gray of a pixel are multiplied by 0 to 2 and those from the mean of the image
    by 0.5 to 1.5, and a square of half the side, about any pixel of the image, becomes gray. What a translation brings
    in is black instead of gray.
    """

    def draw(self, n: int, sides: tuple[int, int], rng: torch.Generator) -> Drawn:
        """See :class:`Augmentation`; three of colours in [0, 1), shifts, and a pixel's row and column, int64 (n, 1)."""
        colours = torch.rand(3, n, 1, 1, 1, generator=rng)
        shifts = super().draw(n, sides, rng)
        return *colours, *shifts, *(torch.randint(side, (n, 1), generator=rng) for side in sides)

    def changed(self, x: Tensor, drawn: Drawn) -> Tensor:
        """See :class:`Augmentation`."""
        brightness, saturation, contrast = (colour.to(x.dtype) for colour in drawn[:3])
        *shifts, row, column = drawn[3:]
        x = x + (brightness - 0.5)
        x = torch.lerp(x.mean(dim=1, keepdim=True), x, 2 * saturation)
        x = torch.lerp(x.mean(dim=(1, 2, 3), keepdim=True), x, contrast + 0.5)
        return super().changed(x, tuple(shifts)) * _outside_of_squares(row, column, (x.shape[2], x.shape[3]))


def _outside_of_squares(row: Tensor, column: Tensor, sides: tuple[int, int]) -> Tensor:
    """Masks (n, 1, H, W): 0 in a rectangle of half the sides about a pixel of each image, cut off at the edge."""
    rows, columns = (
        (torch.arange(side, device=centre.device) - centre + side // 4) // (side // 2) == 0
        for side, centre in zip(sides, (row, column), strict=True)
    )
    return 1 - (rows[:, None, :, None] & columns[:, None, None, :]).float()


class Adaptive(Augmentation):
    """Adaptive discriminator augmentation (ADA): moves, turns, scales and recolours images the more it overfits.

    Source: Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020 (arXiv
    2006.06676), sections 2.2 and 3, and appendix B: the pipeline of pixel blitting, geometric and colour
    transformations. Images are resampled once, bilinearly and at their own size, where the paper resamples at twice the
    size with a wavelet filter.

    Args:
        target: mean sign of the logits of real images that is aimed at.
        images: real images in which ``probability`` may go from 0 to 1.
    """

    EVERY = 4
    """Steps of the discriminator between two changes of the probability."""

    probability: Tensor
    signs: Tensor

    def __init__(self, target: float, images: int) -> None:
        super().__init__()
        self.target, self.images = target, images
        self.register_buffer("probability", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(3))
        """Sum of the signs since the last change, how many they are, and of how many steps."""

    def draw(self, n: int, sides: tuple[int, int], rng: torch.Generator) -> Drawn:
        """See :class:`Augmentation`; maps of places (n, 3, 3) and of colours (n, 4, 4)."""
        p = float(self.probability)
        return (_placement(n, sides[1], p, rng), _recoloring(n, p, rng)) if p else ()

    def changed(self, x: Tensor, drawn: Drawn) -> Tensor:
        """See :class:`Augmentation`; C is 1 or 3."""
        if not drawn:
            return x
        placement, recoloring = drawn
        n, channels, height, width = x.shape
        grid = F.affine_grid(placement[:, :2], [*x.shape], align_corners=False)
        placed = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        rgb = placed.expand(-1, 3, -1, -1).flatten(2)
        recolored = torch.baddbmm(recoloring[:, :3, 3:], recoloring[:, :3, :3], rgb).view(n, 3, height, width)
        return recolored if channels == 3 else recolored.mean(dim=1, keepdim=True)

    def observe(self, on_real: Tensor) -> None:
        """See :class:`Augmentation`."""
        self.signs += self.signs.new_tensor([float(on_real.sign().sum()), len(on_real), 1])
        total, count, steps = self.signs.tolist()
        if steps == self.EVERY:
            self.probability += math.copysign(count / self.images, total / count - self.target)
            self.probability.clamp_(0, 1)
            self.signs.zero_()


def _placement(n: int, side: int, p: float, rng: torch.Generator) -> Tensor:
    """Where in an image each pixel comes from: maps (n, 3, 3) of homogeneous coordinates in [-1, 1].

    Each transformation is as likely as its inverse, so that it does not matter which of the two a map describes.
    """
    flip = 1 - 2 * _sometimes(torch.randint(2, (n,), generator=rng).float(), 0, p, rng)
    quarters = _sometimes(torch.randint(4, (n,), generator=rng).float(), 0, p, rng)
    pixels = _sometimes((torch.rand(n, 2, generator=rng) / 4 - 1 / 8).mul(side).round(), 0, p, rng)
    scale = _sometimes(torch.randn(n, generator=rng).mul(0.2).exp2(), 1, p, rng)
    stretch = _sometimes(torch.randn(n, generator=rng).mul(0.2).exp2(), 1, p, rng)
    # Turned before or after the stretching, or both: by some angle with probability p in all.
    once = 1 - math.sqrt(1 - p)
    before, after = (_sometimes(_angles(n, rng), 0, once, rng) for _ in range(2))
    fraction = _sometimes(torch.randn(n, 2, generator=rng) / 8, 0, p, rng)
    ones = torch.ones(n)
    return (
        _scaled(flip, ones)
        @ _turned(quarters * (math.pi / 2))
        @ _moved(pixels * (2 / side))
        @ _scaled(scale, scale)
        @ _turned(before)
        @ _scaled(stretch, 1 / stretch)
        @ _turned(after)
        @ _moved(fraction * 2)
    )


def _recoloring(n: int, p: float, rng: torch.Generator) -> Tensor:
    """Brightness, contrast, inverted luma, hue and saturation: maps (n, 4, 4) of homogeneous colours in [-1, 1]."""
    brightness = _sometimes(torch.randn(n, generator=rng) / 5, 0, p, rng)
    contrast = _sometimes(torch.randn(n, generator=rng).div(2).exp2(), 1, p, rng)
    inverted = 1 - 2 * _sometimes(torch.randint(2, (n,), generator=rng).float(), 0, p, rng)
    hue = _sometimes(_angles(n, rng), 0, p, rng)
    saturation = _sometimes(torch.randn(n, generator=rng).exp2(), 1, p, rng)
    # A colour is a gray and what it differs from that gray by, which turns about the gray axis (Rodrigues).
    gray = torch.full((3, 3), 1 / 3)
    across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    cosine, sine, inverted, saturation = (each[:, None, None] for each in (hue.cos(), hue.sin(), inverted, saturation))
    turned = inverted * gray + saturation * (cosine * (torch.eye(3) - gray) + sine * across)
    maps = torch.eye(4).repeat(n, 1, 1)
    maps[:, :3, :3] = turned * contrast[:, None, None]
    maps[:, :3, 3] = (contrast * inverted[:, 0, 0] * brightness)[:, None]
    return maps


def _sometimes(values: Tensor, otherwise: float, p: float, rng: torch.Generator) -> Tensor:
    """Each row of ``values`` (n, ...) with probability ``p``, and ``otherwise`` if not."""
    chosen = torch.rand(len(values), *[1] * (values.ndim - 1), generator=rng) < p
    return torch.where(chosen, values, otherwise)


def _angles(n: int, rng: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=rng) * 2 - 1) * math.pi


def _scaled(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def _turned(angle: Tensor) -> Tensor:
    maps = torch.eye(3).repeat(len(angle), 1, 1)
    maps[:, 0, 0] = maps[:, 1, 1] = angle.cos()
    maps[:, 1, 0] = angle.sin()
    maps[:, 0, 1] = -angle.sin()
    return maps


def _moved(offset: Tensor) -> Tensor:
    maps = torch.eye(3).repeat(len(offset), 1, 1)
    maps[:, :2, 2] = offset
    return maps


AUGMENTATIONS: dict[str, Callable[[float, int], Augmentation]] = {
    "none": lambda target, images: Augmentation(),
    "translation": lambda target, images: Translation(),
    "diffaugment": lambda target, images: DiffAugment(),
    "ada": Adaptive,
}
"""By name; each is made from what :class:`Adaptive` takes."""
