"""The losses of the two networks, as functions of the discriminator's logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn import functional as F


class DiscriminatorLoss(Protocol):
    """What the discriminator minimises."""

    def __call__(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """Logits float (n,) of real and of generated images -> a scalar."""


class GeneratorLoss(Protocol):
    """What the generator minimises."""

    def __call__(self, on_fake: Tensor) -> Tensor:
        """Logits float (n,) of generated images -> a scalar."""


@dataclass(frozen=True)
class Loss:
    """The losses of both networks; real images are to have high logits."""

    discriminator: DiscriminatorLoss
    generator: GeneratorLoss


def _minus_mean(on_fake: Tensor) -> Tensor:
    return -on_fake.mean()


def _hinge(on_real: Tensor, on_fake: Tensor) -> Tensor:
    return (1 - on_real).relu().mean() + (1 + on_fake).relu().mean()


def _wasserstein(on_real: Tensor, on_fake: Tensor) -> Tensor:
    return on_fake.mean() - on_real.mean()


def _logistic(on_real: Tensor, on_fake: Tensor) -> Tensor:
    return F.softplus(-on_real).mean() + F.softplus(on_fake).mean()


def _non_saturating(on_fake: Tensor) -> Tensor:
    return F.softplus(-on_fake).mean()


LOSSES = {
    "hinge": Loss(_hinge, _minus_mean),
    "wasserstein": Loss(_wasserstein, _minus_mean),
    "logistic": Loss(_logistic, _non_saturating),
}
"""By name: the hinge (Lim and Ye 2017, arXiv 1705.02894), the Wasserstein loss (Arjovsky et al. 2017, arXiv
1701.07875), and the non-saturating logistic loss (Goodfellow et al. 2014, arXiv 1406.2661, section 3)."""
