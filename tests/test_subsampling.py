"""Subsampling reaches a target distribution that is known: proposals N(0, 1), target N(1, 1/2), the exact ratio."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.subsampling import (
    CALIBRATIONS,
    DRS_EPSILON,
    calibrate,
    calibration_z,
    effective_sample_size,
    metropolis_hastings,
    rejection,
    resample,
)

PROPOSAL, TARGET = stats.norm(0, 1), stats.norm(1, 0.5)
CRITICAL = stats.kstwobign.isf(1e-3)
"""The Kolmogorov-Smirnov statistic times sqrt(n) exceeds this once in a thousand."""


def log_ratio(x: Tensor) -> Tensor:
    """Of the target's density to the proposals'."""
    return torch.from_numpy(TARGET.logpdf(x.numpy()) - PROPOSAL.logpdf(x.numpy()))


MAXIMUM = float(log_ratio(torch.tensor([4 / 3], dtype=torch.float64)))
"""The derivative -4 (x - 1) + x of the log ratio vanishes at 4/3."""


def proposals(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator(1), dtype=torch.float64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def distance(x: Tensor, n: float | None = None) -> float:
    """Kolmogorov-Smirnov statistic to the target, times sqrt(n)."""
    return float(stats.kstest(x.numpy(), TARGET.cdf).statistic) * math.sqrt(len(x) if n is None else n)


@pytest.mark.parametrize("start", [-1.0, 1.0])
def test_chains_reach_the_target_from_wherever_they_start(start: float) -> None:
    x = proposals(10_000, 40)
    starts = log_ratio(torch.full((len(x),), start, dtype=torch.float64))
    ends, acceptance = metropolis_hastings(log_ratio(x), starts, generator())
    chosen = x.gather(1, ends[:, None])[:, 0]
    # Distance after K steps is at most (1 - 1 / max ratio)^K (Mengersen and Tweedie 1996): here 7e-6.
    assert distance(chosen) < CRITICAL
    assert 1 / math.exp(MAXIMUM) < acceptance < 1
    assert distance(x[:, 0]) > 10 * CRITICAL


def test_a_chain_never_hands_back_the_real_image_it_started_at() -> None:
    x = proposals(2000, 3)
    ends, acceptance = metropolis_hastings(log_ratio(x), torch.full((len(x),), 1e3, dtype=torch.float64), generator())
    assert acceptance == 0
    assert set(ends.tolist()) == {0, 1, 2}
    single, _ = metropolis_hastings(log_ratio(x[:, :1]), torch.full((len(x),), 1e3, dtype=torch.float64), generator())
    assert not single.any()


def test_rejection_sampling_is_exact_without_gamma() -> None:
    x = proposals(100_000)
    accepted = rejection(log_ratio(x), MAXIMUM, 0, generator())
    assert distance(x[accepted]) < CRITICAL
    # One in max-ratio is accepted; five standard deviations of a binomial, and what epsilon may do.
    expected = math.exp(-MAXIMUM)
    assert float(accepted.double().mean()) == pytest.approx(expected, abs=5 * math.sqrt(expected / len(x)) + 1e-3)


def test_gamma_shifts_the_odds_of_acceptance() -> None:
    odds = torch.full((200_000,), -2.0, dtype=torch.float64)
    odds[: len(odds) // 2] = -1.0
    accepted = rejection(odds, 0.0, 75, generator()).view(2, -1).double().mean(1)
    # The third quartile of F is that of the better half, which is then accepted with probability 1/2.
    p = np.exp([-1 - DRS_EPSILON, -2 - DRS_EPSILON])
    f = np.array([-1, -2]) - np.log(1 - p)
    expected = 1 / (1 + np.exp(f[0] - f))
    assert accepted.numpy() == pytest.approx(expected, abs=0.01)


def test_the_maximum_runs() -> None:
    odds = torch.tensor([0.0, 5.0, 0.0], dtype=torch.float64)
    counts = sum(rejection(odds, -math.inf, 0, generator(seed)).long() for seed in range(2000))
    # The first and the second are the greatest when they come; the third is e^-5 as likely as the second.
    assert counts[:2].tolist() == [2000, 2000]
    assert counts[2] / 2000 == pytest.approx(math.exp(-5), abs=0.01)


def test_resampling_reaches_the_target() -> None:
    x = proposals(100_000)
    chosen = x[resample(log_ratio(x), generator())]
    assert len(chosen) == len(x)
    # Images come several times: as good as so many different ones as the effective sample size says.
    assert distance(chosen, effective_sample_size(log_ratio(x))) < CRITICAL


def test_resampling_draws_each_image_in_proportion_to_within_one() -> None:
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).repeat(25)
    counts = torch.bincount(resample(weights.log(), generator()), minlength=100)
    assert counts.sum() == 100
    assert (counts - 100 * weights / weights.sum()).abs().max() < 1


def test_effective_sample_size_in_closed_form() -> None:
    assert effective_sample_size(torch.zeros(50, dtype=torch.float64)) == pytest.approx(50)
    assert effective_sample_size(torch.tensor([0.0, -1e3, -1e3], dtype=torch.float64)) == pytest.approx(1)
    share, _ = integrate.quad(lambda x: TARGET.pdf(x) ** 2 / PROPOSAL.pdf(x), -8, 8)
    assert effective_sample_size(log_ratio(proposals(200_000))) / 200_000 == pytest.approx(1 / share, rel=0.02)


def scores(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Overconfident logits, three times the log ratio and two: of real images, and of generated ones."""
    real = torch.from_numpy(TARGET.rvs(n, random_state=seed))
    generated = torch.from_numpy(PROPOSAL.rvs(n, random_state=seed + 1))
    return 3 * log_ratio(real) + 2, 3 * log_ratio(generated) + 2


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_calibration_finds_the_density_ratio(kind: str) -> None:
    log_odds = calibrate(kind, *scores(20_000, 0))
    x = proposals(20_000)
    error = log_odds(3 * log_ratio(x) + 2).sigmoid() - log_ratio(x).sigmoid()
    assert float(error.abs().mean()) < 0.02


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_z_tells_what_is_calibrated_from_what_is_not(kind: str) -> None:
    log_odds = calibrate(kind, *scores(5000, 0))
    held_out = torch.cat(scores(5000, 7))
    is_real = torch.arange(10_000) < 5000
    # Of a standard normal; sqrt(2) since the calibration was itself fitted to as many images.
    assert abs(calibration_z(log_odds(held_out), is_real)) < 3 * math.sqrt(2)
    assert abs(calibration_z((held_out - 2) / 3, is_real)) < 3
    assert abs(calibration_z(held_out, is_real)) > 20


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_calibrated_odds_are_finite(kind: str) -> None:
    log_odds = calibrate(kind, torch.tensor([1.0, 2.0]), torch.tensor([-1.0, -2.0]))
    odds = log_odds(torch.tensor([-100.0, 0.0, 100.0]))
    assert odds.abs().max() <= math.log(3) + 1e-9
    assert (odds.diff() >= 0).all()
    assert torch.isfinite(calibrate(kind, torch.ones(3), torch.ones(3))(torch.ones(2))).all()


def test_beyond_all_images_of_one_kind_the_odds_are_those_of_the_nearest_of_both() -> None:
    real = torch.tensor([3.0, 2.0, 2.0, 2.0, 0.0, 0.0])
    generated = torch.tensor([2.0, 0.0, 0.0, 0.0, 0.0, -1.0])
    odds = calibrate("isotonic", real, generated)(torch.tensor([-9.0, -1.0, 0.0, 2.0, 3.0, 9.0]))
    # At 2 there are three real images and a generated one, at 0 two and four.
    assert odds.exp().tolist() == pytest.approx([0.5, 0.5, 0.5, 3, 3, 3])


@pytest.mark.parametrize(("real", "generated"), [(3, 2), (0, 0)])
def test_calibration_takes_equally_many(real: int, generated: int) -> None:
    with pytest.raises(UsageError, match=f"{real} and {generated}"):
        calibrate("isotonic", torch.zeros(real), torch.zeros(generated))
