"""Feature extractors and targets that each break one rule."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from benchmark.conformance.stand_ins import SmoothTarget
from benchmark.interfaces import FeatureExtractor


class Means(FeatureExtractor):
    """Means of patches: this one keeps the contract."""

    name = "means"
    dim = 16
    weights_hash = "0" * 64

    def __call__(self, images):
        return F.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), 4).flatten(1) / 255


class Nameless(Means):
    name = ""


class Dimensionless(Means):
    dim = "16"


class Unhashed(Means):
    weights_hash = "version 2"


class WrongDim(Means):
    dim = 20


class Raw(Means):
    def __call__(self, images):
        return super().__call__(images).double()


class Normalised(Means):
    def __call__(self, images):
        features = super().__call__(images)
        return features - features.mean(0)


class Dropout(Means):
    def __call__(self, images):
        return F.dropout(super().__call__(images), 0.5, training=True)


class Centres(Means):
    def __call__(self, images):
        features = super().__call__(images)
        images.fill_(0)
        return features


class Helpless(Means):
    def __call__(self, images):
        raise ValueError("no such layer")


class Lists(Means):
    def __call__(self, images):
        return super().__call__(images).tolist()


BAD_EXTRACTORS = [
    (Helpless, "calling it raised ValueError: no such layer"),
    (Lists, "calling it returned"),
    (Nameless, "its name is ''"),
    (Dimensionless, "its dim is '16'"),
    (Unhashed, "its weights_hash is 'version 2'"),
    (WrongDim, "calling it returned shape (4, 16), but must return shape (4, 20)"),
    (Raw, "calling it returned dtype torch.float64"),
    (Normalised, "calling it gives another result for one image when the rest"),
    (Dropout, "calling it changed torch's global generator"),
    (Centres, "calling it writes into the tensor"),
]


class Smooth(SmoothTarget):
    """This one keeps the contract."""

    def __init__(self) -> None:
        super().__init__(8, (1, 16, 16))


class Oblong(Smooth):
    def __init__(self) -> None:
        super().__init__()
        self.image_shape = (1, 16, 20)


class NoLatents(Smooth):
    def __init__(self) -> None:
        super().__init__()
        self.latent_dim = 0


class GivesFloats(Smooth):
    def generate(self, z):
        return super().generate(z).float() / 255


class TrainMode(Smooth):
    """Left in training mode, so that its batch norm sees the batch."""

    def generate(self, z):
        return super().generate(F.batch_norm(z, None, None, training=True) if len(z) > 1 else z)


class NoiseInputs(Smooth):
    """Draws noise inputs from the global generator, as generators do."""

    def generate(self, z):
        return super().generate(z + torch.randn(z.shape))


class Collapsed(Smooth):
    def generate(self, z):
        return super().generate(torch.zeros_like(z))


class GlobalPrior(Smooth):
    def prior(self, n, rng):
        return torch.randn(n, self.latent_dim)


class NormalisesLatents(Smooth):
    def generate(self, z):
        return super().generate(z.div_(z.norm(dim=1, keepdim=True)))


class SquareLogits(Smooth):
    def discriminator(self, images):
        return super().discriminator(images)[:, None]


class TurnedLayer(Smooth):
    def projection(self):
        return nn.Parameter(super().projection()).detach().T


BAD_TARGETS = [
    (Oblong, "its images are (1, 16, 20), but must be square"),
    (NoLatents, "its latent_dim is 0"),
    (GivesFloats, "generate returned dtype torch.float32, but must return torch.uint8"),
    (TrainMode, "generate gives another result for one latent when the rest"),
    (NoiseInputs, "generate changed torch's global generator"),
    (Collapsed, "generate gives the same image of every latent"),
    (GlobalPrior, "prior changed torch's global generator"),
    (NormalisesLatents, "generate writes into the tensor"),
    (SquareLogits, "discriminator returned shape (1, 1), but must return shape (1,)"),
    (TurnedLayer, "projection returned shape (8, 16), but must return shape (8, 8)"),
]
