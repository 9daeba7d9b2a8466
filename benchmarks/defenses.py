"""What a defense costs beside the bare library call it is made of.

The defense goes the whole way that the harness takes, `Defense.answer`: from images uint8 NCHW to answers uint8 NCHW,
every check included. The bare call finds its images laid out, uint8 NHWC, and leaves what comes of them where it is.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from kornia.enhance import jpeg_codec_differentiable

from benchmark.artifacts import DRAW
from benchmark.interfaces import Defense
from benchmarks.inputs import images
from benchmarks.race import Peer, Race, results
from benchmarks.section import Section
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.noise import Noise

SHAPES = ((1, 32), (3, 32), (3, 64))
"""Channels and side."""
GENERATOR = torch.Generator().manual_seed(0)
"""What bare noise is drawn from, as a defense's is handed to it."""


def bare_jpeg(pictures: np.ndarray) -> None:
    for picture in pictures:
        cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_UNCHANGED)


def bare_kornia(pictures: np.ndarray) -> None:
    planes = torch.from_numpy(pictures).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    jpeg_codec_differentiable(planes / 255, torch.tensor([50.0]))


def bare_gaussian(pictures: np.ndarray) -> None:
    for picture in pictures:
        cv2.GaussianBlur(picture, (5, 5), 1.1)


def bare_median(pictures: np.ndarray) -> None:
    for picture in pictures:
        cv2.medianBlur(picture, 5)


def bare_bilateral(pictures: np.ndarray) -> None:
    for picture in pictures:
        cv2.bilateralFilter(picture, 5, 25.5, 1.1)


def bare_noise(pictures: np.ndarray) -> None:
    torch.randn(pictures.shape, generator=GENERATOR).add_(torch.from_numpy(pictures))


ROWS: dict[str, tuple[Defense, Callable[[np.ndarray], None]]] = {
    "jpeg": (Jpeg(quality=50), bare_jpeg),
    "jpeg, kornia": (Jpeg(quality=50, codec="kornia"), bare_kornia),
    "filter, gaussian": (Filter("gaussian", 5), bare_gaussian),
    "filter, median": (Filter("median", 5), bare_median),
    "filter, bilateral": (Filter("bilateral", 5, sigma_color=0.1), bare_bilateral),
    "noise": (Noise(sigma=0.1), bare_noise),
}
"""Each defense, and its bare call on images uint8 (n, H, W, C)."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    races = [
        race(f"{name}, {channels}x{side}x{side}", defense, bare, channels, side)
        for name, (defense, bare) in ROWS.items()
        for channels, side in SHAPES[: 1 if smoke else None]
    ]
    table, bars = results(races, rounds)
    about = (
        f"{DRAW} images at a time, as the harness draws them: the whole way from images to checked answers, against "
        "the bare call on images that are laid out for it already. Below 1 is what the checks and the layout cost."
    )
    return Section("Defenses", about, [table], bars)


def race(what: str, defense: Defense, bare: Callable[[np.ndarray], None], channels: int, side: int) -> Race:
    """A defense and its bare call on the same images."""
    given = images(DRAW, channels, side)
    pictures = np.ascontiguousarray(given.permute(0, 2, 3, 1).numpy())
    rng = torch.Generator().manual_seed(0)
    return Race(what, lambda: defense.answer(given, rng), [Peer("the bare call", lambda: lambda: bare(pictures))])
