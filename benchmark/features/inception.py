"""Inception-v3 with the weights of the original FID: the only feature space whose Fréchet distance is called FID."""

from __future__ import annotations

from pathlib import Path

import torch
import torchvision
from pytorch_fid.inception import (
    FID_WEIGHTS_URL,
    FIDInceptionA,
    FIDInceptionC,
    FIDInceptionE_1,
    FIDInceptionE_2,
)
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d

from benchmark.errors import DataError, one_line
from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.features.weights import load_weights, read_weights, weights_hash

SIDE = 299
"""Side in pixels of the images that the network was trained on."""

SHA256_PREFIX = "6726825d"
"""Start of the SHA-256 of the published weights, as their file name gives it."""


class Inception(NetworkExtractor):
    """Inception-v3 of TensorFlow, as in pytorch-fid: the canonical FID; downloads 91 MiB at its first use.

    Features are the 2048 channels of the last block, at least 0, averaged over positions. Pixels are scaled to [0, 1],
    resized to 299 x 299 (bilinear, without a low-pass filter) and scaled to 2x - 1, as
    ``pytorch_fid.inception.InceptionV3`` does it. Source: Heusel et al., "GANs Trained by a Two Time-Scale Update
    Rule", NeurIPS 2017; weights of mseitzer/pytorch-fid, ported from TensorFlow's of 2015-12-05.

    Args:
        weights: path of the weights file; downloaded if empty.

    Raises:
        DataError: the download failed, or the file is missing, damaged or of another network.
    """

    name = "inception"
    dim = 2048

    def __init__(self, weights: str = "") -> None:
        network = _network()
        path = weights or _downloaded()
        load_weights(network, read_weights(path), path)
        network.fc = nn.Identity()
        super().__init__(lambda: _folded(network), weights_hash(network.state_dict()))

    def network_input(self, images: Tensor) -> Tensor:
        """See :class:`NetworkExtractor`; float32 (n, 3, 299, 299) in [-1, 1]."""
        x = nn.functional.interpolate(rgb(images).div(255), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return x.mul_(2).sub_(1)


def _network() -> nn.Module:
    """The network of ``pytorch_fid.inception.fid_inception_v3``, which offers no way to build it without a download."""
    network: nn.Module = torchvision.models.inception_v3(
        weights=None, num_classes=1008, aux_logits=False, init_weights=False
    )
    network.Mixed_5b = FIDInceptionA(192, pool_features=32)
    network.Mixed_5c = FIDInceptionA(256, pool_features=64)
    network.Mixed_5d = FIDInceptionA(288, pool_features=64)
    network.Mixed_6b = FIDInceptionC(768, channels_7x7=128)
    network.Mixed_6c = FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6d = FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6e = FIDInceptionC(768, channels_7x7=192)
    network.Mixed_7b = FIDInceptionE_1(1280)
    network.Mixed_7c = FIDInceptionE_2(2048)
    return network


def _folded(network: nn.Module) -> nn.Module:
    """The network with its batch norms multiplied into the convolutions: the same up to rounding, in less time."""
    network.eval()
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, module.bn), nn.Identity()
    return network


def _downloaded() -> str:
    """Path of the published weights in torch's cache, where pytorch-fid keeps them too; downloaded if not there.

    Raises:
        DataError: the download failed.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", FID_WEIGHTS_URL.rpartition("/")[2])
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(FID_WEIGHTS_URL, str(path), hash_prefix=SHA256_PREFIX)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"the weights of inception could not be downloaded ({one_line(error)}); "
                f"fetch {FID_WEIGHTS_URL} elsewhere and give it with --weights FILE"
            ) from None
    return str(path)
