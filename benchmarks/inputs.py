"""What comparisons are fed with: features and images that look like real ones, and networks that need no download."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import numpy as np
import torch
import yaml
from torch import Tensor
from torch.nn import functional as F

from benchmark.config import Track, load_track
from benchmark.metrics import Features
from benchmark.metrics.inputs import BLOCK
from benchmark.recipe import Recipe

PLAIN = Recipe(generator="dcgan", generator_width=32, steps=4000, score_every=500, score_images=1000)
"""A plain DCGAN of width 32 with a :class:`Recipe`'s defaults: what attack models would be without a choice.

So it is no tutorial's: its loss is the hinge, its discriminator of spectral norm with the greater of two rates, Adam's
beta1 0, and the generator that counts an average.
"""

TINY: Mapping[str, Any] = MappingProxyType(
    {"generator_width": 8, "discriminator_width": 8, "batch": 4, "steps": 2, "score_every": 1, "score_images": 20}
)
"""What makes next to no training of a recipe, for smoke runs."""


def tiny_track(folder: Path) -> Track:
    """The track of Fashion-MNIST with next to no training and few images, for smoke runs.

    Args:
        folder: where its file is written, as ``tiny.yaml``, for commands that take a track by its file.
    """
    track = load_track("fashion-mnist")
    same = {name: getattr(track, name) for name in ("data", "channels", "size", "target", "features")}
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**same, "name": "tiny", "samples": 60, "recipe": dict(TINY)}))
    return load_track(str(path))


def features(count: int, dim: int, seed: int, shift: float = 0.0) -> Features:
    """Features as networks give them: at least 0, correlated, of a spread that falls off; float32 (count, dim).

    Args:
        count: images.
        dim: dimensions; the correlations are the same for all sets of so many.
        seed: of the images.
        shift: moves the set away from one that is not shifted.
    """
    spread = np.arange(1, dim + 1, dtype=np.float32)[:, None] ** -0.5 / 3
    mixing = np.random.default_rng(0).standard_normal((dim, dim), dtype=np.float32) * spread
    rng = np.random.default_rng([1, seed])
    # In place and a few at a time: what making the inputs takes must not hide what comparing them does.
    made = np.empty((count, dim), np.float32)
    for start in range(0, count, BLOCK):
        some = made[start : start + BLOCK]
        np.matmul(rng.standard_normal(some.shape, dtype=np.float32), mixing, out=some)
    made += np.float32(0.3 + shift)
    return np.maximum(made, 0, out=made)


def images(count: int, channels: int, side: int) -> Tensor:
    """Smooth images as a generator's are, uint8 (count, channels, side, side); noise is the worst of any codec."""
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, channels, 8, 8, generator=rng)
    return F.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1).mul(255).to(torch.uint8)


def random_inception(folder: Path) -> tuple[torch.nn.Module, Path]:
    """pytorch-fid's network, built by its own code, with random weights, and these as a file of the published form."""
    from pytorch_fid import inception

    published: list[torch.nn.Module] = []
    build = inception.fid_inception_v3

    def built() -> torch.nn.Module:
        with mock.patch.object(torch.nn.Module, "load_state_dict"):
            network: torch.nn.Module = build()
        network.apply(_randomise)
        published.append(network)
        return network

    with (
        torch.random.fork_rng(devices=[]),
        mock.patch.object(inception, "load_state_dict_from_url"),
        mock.patch.object(inception, "fid_inception_v3", built),
    ):
        torch.manual_seed(0)
        network: torch.nn.Module = inception.InceptionV3().eval()
    path = folder / "inception.pth"
    torch.save(published[0].state_dict(), path)
    return network, path


def _randomise(layer: torch.nn.Module) -> None:
    """Weights under which the features stay of the order of 1; torch's own would let them fade over the depth."""
    if isinstance(layer, torch.nn.Conv2d):
        torch.nn.init.kaiming_normal_(layer.weight)
    elif isinstance(layer, torch.nn.BatchNorm2d):
        assert layer.running_mean is not None  # there is none without track_running_stats
        assert layer.running_var is not None
        torch.nn.init.normal_(layer.bias, std=0.1)
        torch.nn.init.normal_(layer.running_mean, std=0.1)
        torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)


def relative(ours: float, theirs: float) -> float:
    """Difference of two numbers, as a share of the second."""
    return abs(ours - theirs) / abs(theirs)


def farthest(ours: Tensor | Features, theirs: Tensor | Features) -> float:
    """Greatest difference of two arrays of one shape."""
    return float(np.abs(np.asarray(ours, dtype=np.float64) - np.asarray(theirs)).max())
