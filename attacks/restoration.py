"""Restoring damaged images, with what can be learnt from pairs of clean and damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import cv2
import numpy as np
import torch
from scipy.fft import dctn, idctn
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.compute import compute_device
from benchmark.images import ImageShape, check_channels, through_opencv, to_float, to_uint8
from benchmark.metrics import psnr
from benchmark.progress import Reporter

Restorer = Callable[[Tensor], Tensor]
"""Damaged images uint8 (n, C, H, W) -> what they may have been, uint8 of the same shape."""

BATCH = 500
"""Images restored at a time; only memory depends on it."""

LEVELS = (3, 5, 10, 20, 30, 45, 60, 80)
"""Strengths h of non-local means that are tried, in the 256 levels; about the noise's standard deviation each."""

SHIFTS = 4
"""Shifts along either side whose mean a deblocked image is: every second one of the 8 pixels of JPEG's blocks."""

WIDTH, DEPTH = 32, 5
"""Channels and convolutions of the network; DnCNN has 64 and 17."""

RATE = 2e-3
"""Adam's rate at the first step of the network; it falls to zero along a cosine."""

PATCH, PATCHES = 32, 16
"""Side of the patches that the network learns from in pixels (DnCNN's are of 40), and how many it is shown a step."""

GRID = 8
"""Patches start at multiples of so many pixels, so that the blocks of a compression lie in all of them alike."""

DISCS = 100
"""Discs of a dead leaves image; of a mean area of 2 pi log(8) least radii squared, they cover it five times over."""


@dataclass(frozen=True)
class Damage:
    """Examples of what a defense does to images, and the defense itself.

    Args:
        clean: uint8 (n, C, H, W).
        defended: what became of them, uint8 of the same shape.
        defend: does it to any images uint8 (n, C, H, W).
    """

    clean: Tensor
    defended: Tensor
    defend: Callable[[Tensor], Tensor]

    def gain(self, restorer: Restorer) -> float:
        """Mean PSNR of restored images to the clean ones less that of the defended ones, in dB; high: well restored."""
        return psnr(in_batches(restorer, self.defended), self.clean) - psnr(self.defended, self.clean)


def in_batches(restorer: Restorer, images: Tensor) -> Tensor:
    """All images restored, :data:`BATCH` at a time; uint8 (n, C, H, W) in and out."""
    return torch.cat([restorer(part) for part in torch.split(images, BATCH)])


def denoiser(damage: Damage) -> Restorer:
    """Non-local means, of the strength that restores the examples best.

    Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005; OpenCV's, with patches of 5 x 5
    pixels that are looked for in 11 x 11, about half of its defaults, as small images hold few that are alike.
    """

    def at(level: int) -> Restorer:
        smooth = partial(cv2.fastNlMeansDenoising, h=level, templateWindowSize=5, searchWindowSize=11)
        return lambda images: through_opencv(images, smooth)

    return max(map(at, LEVELS), key=damage.gain)


def deblurrer(damage: Damage) -> Restorer:
    """Wiener's deconvolution, with spectra estimated from the examples.

    The linear estimate of least mean square error (Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary
    Time Series", 1949) of each coefficient of the cosine transform by its own: m_x + S_xy / S_yy (y - m_y). The
    cosine transform takes images for mirrored at their edges, as filters do, and a symmetric blur is a product there
    (Martucci, "Symmetric convolution and the discrete sine and cosine transforms", 1994). Neither blur nor noise has to
    be known.
    """
    x, y = (to_float(images).numpy() for images in (damage.clean, damage.defended))
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    u, v = (dctn(images, axes=(2, 3), norm="ortho") for images in (x - mean_x, y - mean_y))
    response = (u * v).sum(axis=0) / np.maximum((v * v).sum(axis=0), np.finfo(np.float32).tiny)

    def restore(images: Tensor) -> Tensor:
        spectra = dctn(to_float(images).numpy() - mean_y, axes=(2, 3), norm="ortho") * response
        return to_uint8(torch.from_numpy(idctn(spectra, axes=(2, 3), norm="ortho") + mean_x))

    return restore


