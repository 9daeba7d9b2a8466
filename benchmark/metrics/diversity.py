"""How varied a set of images is: 1 less the mean multi-scale structural similarity (MS-SSIM) of random pairs."""

from __future__ import annotations

import torch
from kornia.filters import filter2d_separable, get_gaussian_kernel1d
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import DataError
from benchmark.metrics.paired import WINDOW

PAIRS = 10_000
"""Pairs drawn. A pair's similarity lies in [0, 1], so drawing pairs adds a standard error of 0.005 at most (0.002 on
Fashion-MNIST)."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, from the finest to the coarsest (Wang et al. 2003, section 3.2)."""

BATCH = 250
"""Pairs compared at once."""


def scales(height: int, width: int) -> int:
    """How many of the five scales fit images of that size: each halves them, and a window must fit the smallest.

    One scale from 11 pixels a side, two from 22, three from 44, four from 88, five from 176; none below 11.
    """
    return sum(min(height, width) >> scale >= WINDOW for scale in range(len(SCALE_WEIGHTS)))


def diversity(images: Tensor, rng: torch.Generator, pairs: int = PAIRS) -> float:
    """1 less the mean MS-SSIM of random pairs of different images. High is varied; 0 is one image over and over.

    Odena et al. (arXiv 1610.09585, section 4.2) look at a generator's diversity so. MS-SSIM is Wang et al.'s
    ("Multiscale structural similarity for image quality assessment", 2003, eq. 7) with the window and the constants of
    SSIM. Images too small for five scales are compared at the finest that fit (:func:`scales`), whose exponents are
    divided by their sum: figures compare at one size of images only. Odd sides lose a line before they are halved.
    As in TensorFlow, a mean similarity below 0 at any scale counts as 0, and colour channels are compared one by one.

    Variety is not quality: noise is the most diverse. Judge a figure beside that of the training set.

    Args:
        images: uint8 (n, C, H, W), n >= 2, H and W at least 11; may be a view of a memory map.
        rng: draws the pairs, with replacement.
        pairs: how many.

    Returns:
        The diversity, in [0, 1].

    Raises:
        DataError: fewer than two images, not uint8 images, or images smaller than the window.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or len(images) < 2:
        raise DataError(
            f"images are {images.dtype} of shape {tuple(images.shape)}, "
            "but must be torch.uint8 (n, C, H, W), of two images at least"
        )
    if not scales(*images.shape[2:]):
        raise DataError(
            f"images are {images.shape[2]} x {images.shape[3]}, but MS-SSIM's window needs {WINDOW} x {WINDOW}"
        )
    first = torch.randint(len(images), (pairs,), generator=rng)
    second = (first + torch.randint(1, len(images), (pairs,), generator=rng)) % len(images)
    similarities = [
        _ms_ssim(images[a].to(torch.float32), images[b].to(torch.float32))
        for a, b in zip(torch.split(first, BATCH), torch.split(second, BATCH), strict=True)
    ]
    return 1 - float(torch.cat(similarities).mean(dtype=torch.float64))


def _ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """MS-SSIM of each pair, averaged over the channels: float32 (n, C, H, W) in [0, 255], twice -> (n,)."""
    count = scales(*a.shape[2:])
    exponents = torch.tensor(SCALE_WEIGHTS[:count]) / sum(SCALE_WEIGHTS[:count])
    factors = []
    for _ in range(count - 1):
        _, structure = _similarity(a, b)
        factors.append(structure)
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    luminance, structure = _similarity(a, b)
    # Luminance counts at the coarsest scale alone.
    factors.append(luminance * structure)
    means = torch.stack([factor.mean(dim=(2, 3)) for factor in factors])
    return means.clamp(min=0).pow(exponents[:, None, None]).prod(dim=0).mean(dim=1)


def _similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure, in each window (Wang et al. 2003, eq. 1 to 3), where it fits whole."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    window = get_gaussian_kernel1d(WINDOW, 1.5)
    maps = torch.cat([a, b, a * a, b * b, a * b], dim=1)
    mean_a, mean_b, aa, bb, ab = filter2d_separable(maps, window, window, padding="valid").chunk(5, dim=1)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * (ab - mean_a * mean_b) + c2) / (aa - mean_a**2 + bb - mean_b**2 + c2)
    return luminance, structure
