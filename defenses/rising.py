"""Noise that rises with what a client has been handed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmark.interfaces import parameter
from defenses.noise import Noise


@dataclass(frozen=True)
class RisingNoise(Noise):
    """Gaussian noise that rises with the images a client was handed: ordinary users see little of it, a thief most.

    y = clip(x + s * e, 0, 1) as of :class:`Noise`, with s = ``sigma`` * min(1, h / ``full``) for a client who was
    handed h images before. ``sigma`` in [0, 1], more is stronger; ``full`` in 1 ... 10^9, less is stronger. A thief who
    poses as enough clients is an ordinary user to it (``sybil``). Sources: Hu and Pang, ACSAC 2021 (arXiv 2101.02069),
    "random noise"; that a client's noise grows with what he has taken so far is of Dubiński et al., "Bucks for Buckets
    (B4B): Active Defenses Against Stealing Encoders", NeurIPS 2023 (arXiv 2310.08571), who measure that otherwise.
    """

    full: int = parameter(10_000, "images after which the noise is whole; less is stronger", low=1, high=10**9)

    def toward(self, handed: int) -> RisingNoise:
        """The noise of a client who was handed so many."""
        return replace(self, sigma=self.sigma * min(1.0, handed / self.full))