def deblocker(damage: Damage) -> Restorer:
    """The mean of what the defense makes of shifted images, shifted back.

    Blocks lie elsewhere in each, and average out: Nosratinia, "Enhancement of JPEG-Compressed Images by Re-Application
    of JPEG", 2001, with a quarter of its 64 shifts. A pixel is the mean of those shifts that leave it in the image.
    """

    def restore(images: Tensor) -> Tensor:
        _, _, height, width = images.shape
        total, count = torch.zeros(images.shape), torch.zeros(height, width)
        for dy in range(0, GRID, GRID // SHIFTS):
            for dx in range(0, GRID, GRID // SHIFTS):
                rows, columns = ((torch.arange(n) - d).clamp(min=0) for n, d in ((height, dy), (width, dx)))
                again = damage.defend(images[..., rows[:, None], columns])
                total[..., : height - dy, : width - dx] += again[..., dy:, dx:]
                count[: height - dy, : width - dx] += 1
        return to_uint8(total / count / 255)

    return restore


def network(damage: Damage, steps: int, rng: torch.Generator, reporter: Reporter) -> Restorer:
    """A small network that learns from the examples what to take away from an image.

    Zhang et al., "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising", 2017 (arXiv
    1608.03981), without batch normalisation, which so few layers do without. It minimizes the mean square error, so
    that where much was lost, images come back smoother than they were.

    Args:
        damage: the examples.
        steps: of training.
        rng: determines the weights and the order of the examples.
        reporter: told of the training.
    """
    device, seed = compute_device(), int(torch.randint(2**31, (1,), generator=rng))
    with torch.random.fork_rng(devices=[]):
        # Layers draw their initial weights from the global generator; it is left as it was found.
        torch.random.manual_seed(seed)
        net = Residual(damage.clean.shape[1]).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    # What is restored is trained on, and a training that is resumed has to find the same images again.
    with torch.backends.cudnn.flags(deterministic=True), reporter.stage("restoration", steps) as stage:
        for _ in range(steps):
            clean, defended = (to_float(part).to(device) for part in patches(damage, PATCHES, rng))
            loss = F.mse_loss(net(defended), clean)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            stage.advance()
    return lambda images: to_uint8(net.restored(to_float(images).to(device)).cpu())


class Residual(nn.Module):
    """Convolutions of 3 x 3 whose outcome is taken away from the image; at first nothing.

    Args:
        channels: of the images.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels, *[WIDTH] * (DEPTH - 1), channels]
        layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)]
        for tensor in layers[-1].parameters():
            nn.init.zeros_(tensor)
        self.body = nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.ReLU())), layers[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Damaged images float32 (n, C, H, W) in [0, 1] -> restored ones, of the same shape."""
        restored: Tensor = x - self.body(x)
        return restored

    @torch.inference_mode()
    def restored(self, x: Tensor) -> Tensor:
        """The same, without a gradient."""
        restored: Tensor = self(x)
        return restored


def patches(damage: Damage, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """``n`` patches of random images, clean and defended, uint8 (n, C, at most PATCH, at most PATCH) each."""
    _, _, height, width = damage.clean.shape
    chosen = torch.randint(len(damage.clean), (n,), generator=rng)
    top, left = (
        GRID * int(torch.randint(max(side - PATCH, 0) // GRID + 1, (1,), generator=rng)) for side in (height, width)
    )
    window = (..., slice(top, top + PATCH), slice(left, left + PATCH))
    return damage.clean[chosen][window], damage.defended[chosen][window]


def dead_leaves(n: int, shape: ImageShape, rng: torch.Generator) -> Tensor:
    """Images of nothing that are like photographs in their edges and scales: discs that hide one another.

    Radii from a sixteenth to half of the side, with a density in proportion to r^-3, as is that of things in
    photographs (Lee, Mumford and Huang, "Occlusion Models for Natural Images", 2001). What is learnt of restoration
    from them holds for photographs (Achddou, Gousseau and Ladjal, "Synthetic images as a regularity prior for image
    restoration neural networks", 2021).

    Args:
        n: number of images.
        shape: (C, H, W), C of 1 or 3.
        rng: where they are drawn from.

    Returns:
        uint8 (n, C, H, W).

    Raises:
        UsageError: images of another number of channels are asked for.
    """
    channels, height, width = shape
    images = torch.zeros(n, *shape, dtype=torch.uint8)
    check_channels(images, "dead leaves")
    drawn = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng)))
    side = min(height, width)
    for image in images:
        # The inverse of the distribution function of r^-3 between two radii.
        least, greatest = (side / 16) ** -2, (side / 2) ** -2
        radii = (least - drawn.random(DISCS) * (least - greatest)) ** -0.5
        places = drawn.random((DISCS, 2)) * (width, height)
        colours = drawn.integers(0, 256, (DISCS, channels))
        canvas = np.full((height, width, channels), colours[0], dtype=np.uint8)
        for place, radius, colour in zip(places.astype(int).tolist(), radii, colours.tolist(), strict=True):
            cv2.circle(canvas, place, round(radius), colour, cv2.FILLED, cv2.LINE_AA)
        image[:] = torch.from_numpy(canvas).permute(2, 0, 1)
    return images
