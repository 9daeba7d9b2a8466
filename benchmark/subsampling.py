"""Subsampling a generator's images toward the real distribution, with a discriminator that tells the two apart.

A discriminator that is calibrated gives D(x) = p_real(x) / (p_real(x) + p_generated(x)) (Goodfellow et al. 2014,
proposition 1), so that its log-odds log(D / (1 - D)) are the log density ratio log(p_real / p_generated). All that is
computed here is computed of log-odds, float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import UsageError

CALIBRATIONS = ("isotonic", "logistic")
"""The kinds of regression that :func:`calibrate` fits."""

DRS_EPSILON = 1e-6
"""What keeps the logarithm of discriminator rejection sampling finite, as in Azadi et al. 2019."""


def calibrate(kind: str, real: Tensor, generated: Tensor) -> Callable[[Tensor], Tensor]:
    """Fit the map from a discriminator's logits to calibrated log-odds, of as many real images as generated ones.

    Isotonic regression (Zadrozny and Elkan 2002), which Turner et al. 2019 use, or logistic regression on the logit
    (Platt 1999). Isotonic regression is certain of images beyond all of the other kind, as if the density ratio were
    infinite, which no finite sample tells: these get the probability of the nearest run of images of both kinds. In any
    case probabilities are kept within [1 / (m + 2), (m + 1) / (m + 2)], the rule of succession for m images.

    Args:
        kind: one of :data:`CALIBRATIONS`.
        real: logits of real images, float (m,).
        generated: logits of generated images, float (m,): a balanced prior is what makes odds a density ratio.

    Returns:
        logits float (n,) -> log-odds float64 (n,).

    Raises:
        UsageError: the two are not equally many, or none.
    """
    m = len(real)
    if not 1 <= m == len(generated):
        raise UsageError(f"calibration takes equally many real and generated images, not {m} and {len(generated)}")
    low, high = 1 / (m + 2), (m + 1) / (m + 2)
    probability = _regression(kind, torch.cat([real, generated]), torch.cat([torch.ones(m), torch.zeros(m)]))

    def log_odds(logits: Tensor) -> Tensor:
        return torch.from_numpy(probability(logits.double().numpy())).clamp(low, high).logit()

    return log_odds


def _regression(kind: str, logits: Tensor, is_real: Tensor) -> Callable[[Any], Any]:
    x, y = logits.double().numpy(), is_real.double().numpy()
    if kind == "isotonic":
        from sklearn.isotonic import IsotonicRegression  # slow to import, as the other one is

        isotonic = IsotonicRegression(out_of_bounds="clip").fit(x, y)
        fitted = isotonic.predict(x)
        mixed = fitted[(fitted > 0) & (fitted < 1)]
        low, high = (mixed.min(), mixed.max()) if len(mixed) else (0.0, 1.0)
        return lambda values: isotonic.predict(values).clip(low, high)
    # Logits of a discriminator that was trained with a hinge loss have no scale of their own, the penalty on the slope
    # has: it is fitted, and applied, in units of their spread.
    scale = float(np.std(x)) or 1.0
    from sklearn.linear_model import LogisticRegression

    logistic = LogisticRegression().fit(x[:, None] / scale, y)
    return lambda values: logistic.predict_proba(values[:, None] / scale)[:, 1]


def calibration_z(log_odds: Tensor, is_real: Tensor) -> float:
    """Z statistic of calibration: standard normal if the probabilities are calibrated (Dawid 1997; Turner et al. 2019).

    Z = sum(y - D) / sqrt(sum(D (1 - D))), where y is 1 for a real image and 0 for a generated one. Negative: real
    images are rarer than D says. It says nothing of images that D was fitted to: either regression makes it 0 there.

    Args:
        log_odds: of D, float64 (n,), finite.
        is_real: bool (n,).
    """
    d = log_odds.sigmoid()
    return float((is_real.double() - d).sum() / (d * (1 - d)).sum().sqrt())


def metropolis_hastings(log_odds: Tensor, starts: Tensor, rng: torch.Generator) -> tuple[Tensor, float]:
    """The image that each of many Metropolis-Hastings chains ends at (MH-GAN, Turner et al. 2019, algorithm 1).

    Proposals do not depend on the state (an independence sampler), and x' is accepted after x with probability
    min(1, (D(x)^-1 - 1) / (D(x')^-1 - 1)), the ratio of their odds. A chain starts at a real image, which spares it the
    burn-in; one that accepts no proposal, and would hand that image back, is run again from its first proposal.

    Args:
        log_odds: of the proposals, float64 (chains, K), K at least 1; a row is a chain.
        starts: log-odds of the real images that the chains start at, float64 (chains,).
        rng: where acceptance is drawn from.

    Returns:
        For each chain the number of the proposal that it ends at, int64 (chains,); and the share of proposals that were
        accepted in the chains that started at a real image.
    """
    ends, accepted = _chains(log_odds, starts, rng)
    unmoved = ends < 0
    # The first proposal is number 0, so that -1 of the rest is 0 of the whole.
    ends[unmoved] = _chains(log_odds[unmoved, 1:], log_odds[unmoved, 0], rng)[0] + 1
    return ends, accepted / log_odds.numel()


def _chains(log_odds: Tensor, starts: Tensor, rng: torch.Generator) -> tuple[Tensor, int]:
    """The number of the proposal that each chain ends at, -1 if it never left its start; and how many were accepted."""
    state = starts.clone()
    ends = torch.full((len(starts),), -1)
    accepted = 0
    for number, proposal in enumerate(log_odds.unbind(1)):
        moves = torch.rand(len(starts), generator=rng, dtype=torch.float64).log() < proposal - state
        state = torch.where(moves, proposal, state)
        ends = torch.where(moves, number, ends)
        accepted += int(moves.sum())
    return ends, accepted


def rejection(log_odds: Tensor, maximum: float, percentile: float, rng: torch.Generator) -> Tensor:
    """Which images discriminator rejection sampling accepts (DRS, Azadi et al. 2019, section 3).

    An image is accepted with probability sigmoid(F), where F = d - M - log(1 - exp(d - M - epsilon)) - gamma, d are its
    log-odds and M is the greatest of all so far. With gamma 0 and the true M this is rejection sampling, which accepts
    with probability exp(d - M); gamma, in the paper a percentile of F, accepts more where hardly any would be.

    Args:
        log_odds: float64 (n,), of images in the order in which they came.
        maximum: M before the first of them, from a burn-in; -infinity if there was none.
        percentile: 0 to 100, which F is gamma; 0 for gamma 0, exact sampling.
        rng: where acceptance is drawn from.

    Returns:
        bool (n,).
    """
    below = log_odds - log_odds.cummax(0).values.clamp(min=maximum)
    f = below - torch.log1p(-torch.exp(below - DRS_EPSILON))
    gamma = float(np.percentile(f.numpy(), percentile)) if percentile else 0.0
    return torch.rand(len(f), generator=rng, dtype=torch.float64) < torch.sigmoid(f - gamma)


def resample(log_odds: Tensor, rng: torch.Generator) -> Tensor:
    """As many images again, drawn with replacement in proportion to their density ratio (Rubin 1988).

    Systematic resampling (Kitagawa 1996): an image of k times the mean weight is drawn k times, to within one.

    Args:
        log_odds: float64 (n,).
        rng: where the one random number comes from.

    Returns:
        Numbers of images, int64 (n,), ascending.
    """
    n = len(log_odds)
    levels = log_odds.softmax(0).cumsum(0)
    positions = (torch.arange(n, dtype=torch.float64) + torch.rand(1, generator=rng, dtype=torch.float64)) / n
    # Rounding may leave the last level a little below 1.
    return torch.searchsorted(levels, positions * levels[-1]).clamp(max=n - 1)


def effective_sample_size(log_odds: Tensor) -> float:
    """How many equally weighted images those of these weights are worth: sum(w)^2 / sum(w^2) (Kish 1965), 1 to n.

    Args:
        log_odds: float64 (n,); the weights are their exponentials, up to a factor.
    """
    weights = log_odds.softmax(0)
    return float(1 / weights.square().sum())
