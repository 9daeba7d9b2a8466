"""A discriminator on frozen features of a pretrained network, after Projected GANs.

Source: Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021 (arXiv 2111.01007). Kept of it: the frozen
features at several scales, and one small trained head per scale; left out: the random mixing of channels and scales.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from benchmark.features.efficientnet import fold_batch_norms, network_with_classifier
from benchmark.interfaces import ImageShape
from benchmark.networks.dcgan import SLOPE

STAGES = {0: 16, 1: 24, 2: 40, 4: 112}
"""The stages of EfficientNet-Lite0 that are judged, with their channels: strides 2, 4, 8 and 16."""


class Discriminator(nn.Module):
    """Images (n, C, side, side) in [-1, 1] -> logits (n,): the mean over all positions and scales.

    The pretrained network sees the images as they are, scaled to nearly (pixel - 127) / 128; it is neither trained nor
    part of the state.
    """

    def __init__(self, image_shape: ImageShape, width: int) -> None:
        super().__init__()
        network = network_with_classifier()
        fold_batch_norms(network)
        network.requires_grad_(False).to(memory_format=torch.channels_last)
        # In a tuple, so that it is no sub-module: neither parameters(), state_dict() nor train() reach it.
        self._frozen = (network,)
        self.heads = nn.ModuleList(_head(channels, width) for channels in STAGES.values())

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        network = self._frozen[0]
        h = network.bn1(network.conv_stem(x.expand(-1, 3, -1, -1)))
        logits, heads = [], iter(self.heads)
        for index, stage in enumerate(network.blocks[: max(STAGES) + 1]):
            h = stage(h)
            if index in STAGES:
                logits.append(next(heads)(h).flatten(1).mean(dim=1))
        return torch.stack(logits).mean(dim=0)


def _head(channels: int, width: int) -> nn.Sequential:
    """Two 3x3 convolutions and a 1x1 to a logit per position."""
    return nn.Sequential(
        spectral_norm(nn.Conv2d(channels, width, 3, padding=1)),
        nn.LeakyReLU(SLOPE, inplace=True),
        spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
        nn.LeakyReLU(SLOPE, inplace=True),
        spectral_norm(nn.Conv2d(width, 1, 1)),
    )
