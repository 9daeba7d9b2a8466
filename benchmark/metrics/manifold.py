"""Precision, recall, density and coverage: how two sets of features lie in each other's neighbourhoods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import DataError, UsageError
from benchmark.metrics.inputs import BLOCK, Features, blocks, check_features, check_pair

NEIGHBOURS = 5
"""Naeem et al.'s choice of k (arXiv 2002.09797)."""

_TIE = 1e-12
"""Squared distances count as equal to a neighbourhood's rim within this, relative to |x|^2 + |y|^2, of each: above the
worst rounding error of a float64 dot product (d x 1.1e-16: 2.3e-13 for d = 2048), far below any difference between
float32 features."""


Reach = NDArray[np.float64]
"""How far the neighbourhood of each image reaches, squared: float64 (n,)."""


@dataclass(frozen=True)
class Manifold:
    """How well the generated images match the reference. Higher is closer, in each."""

    precision: float
    """Share of the generated images that lie near a reference image, in [0, 1]."""
    recall: float
    """Share of the reference images that lie near a generated image, in [0, 1]."""
    density: float
    """How many neighbourhoods of reference images a generated image lies in, over k; at least 0, about 1 at best."""
    coverage: float
    """Share of the reference images with a generated image nearby, in [0, 1]."""


def manifold(
    generated: Features,
    reference: Features,
    k: int = NEIGHBOURS,
    block: int = BLOCK,
    reaches: tuple[Reach, Reach] | None = None,
) -> Manifold:
    """Improved precision and recall, density and coverage, of one pass over all distances.

    Precision and recall are Kynkäänniemi et al.'s (arXiv 1904.06991, eq. 1 and 2), density and coverage Naeem et al.'s
    (arXiv 2002.09797). An image's neighbourhood reaches to the k-th nearest other image of its own set.
    Recall and coverage differ in whose neighbourhoods count: the generated images' for recall, the reference's for
    coverage. Swapping the arguments swaps precision and recall, and nothing else has a counterpart.

    As in Naeem et al.'s package ``prdc``, a neighbourhood does not contain its rim, so that a set compared with itself
    has density 1. Only ties tell the difference: an image with k exact duplicates has an empty neighbourhood.

    Distances are float64: in float32, |x|^2 + |y|^2 - 2 x.y is off by more than the difference of close neighbours.

    Args:
        generated: float32 (n, d), n > k.
        reference: float32 (m, d), m > k.
        k: neighbours, at least 1.
        block: images read at once; changes memory (about 40 block^2 bytes and two blocks) and time, not the result.
        reaches: :func:`reach` of generated and reference, for the same k, where they are known already: half of the
            work.

    Raises:
        UsageError: k is less than 1.
        DataError: fewer than k + 1 images on either side, values that are not finite, different dimensions, or reaches
            of another number of images.
    """
    _check_neighbours(k)
    check_pair(generated, reference, least=k + 1)
    generated_reach, reference_reach = reaches or (reach(generated, k, block), reach(reference, k, block))
    if (len(generated_reach), len(reference_reach)) != (len(generated), len(reference)):
        raise DataError(
            f"reaches are of {len(generated_reach)} and {len(reference_reach)} images, "
            f"but features of {len(generated)} and {len(reference)}; give the reaches of these features"
        )
    return _compare(generated, reference, generated_reach, reference_reach, k, block)


def _compare(
    generated: Features, reference: Features, generated_reach: Reach, reference_reach: Reach, k: int, block: int
) -> Manifold:
    """The pass over all pairs across."""
    centre = _centre(reference)
    of_generated, of_reference = torch.from_numpy(generated_reach), torch.from_numpy(reference_reach)
    precise = torch.zeros(len(generated), dtype=torch.bool)
    recalled = torch.zeros(len(reference), dtype=torch.bool)
    covered = torch.zeros(len(reference), dtype=torch.bool)
    hits = 0
    for rows, a in _centred(reference, centre, block):
        for columns, b in _centred(generated, centre, block):
            distance = _squared(a, b, tie=_TIE)
            near = distance < of_reference[rows, None]
            hits += int(near.sum())
            precise[columns] |= near.any(dim=0)
            covered[rows] |= near.any(dim=1)
            recalled[rows] |= (distance < of_generated[columns]).any(dim=1)
    return Manifold(
        precision=_share(precise),
        recall=_share(recalled),
        density=hits / (k * len(generated)),
        coverage=_share(covered),
    )


def reach(features: Features, k: int = NEIGHBOURS, block: int = BLOCK) -> Reach:
    """Squared distance of each image to its k-th nearest other image; each pair is computed once.

    It is shortened by what rounding may have added, so that no neighbourhood contains its rim.

    Args:
        features: float32 (n, d), n > k.
        k: neighbours, at least 1.
        block: images read at once; changes memory and time, not the result beyond rounding.

    Raises:
        UsageError: k is less than 1.
        DataError: fewer than k + 1 images, or values that are not finite.
    """
    _check_neighbours(k)
    check_features(features, "given", least=k + 1)
    centre = _centre(features)
    nearest = torch.full((len(features), k), torch.inf, dtype=torch.float64)
    for rows, a in _centred(features, centre, block):
        for columns, b in _centred(features, centre, block, start=rows.start):
            distance = _squared(a, b, tie=-_TIE)
            if rows == columns:
                # By place, not by value: a duplicate is a neighbour at distance 0, an image itself is none.
                distance.fill_diagonal_(torch.inf)
            else:
                nearest[columns] = _smallest(nearest[columns], distance.T)
            nearest[rows] = _smallest(nearest[rows], distance)
    return np.asarray(nearest.amax(dim=1).numpy(), dtype=np.float64)


def _check_neighbours(k: int) -> None:
    if k < 1:
        raise UsageError(f"k is {k}, but a neighbourhood needs at least 1 neighbour")


def _centre(features: Features) -> NDArray[np.float64]:
    """Where distances are measured from, float64 (d,): they do not depend on it, but their rounding does."""
    return np.asarray(features.mean(axis=0, dtype=np.float64))


def _smallest(so_far: Tensor, distance: Tensor) -> Tensor:
    """The k smallest of each row of ``so_far`` (n, k) and ``distance`` (n, m) together."""
    return torch.cat([so_far, distance], dim=1).topk(so_far.shape[1], dim=1, largest=False, sorted=False).values


def _squared(a: Tensor, b: Tensor, tie: float) -> Tensor:
    """Squared distances, float64 (n, d), (m, d) -> (n, m), lengthened by ``tie`` x (|a|^2 + |b|^2)."""
    norms = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)
    return norms.mul_(1 + tie).addmm_(a, b.T, alpha=-2)


def _centred(
    features: Features, centre: NDArray[np.float64], block: int, start: int = 0
) -> Iterator[tuple[slice, Tensor]]:
    for place, x in blocks(features, block, start):
        yield place, torch.from_numpy(x - centre)


def _share(flags: Tensor) -> float:
    """Share of true values."""
    return int(flags.sum()) / len(flags)
