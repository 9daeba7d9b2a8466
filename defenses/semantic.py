"""Answers that differ along a direction of the latent space which means something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.svm import SVC
from torch import Tensor

from benchmark.errors import PluginError, UsageError
from benchmark.interfaces import Defense, Provider, Target, parameter

SAMPLES = 10_000
"""Latents whose images are scored to find a boundary."""

EXTREMES = 0.1
"""Share of these that is taken from either end of the scores."""

BATCH = 500
"""Images scored at a time."""


@dataclass(frozen=True)
class Semantic(Defense):
    """Semantic interpolation: answers are edits of fewer images along a direction that means something.

    Of every latent z drawn from the prior come ``edits`` consecutive answers, from z + s * d, where d is a direction of
    length 1 and s goes evenly from ``distance`` to -``distance`` (at one edit: ``distance``). Latents have
    length sqrt(latent_dim) or so. The direction, found once per target:

    - "sefa": eigenvector number ``component``, counted from 0 for the largest eigenvalue, of A^T A, A the layer that
      takes the latent: what changes its output most (Shen and Zhou, "Closed-Form Factorization of Latent Semantics in
      GANs", CVPR 2021, arXiv 2007.06600). Of its two signs, the one whose greatest entry is positive. That layer of a
      StyleGAN2 is the first of its mapping, as latents are what a defense changes; its authors take the layers after.
    - "svm": normal of the boundary between latents whose images show ``attribute`` and latents whose do not, from a
      linear support vector machine on the highest and lowest tenth of 10,000 scores (Shen et al., "Interpreting the
      Latent Space of GANs for Semantic Face Editing", CVPR 2020, arXiv 1907.10786). The scores are those of a
      classifier trained on the target's training set, which must have classes or attributes.

    ``distance`` in [0, 100], more is stronger; ``edits`` in 1 ... 500, ``component`` in 0 ... 4095. Edits end with the
    batch that is drawn, the last ones short if need be. Source of the defense: Hu and Pang, ACSAC 2021 (arXiv
    2101.02069), "semantic interpolation".

    Raises:
        UsageError: the direction is to be of an attribute, and none is named.
    """

    strength: ClassVar[str] = "distance"
    distance: float = parameter(
        3.0, "greatest distance of an edit from its latent; more is stronger", low=0.0, high=100.0
    )
    edits: int = parameter(5, "answers from each latent", low=1, high=500)
    direction: str = parameter("sefa", "how the direction is found", choices=("sefa", "svm"))
    component: int = parameter(
        0, "sefa only: number of the eigenvector, 0 for the largest", low=0, high=4095, only={"direction": ("sefa",)}
    )
    attribute: str = parameter("", "svm only: class or attribute of the training set", only={"direction": ("svm",)})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction == "svm" and not self.attribute:
            raise UsageError("direction=svm needs an attribute: a class or an attribute of the training set")

    def prepare(self, provider: Provider) -> Defense:
        """This defense with its direction found.

        Raises:
            UsageError: the target has fewer directions, or its training set no such class or attribute.
            PluginError: the target does not show its first layer.
        """
        if self.direction == "sefa":
            return self._along(self._eigenvector(provider.target.projection()))

        def make(rng: torch.Generator) -> Tensor:
            self._check_attribute(provider)
            z = provider.target.prior(SAMPLES, rng)
            images = (provider.target.generate(part) for part in torch.split(z, BATCH))
            scores = torch.cat([provider.scores(part, self.attribute) for part in images])
            return boundary_normal(z, scores)

        return self._along(provider.kept(self, {"attribute": self.attribute}, make))

    def restate(self, latent_dim: int, rng: torch.Generator) -> Defense:
        """This defense with a direction drawn evenly from all.

        An attacker loses nothing by not knowing the target's: the prior is the same in all directions, so that his
        generator can learn to give any of them the meaning of the one that answers were edited along.
        """
        return self._along(torch.nn.functional.normalize(torch.randn(latent_dim, generator=rng), dim=0))

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        """Not before :meth:`prepare`, which gives a defense that has them.

        Raises:
            PluginError: always.
        """
        raise PluginError("Semantic has no direction yet; prepare it for a target first")

    def _along(self, direction: Tensor) -> Defense:
        return _Edits(direction, torch.linspace(self.distance, -self.distance, self.edits))

    def _eigenvector(self, weights: Tensor) -> Tensor:
        directions = sefa_directions(weights)
        if self.component >= len(directions):
            raise UsageError(f"Semantic.component is {self.component}, but the target has {len(directions)} directions")
        return directions[self.component]

    def _check_attribute(self, provider: Provider) -> None:
        """Refuse an attribute that the training set does not have, before there is any work on it."""
        if not provider.training_set.traits:
            raise UsageError(
                f"{provider.training_set.name} has neither classes nor attributes, which direction=svm needs; "
                "direction=sefa needs none"
            )
        provider.training_set.showing(self.attribute)


class _Edits(Defense):
    """Latents edited along one direction float32 (latent_dim,) at the distances float32 (edits,)."""

    def __init__(self, direction: Tensor, distances: Tensor) -> None:
        self._shifts = distances[:, None] * direction

    def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
        z = target.prior(-(-n // len(self._shifts)), rng)
        return (z[:, None] + self._shifts).flatten(0, 1)[:n]


def sefa_directions(weights: Tensor) -> Tensor:
    """Eigenvectors of A^T A, by falling eigenvalue; see :class:`Semantic`.

    Args:
        weights: A, float (m, d).

    Returns:
        float32 (d, d), one direction of length 1 per row.
    """
    a = weights.double()
    directions = torch.linalg.eigh(a.T @ a).eigenvectors.T.flip(0)
    greatest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    signed: Tensor = directions * greatest.sign()
    return signed.float()


def boundary_normal(z: Tensor, scores: Tensor) -> Tensor:
    """Unit normal, towards high scores, of the boundary between the latents at both ends of the scores.

    Args:
        z: latents float32 (n, d).
        scores: float32 (n,).

    Returns:
        float32 (d,).
    """
    count = max(1, round(EXTREMES * len(z)))
    order = scores.argsort(stable=True)
    ends = torch.cat([z[order[:count]], z[order[-count:]]])
    machine = SVC(kernel="linear").fit(ends.numpy(), [0] * count + [1] * count)
    normal: Tensor = torch.tensor(machine.coef_[0])
    return torch.nn.functional.normalize(normal, dim=0).float()
