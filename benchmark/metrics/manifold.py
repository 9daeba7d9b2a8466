"""Precision, recall, density and coverage: how two sets of features lie in each other's neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import DataError, UsageError
from benchmark.metrics.distances import TIE, Points, all_squared, centre_of, lower_bounds, slack, squared, within
from benchmark.metrics.inputs import BLOCK, Features, check_features, check_pair

NEIGHBOURS = 5
"""Naeem et al.'s choice of k (arXiv 2002.09797)."""

SPARE = 5
"""Neighbours beyond the k-th that are looked at exactly: float32 distances say which those are, but not their order."""

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

    All comparisons are those of float64 distances; see :mod:`benchmark.metrics.distances` for how few are computed.

    Args:
        generated: float32 (n, d), n > k.
        reference: float32 (m, d), m > k.
        k: neighbours, at least 1.
        block: images read at once; changes memory (about 20 block^2 bytes and four blocks) and time, not the result.
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
    centre = centre_of(reference)
    points, others = Points(reference, centre, block), Points(generated, centre, block)
    of_generated, of_reference = torch.from_numpy(generated_reach), torch.from_numpy(reference_reach)
    precise = torch.zeros(len(generated), dtype=torch.bool)
    recalled = torch.zeros(len(reference), dtype=torch.bool)
    covered = torch.zeros(len(reference), dtype=torch.bool)
    hits = 0
    for a in points.blocks():
        for b in others.blocks():
            lower = lower_bounds(a, b)
            i, j = within(a, b, lower, of_reference[a.place, None])
            hits += len(i)
            covered[a.place][i] = True
            precise[b.place][j] = True
            i, _ = within(a, b, lower, of_generated[None, b.place])
            recalled[a.place][i] = True
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
    points = Points(features, centre_of(features), block)
    count = min(k + SPARE, len(features) - 1)
    bounds, candidates = _candidates(points, len(features), count)
    reached = _kth(points, bounds, candidates, k)
    # Whatever is no candidate is at least as far as the farthest bound among them.
    (unsure,) = (reached > bounds.amax(dim=1)).nonzero(as_tuple=True)
    if len(unsure) and count < len(features) - 1:
        reached[unsure] = _reach_exactly(points, features, unsure, k, block)
    return np.asarray(reached.numpy(), dtype=np.float64)


def _candidates(points: Points, n: int, count: int) -> tuple[Tensor, Tensor]:
    """The images with the lowest bounds of distance to each: bounds float32 (n, count), numbers int64 (n, count)."""
    bounds = torch.full((n, count), torch.inf)
    candidates = torch.zeros((n, count), dtype=torch.int64)
    for a in points.blocks():
        for b in points.blocks(a.place.start):
            lower = lower_bounds(a, b)
            if a.place == b.place:
                # By place, not by value: a duplicate is a neighbour at distance 0, an image itself is none.
                lower.fill_diagonal_(torch.inf)
            else:
                _keep_lowest(bounds[b.place], candidates[b.place], lower.T.contiguous(), a.place.start)
            _keep_lowest(bounds[a.place], candidates[a.place], lower, b.place.start)
    return bounds, candidates


def _keep_lowest(bounds: Tensor, candidates: Tensor, lower: Tensor, first: int) -> None:
    """Let in, in place, those of ``lower`` (n, m) that are lower than what there is; they are images ``first``, ..."""
    count = bounds.shape[1]
    values, places = lower.topk(min(count, lower.shape[1]), dim=1, largest=False, sorted=False)
    values, numbers = torch.cat([bounds, values], dim=1), torch.cat([candidates, places + first], dim=1)
    lowest = values.topk(count, dim=1, largest=False, sorted=False)
    bounds.copy_(lowest.values)
    candidates.copy_(numbers.gather(1, lowest.indices))


def _kth(points: Points, bounds: Tensor, candidates: Tensor, k: int) -> Tensor:
    """Squared distance of each image to the k-th nearest of its candidates, shortened by ``TIE``; float64 (n,)."""
    norms = points.norms[:, None] + points.norms[candidates]
    upper = bounds + 2 * slack(points.dim, norms)
    least, most = (each.kthvalue(k, dim=1, keepdim=True).values for each in (bounds, upper))
    # What is surely nearer than the k-th, or surely farther, need not be known more closely.
    distances = torch.where(upper < least, -torch.inf, torch.inf).double()
    own, rank = ((bounds <= most) & (upper >= least)).nonzero(as_tuple=True)
    distances[own, rank] = squared(points, points, own, candidates[own, rank], -TIE)
    return distances.kthvalue(k, dim=1).values


def _reach_exactly(points: Points, features: Features, rows: Tensor, k: int, block: int) -> Tensor:
    """:func:`reach` of some images, from float64 distances to all others; float64 (rows,)."""
    some = Points(np.asarray(features[rows.numpy()]), points.centre, block)
    nearest = torch.full((len(rows), k), torch.inf, dtype=torch.float64)
    for a in some.blocks():
        for b in points.blocks():
            distance = all_squared(a, b, -TIE)
            distance[rows[a.place, None] == torch.arange(b.place.start, b.place.stop)] = torch.inf
            both = torch.cat([nearest[a.place], distance], dim=1)
            nearest[a.place] = both.topk(k, dim=1, largest=False, sorted=False).values
    return nearest.amax(dim=1)


def _check_neighbours(k: int) -> None:
    if k < 1:
        raise UsageError(f"k is {k}, but a neighbourhood needs at least 1 neighbour")


def _share(flags: Tensor) -> float:
    """Share of true values."""
    return int(flags.sum()) / len(flags)
