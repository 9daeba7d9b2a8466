"""How far a defense changes each image: PSNR and SSIM between an answer and the undefended image behind it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from kornia.metrics import ssim as ssim_map
from torch import Tensor

from benchmark.errors import DataError

BATCH = 256
"""Images compared at once."""

WINDOW = 11
"""Side of SSIM's Gaussian window, in pixels; its standard deviation is 1.5 (Wang et al. 2004, section III-C)."""


def psnr(answers: Tensor, undefended: Tensor, batch: int = BATCH) -> float:
    """Peak signal-to-noise ratio 10 log10(255^2 / MSE) of each pair, averaged over the pairs. Higher is closer.

    An unchanged image counts as one in which a single value is off by one level, 10 log10(255^2 C H W): the most that
    a changed image can reach. Its own ratio is infinite, and one such image would make the mean infinite however
    badly the others fared.

    Args:
        answers: uint8 (n, C, H, W).
        undefended: uint8 (n, C, H, W); symmetric in the two.
        batch: images compared at once; changes memory and time, not the result.

    Returns:
        The mean, in dB.

    Raises:
        DataError: no images, not uint8 images, or different shapes.
    """
    _check(answers, undefended)
    return _mean(_psnr, answers, undefended, batch)


def ssim(answers: Tensor, undefended: Tensor, batch: int = BATCH) -> float:
    """Structural similarity of each pair, averaged over windows, channels and pairs. Higher is closer; 1 is identical.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, eq. 13, with its
    constants (0.01 x 255)^2 and (0.03 x 255)^2 and its window of 11 x 11, placed only where it fits within the image,
    as in the authors' implementation. Colour channels are compared one by one. In float32: off by less than 1e-3 on
    flat bright regions, far less elsewhere.

    Args:
        answers: uint8 (n, C, H, W), H and W at least 11.
        undefended: uint8 (n, C, H, W); symmetric in the two.
        batch: images compared at once; changes memory and time, not the result beyond rounding.

    Returns:
        The mean, in [-1, 1].

    Raises:
        DataError: no images, not uint8 images, different shapes, or images smaller than the window.
    """
    _check(answers, undefended)
    if min(answers.shape[2:]) < WINDOW:
        raise DataError(
            f"images are {answers.shape[2]} x {answers.shape[3]}, but SSIM's window needs {WINDOW} x {WINDOW}; "
            "leave SSIM out for this track"
        )
    return _mean(_ssim, answers, undefended, batch)


def _check(answers: Tensor, undefended: Tensor) -> None:
    for role, images in (("answers", answers), ("undefended images", undefended)):
        if images.dtype != torch.uint8 or images.ndim != 4 or images.numel() == 0:
            raise DataError(
                f"{role} are {images.dtype} of shape {tuple(images.shape)}, but must be torch.uint8 (n, C, H, W)"
            )
    if answers.shape != undefended.shape:
        raise DataError(
            f"answers have shape {tuple(answers.shape)} and undefended images {tuple(undefended.shape)}; "
            "give the pairs in the same order and number"
        )


def _mean(score: Callable[[Tensor, Tensor], Tensor], answers: Tensor, undefended: Tensor, batch: int) -> float:
    """Mean over the pairs of ``score``: float32 (b, C, H, W) in [0, 255], twice -> (b,)."""
    scores = [
        score(a.to(torch.float32), b.to(torch.float32))
        for a, b in zip(torch.split(answers, batch), torch.split(undefended, batch), strict=True)
    ]
    return float(torch.cat(scores).mean(dtype=torch.float64))


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    error = (a - b).square().sum(dim=(1, 2, 3), dtype=torch.float64).clamp(min=1)
    return 10 * torch.log10(255**2 * a[0].numel() / error)


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    # Without kornia's eps in the denominator, which Wang et al.'s constants make needless.
    return torch.as_tensor(ssim_map(a, b, WINDOW, max_val=255.0, eps=0.0, padding="valid")).mean(dim=(1, 2, 3))
