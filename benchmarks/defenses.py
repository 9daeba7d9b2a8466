"""What a defense costs beside the bare library call it is made of, in turn, by the median.

The defense goes the whole way that the harness takes, `Defense.answer`: from images uint8 NCHW to answers uint8 NCHW,
every check included. The bare call finds its images laid out, uint8 NHWC, and leaves what comes of them where it is.

python -m benchmarks.defenses
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
import cv2
import numpy as np
import torch
from kornia.enhance import jpeg_codec_differentiable
from torch import Tensor
from torch.nn import functional as F

from benchmark.artifacts import DRAW
from benchmark.interfaces import Defense
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.noise import Noise

SHAPES = ((1, 32, 32), (3, 32, 32), (3, 64, 64))


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
    pictures + np.random.default_rng(0).standard_normal(pictures.shape, dtype=np.float32)


ROWS: dict[str, tuple[Defense, Callable[[np.ndarray], None]]] = {
    "jpeg": (Jpeg(quality=50), bare_jpeg),
    "jpeg, kornia": (Jpeg(quality=50, codec="kornia"), bare_kornia),
    "filter, gaussian": (Filter("gaussian", 5), bare_gaussian),
    "filter, median": (Filter("median", 5), bare_median),
    "filter, bilateral": (Filter("bilateral", 5, sigma_color=0.1), bare_bilateral),
    "noise": (Noise(sigma=0.1), bare_noise),
}
"""Each defense, and its bare call on images uint8 (n, H, W, C)."""


def smooth_images(shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """A batch as the harness draws it, uint8 (n, C, H, W); smooth, as a generator's are: noise is a codec's worst."""
    channels, height, width = shape
    coarse = torch.rand(DRAW, channels, 8, 8, generator=rng)
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1).mul(255).to(torch.uint8)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure(
    defense: Defense, bare: Callable[[np.ndarray], None], shape: tuple[int, int, int], rounds: int
) -> tuple[float, float, float]:
    """Medians over the rounds: microseconds an image of the bare call and of the defense, and their ratio."""
    rng = torch.Generator().manual_seed(0)
    images = smooth_images(shape, rng)
    pictures = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())
    times = [(seconds(lambda: bare(pictures)), seconds(lambda: defense.answer(images, rng))) for _ in range(rounds)]
    plain, whole = (statistics.median(column) / DRAW * 1e6 for column in zip(*times, strict=True))
    return plain, whole, statistics.median(ours / theirs for theirs, ours in times)


@click.command()
@click.option("--rounds", default=15, help="Times that each is measured.")
@click.option("--threads", default=1, help="Threads that each may use.")
def main(rounds: int, threads: int) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    print("| defense | image | bare call, us an image | whole way, us an image | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name, (defense, bare) in ROWS.items():
        for shape in SHAPES:
            plain, whole, ratio = measure(defense, bare, shape, rounds)
            print(f"| {name} | {'x'.join(map(str, shape))} | {plain:.1f} | {whole:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
