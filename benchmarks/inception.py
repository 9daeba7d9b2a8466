"""The features of FID against pytorch-fid's own loop, both with the same random weights."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from PIL import Image

from benchmark.features import extract
from benchmark.features.inception import Inception
from benchmarks.inputs import farthest, images, random_inception
from benchmarks.race import Peer, Race, Work, results
from benchmarks.section import Section

BATCH = 50
"""pytorch-fid's default."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count = 2 if smoke else 200
    given = images(count, 3, 64)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network, weights = random_inception(folder)
        extractor = Inception(str(weights))
        for index, image in enumerate(given):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{index:05}.png")

        def pytorch_fid() -> Work:
            from pytorch_fid.fid_score import get_activations

            files = sorted(folder.glob("*.png"))
            workers = 0 if smoke else len(os.sched_getaffinity(0))
            return lambda: get_activations(files, network, BATCH, extractor.dim, "cpu", workers)

        race = Race(
            f"features of {count} images",
            lambda: extract(extractor, given),
            [Peer("pytorch-fid", pytorch_fid, 1.5, 1e-3)],
            farthest,
        )
        table, bars = results([race], rounds)
    about = (
        "Images of 64 x 64, random weights (the features are of the order of 1). pytorch-fid reads its images from PNG "
        "files, as it always does, in as many worker processes as there are cores; that is a small part of its time."
    )
    return Section("Inception features", about, [table], bars)
