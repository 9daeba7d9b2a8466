"""What PGGAN and StyleGAN2 share: equalised learning rate, minibatch standard deviation, pixelwise normalisation.

Source: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR 2018
(arXiv 1710.10196), sections 3, 4.1 and 4.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
"""Negative slope of the leaky rectifiers (Karras et al. 2018, appendix A.1)."""

GAIN = math.sqrt(2)
"""Of He's initialiser, for layers that a rectifier follows."""

EPSILON = 1e-8
"""Added to what is divided by."""


class EqualizedConv2d(nn.Module):
    """A convolution whose weights are stored with unit variance and scaled by He's constant as they are used.

    (n, inputs, s, s) -> (n, outputs, s', s'). Adam then moves all weights at the same relative speed.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        padding: int = 0,
        stride: int = 1,
        gain: float = GAIN,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class EqualizedLinear(nn.Module):
    """The same for a linear layer: (n, inputs) -> (n, outputs).

    Args:
        inputs: of it.
        outputs: of it.
        gain: of He's initialiser.
        bias: initial value of the biases.
        rate: factor of the learning rate of weights and biases (Karras et al. 2019, arXiv 1812.04948, appendix C).
    """

    def __init__(self, inputs: int, outputs: int, *, gain: float = GAIN, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale = gain * rate / math.sqrt(inputs)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class MinibatchDeviation(nn.Module):
    """Appends how much a group of images differ among themselves: (n, C, s, s) -> (n, C + 1, s, s).

    The standard deviation over a group of four images (or the largest smaller number that divides the batch), averaged
    over channels and pixels. In eval mode its running mean takes its place, as in batch normalisation, so that what the
    network says of an image does not depend on the batch it comes in.
    """

    GROUP = 4
    MOMENTUM = 0.01

    running_mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        n, _, height, width = x.shape
        if self.training:
            deviation = self._deviation(x)
            self.running_mean.lerp_(deviation.detach().mean(), self.MOMENTUM)
        else:
            deviation = self.running_mean.expand(n)
        return torch.cat([x, deviation[:, None, None, None].expand(n, 1, height, width)], dim=1)

    def _deviation(self, x: Tensor) -> Tensor:
        """The statistic of each image's group, (n,)."""
        group = next(size for size in range(self.GROUP, 0, -1) if len(x) % size == 0)
        # By way of the variance and not of std(), whose gradient is not finite where a group does not differ.
        variance = x.reshape(group, -1, *x.shape[1:]).var(dim=0, unbiased=False)
        return (variance + EPSILON).sqrt().mean(dim=(1, 2, 3)).repeat(group)


def pixel_norm(x: Tensor) -> Tensor:
    """Every pixel's feature vector (n, C, ...) scaled to a mean square of 1 over its channels (equation 2)."""
    return x * (x.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()


def leaky(x: Tensor) -> Tensor:
    """The leaky rectifier of both architectures."""
    return F.leaky_relu(x, SLOPE)
