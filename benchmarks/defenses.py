"""What a defense costs beside the bare library call it is made of, on the same images, in turn, by the median.

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

from benchmark.interfaces import Defense
from defenses.filters import Filter
from defenses.jpeg import Jpeg
from defenses.noise import Noise

BATCH = 100
"""The batch that the harness draws."""


def bare_jpeg(images: np.ndarray) -> None:
    for image in images:
        cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_UNCHANGED)


def bare_gaussian(images: np.ndarray) -> None:
    for image in images:
        cv2.GaussianBlur(image, (5, 5), 1.1)


def bare_median(images: np.ndarray) -> None:
    for image in images:
        cv2.medianBlur(image, 5)


def bare_noise(images: np.ndarray) -> None:
    images + np.random.default_rng(0).standard_normal(images.shape, dtype=np.float32)


ROWS: dict[str, tuple[Defense, Callable[[np.ndarray], None]]] = {
    "jpeg": (Jpeg(quality=50), bare_jpeg),
    "filter, gaussian": (Filter(size=5), bare_gaussian),
    "filter, median": (Filter(kind="median", size=5), bare_median),
    "noise": (Noise(sigma=0.1), bare_noise),
}


@click.command()
@click.option("--rounds", default=15)
@click.option("--threads", default=1)
def main(rounds: int, threads: int) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    print("| defense | image | bare call, us an image | defense, us an image | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name, (defense, bare) in ROWS.items():
        for channels, side in ((1, 32), (3, 32), (3, 64)):
            rng = torch.Generator().manual_seed(0)
            # Smooth images, as a generator gives; noise would be the codec's worst case.
            small = torch.rand(BATCH, channels, 8, 8, generator=rng)
            images = torch.nn.functional.interpolate(small, size=(side, side), mode="bicubic").clamp(0, 1)
            images = images.mul(255).to(torch.uint8)
            layout = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())
            times: list[tuple[float, float]] = []
            for _ in range(rounds):
                started = time.perf_counter()
                bare(layout)
                between = time.perf_counter()
                defense.answer(images, rng)
                times.append((between - started, time.perf_counter() - between))
            plain, ours = (statistics.median(column) / BATCH * 1e6 for column in zip(*times, strict=True))
            ratio = statistics.median(b / a for a, b in times)
            print(f"| {name} | {channels}x{side}x{side} | {plain:.1f} | {ours:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
