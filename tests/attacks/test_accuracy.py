"""Accuracy extraction on images of one pixel, whose real distribution and whose discriminator are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attacks.accuracy import Accuracy
from benchmark.errors import UsageError
from benchmark.interfaces import Knowledge
from benchmark.oracle import Oracle
from benchmark.recipe import Recipe

GENERATED = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
REAL = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
"""Of the levels 0 to 3 of the only pixel."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(distribution: Tensor, n: int, seed: int) -> Tensor:
    levels = torch.multinomial(distribution, n, replacement=True, generator=generator(seed))
    return levels.to(torch.uint8)[:, None, None, None]


def logits(images: Tensor) -> Tensor:
    """An overconfident discriminator: thrice the log ratio, and more."""
    return (3 * (REAL / GENERATED).log() + 1).float()[images.flatten().long()]


class Theft:
    """The attack, done without a training: what it would have trained on, and what it left in the books."""

    def __init__(self, attack: Accuracy, answers: int | Tensor = 20_000, real: int = 4000) -> None:
        handed = drawn(GENERATED, answers, 1) if isinstance(answers, int) else answers
        self.oracle = Oracle(handed, len(handed))
        self.knowledge = Knowledge((1, 1, 1), Recipe(), self.train, drawn(REAL, real, 2), logits)
        self.images = torch.empty(0)
        attack.fit(self.oracle, self.knowledge, generator())
        self.refined = self.images[: len(self.images) - real]

    def train(self, images: Tensor, recipe: Recipe, rng: torch.Generator) -> None:
        self.images = images


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize(
    "attack", [{"subsampling": "mh"}, {"subsampling": "drs", "percentile": 0.0}, {"subsampling": "importance"}]
)
def test_refined_answers_are_distributed_like_real_images(attack: dict[str, object], calibration: str) -> None:
    theft = Theft(Accuracy(**attack, calibration=calibration), 40_000, 8000)
    shares = torch.bincount(theft.refined.flatten().int(), minlength=4) / len(theft.refined)
    # Standard errors of the greatest share: 0.008 from 4000 refined images, and 0.013 from a ratio that 4000 images of
    # either kind tell to within 0.056. Three of them together.
    assert (shares - REAL).abs().max() < 0.047
    assert abs(theft.knowledge.diagnostics["calibration_z"]) < 4
    assert torch.equal(theft.images[-8000:], theft.knowledge.real_images)


def test_answers_that_depend_on_those_beside_them_are_refined_as_well() -> None:
    # As of a defense that interpolates: ten in a row are alike, so that a chain of ten would have nothing to choose.
    theft = Theft(Accuracy(), drawn(GENERATED, 8000, 1).repeat_interleave(10, dim=0), 8000)
    shares = torch.bincount(theft.refined.flatten().int(), minlength=4) / len(theft.refined)
    # As above, but that ten times fewer answers are independent: the standard error of a share is below 0.013 + 0.008.
    assert (shares - REAL).abs().max() < 0.06


def test_the_books_are_right() -> None:
    chains = Theft(Accuracy())
    assert (chains.oracle.charged, chains.oracle.kept, len(chains.refined)) == (20_000, 2000, 2000)
    rejected = Theft(Accuracy(subsampling="drs"))
    rate = rejected.knowledge.diagnostics["acceptance_rate"]
    assert (rejected.oracle.charged, rejected.oracle.kept) == (20_000, round(20_000 * rate))
    resampled = Theft(Accuracy(subsampling="importance"))
    assert len(resampled.refined) == 20_000
    # The rarest level is worth a quarter of an image: of four of them three are thrown away.
    assert 10_000 < resampled.oracle.kept < 20_000
    plain = Theft(Accuracy(subsampling="none"))
    assert plain.oracle.kept == 20_000
    assert plain.knowledge.diagnostics == {"refined_images": 20_000, "real_images": 4000}


def test_the_diagnostics_are_those_of_the_distributions() -> None:
    diagnostics = Theft(Accuracy()).knowledge.diagnostics
    share = 1 / float((REAL**2 / GENERATED).sum())
    assert diagnostics["effective_sample_size"] / 20_000 == pytest.approx(share, rel=0.1)
    # Once a chain is at its stationary distribution, a proposal is accepted with the mean of min(1, ratio of odds).
    odds = REAL / GENERATED
    rate = (REAL[:, None] * GENERATED * (odds / odds[:, None]).clamp(max=1)).sum()
    assert diagnostics["acceptance_rate"] == pytest.approx(float(rate), abs=0.03)


@pytest.mark.parametrize("subsampling", ["mh", "drs", "importance", "none"])
def test_the_same_seed_chooses_the_same_images(subsampling: str) -> None:
    first, second = (Theft(Accuracy(subsampling=subsampling), 500, 100) for _ in range(2))
    assert torch.equal(first.images, second.images)


def test_it_asks_for_what_it_uses() -> None:
    assert str(Accuracy().threat_model) == "answers, discriminator, 10% of the training set"
    assert str(Accuracy(share=0.025, subsampling="none").threat_model) == "answers, 2.5% of the training set"
    assert str(Accuracy(share=0.0, subsampling="none").threat_model) == "answers"


def test_refined_images_may_be_counted_alone_where_their_number_is_known() -> None:
    assert Accuracy().queries(50) == 50
    assert Accuracy(counting="refined", chain=640).queries(50) == 32_000
    with pytest.raises(UsageError, match="counting counts only where subsampling is mh, not drs"):
        Accuracy(counting="refined", subsampling="drs")


def test_what_cannot_be_refined_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(UsageError, match="calibrated on real images, but share is 0"):
        Accuracy(share=0.0)
    with pytest.raises(UsageError, match="a chain takes 10 answers, but the budget is 9"):
        Accuracy().queries(9)


@pytest.mark.parametrize(
    ("attack", "real", "says"),
    [
        (Accuracy(), 1, "0.1 is 1 real images; 2 are needed"),
        (Accuracy(chain=50), 10, "takes 50 answers, but there are 40"),
    ],
)
def test_too_few_images_are_an_error(attack: Accuracy, real: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Theft(attack, 40, real)
