"""Answers from the segments between latents, instead of from the whole prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.interfaces import Defense, Target, parameter

PARALLEL = 1e-6
"""Sine of the angle below which two latents count as parallel: the arc between them is then their segment."""


@dataclass(frozen=True)
class Linear(Defense):
    """Interpolation: answers lie on segments between pairs of latents, several on each.

    Of every pair a, b drawn from the prior come ``steps`` consecutive answers, from the latents at t = 0, 1 / (steps -
    1), ..., 1 of the path from a to b:

    - "linear": (1 - t) a + t b. Where the prior has variance 1, the latents at t have (1 - t)^2 + t^2, and all of them
      together (2 steps - 1) / (3 (steps - 1)): 1 at two steps, towards 2/3 at many.
    - "spherical": (sin((1 - t) w) a + sin(t w) b) / sin(w), w the angle between a and b (Shoemake, "Animating rotation
      with quaternion curves", SIGGRAPH 1985), for Gaussian priors, whose latents lie close to a sphere that the
      segments leave (White, "Sampling Generative Networks", arXiv 1609.04468).

    ``steps`` in 2 ... 500; more is stronger, since fewer independent latents are behind as many answers; two steps hand
    over the ends alone, which is the prior. Paths end with the batch that is drawn, the last one short if need be.
    Source of the defense: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), "linear interpolation".
    """

    strength: ClassVar[str] = "steps"
    steps: int = parameter(10, "answers on each path, its ends included; more is stronger", low=2, high=500)
    path: str = parameter("linear", "how the ends are joined", choices=("linear", "spherical"))

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """Latents float32 (n, latent_dim); rows k * steps ... (k + 1) * steps - 1 are the k-th path from end to end."""
        pairs = -(-n // self.steps)
        a, b = (target.prior(pairs, rng)[:, None] for _ in range(2))
        t = torch.linspace(0, 1, self.steps)[:, None]
        along = slerp if self.path == "spherical" else torch.lerp
        return along(a, b, t).flatten(0, 1)[:n]


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical linear interpolation; see :class:`Linear`.

    Args:
        a: vectors float32 (..., d), where t is 0.
        b: vectors float32 (..., d), where t is 1.
        t: float32 (..., 1) in [0, 1]; all three are broadcast.

    Returns:
        float32 (..., d). Of the length of ``a`` and ``b`` if these have one length; linear where they are parallel.
    """
    # In double precision: the cosine of a small angle leaves only half of the digits to the angle.
    angle = torch.acos(torch.cosine_similarity(a.double(), b.double(), dim=-1).clamp(-1, 1))[..., None]
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine
    return torch.where(sine > PARALLEL, arc.to(a.dtype), torch.lerp(a, b, t))
