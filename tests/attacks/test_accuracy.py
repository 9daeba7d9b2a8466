"""Accuracy extraction on images of one pixel, whose real distribution and whose discriminator are known."""

from __future__ import annotations

import pytest
import torch
from theft import Theft
from torch import Tensor

from attacks.accuracy import Accuracy
from benchmark.errors import UsageError
from benchmark.interfaces import Knowledge
from benchmark.recipe import Recipe
from benchmark.subsampling import calibrate

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


def stolen(attack: Accuracy, answers: int | Tensor = 20_000, real: int | Tensor = 4000, seed: int = 0) -> Theft:
    """The attack on answers and real images of these distributions; drawn here, where only their number is given."""
    handed = drawn(GENERATED, answers, 1) if isinstance(answers, int) else answers
    shown = drawn(REAL, real, 2) if isinstance(real, int) else real
    return Theft(attack, handed, shown, seed=seed, discriminator=logits)


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize(
    "attack", [{"subsampling": "mh"}, {"subsampling": "drs", "percentile": 0.0}, {"subsampling": "importance"}]
)
def test_refined_answers_are_distributed_like_real_images(attack: dict[str, object], calibration: str) -> None:
    theft = stolen(Accuracy(**attack, calibration=calibration), 40_000, 8000)
    shares = torch.bincount(theft.refined.flatten().int(), minlength=4) / len(theft.refined)
    # Standard errors of the greatest share: 0.008 from 4000 refined images, and 0.013 from a ratio that 4000 images of
    # either kind tell to within 0.056. Three of them together.
    assert (shares - REAL).abs().max() < 0.047
    assert abs(theft.knowledge.diagnostics["calibration_z"]) < 4
    assert torch.equal(theft.images[-8000:], theft.knowledge.real_images)


def test_answers_that_depend_on_those_beside_them_are_refined_as_well() -> None:
    # As of a defense that interpolates: ten in a row are alike, so that a chain of ten would have nothing to choose.
    theft = stolen(Accuracy(), drawn(GENERATED, 8000, 1).repeat_interleave(10, dim=0), 8000)
    shares = torch.bincount(theft.refined.flatten().int(), minlength=4) / len(theft.refined)
    # As above, but that ten times fewer answers are independent: the standard error of a share is below 0.013 + 0.008.
    assert (shares - REAL).abs().max() < 0.06


def test_the_books_are_right() -> None:
    chains = stolen(Accuracy())
    assert (chains.oracle.charged, chains.oracle.kept, len(chains.refined)) == (20_000, 2000, 2000)
    rejected = stolen(Accuracy(subsampling="drs"))
    rate = rejected.knowledge.diagnostics["acceptance_rate"]
    assert (rejected.oracle.charged, rejected.oracle.kept) == (20_000, round(20_000 * rate))
    resampled = stolen(Accuracy(subsampling="importance"))
    assert len(resampled.refined) == 20_000
    # The rarest level is worth a quarter of an image: of four of them three are thrown away.
    assert 10_000 < resampled.oracle.kept < 20_000
    plain = stolen(Accuracy(subsampling="none"))
    assert plain.oracle.kept == 20_000
    assert plain.knowledge.diagnostics == {"refined_images": 20_000, "real_images": 4000}


def test_the_diagnostics_are_those_of_the_distributions() -> None:
    diagnostics = stolen(Accuracy()).knowledge.diagnostics
    share = 1 / float((REAL**2 / GENERATED).sum())
    assert diagnostics["effective_sample_size"] / 20_000 == pytest.approx(share, rel=0.1)
    # Once a chain is at its stationary distribution, a proposal is accepted with the mean of min(1, ratio of odds).
    odds = REAL / GENERATED
    rate = (REAL[:, None] * GENERATED * (odds / odds[:, None]).clamp(max=1)).sum()
    assert diagnostics["acceptance_rate"] == pytest.approx(float(rate), abs=0.03)


@pytest.mark.parametrize("subsampling", ["mh", "drs", "importance", "none"])
def test_the_same_seed_chooses_the_same_images(subsampling: str) -> None:
    first, second = (stolen(Accuracy(subsampling=subsampling), 500, 100) for _ in range(2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize("subsampling", ["mh", "drs", "importance"])
def test_another_seed_chooses_other_images(subsampling: str) -> None:
    attack = Accuracy(subsampling=subsampling)
    first, second = (stolen(attack, 500, 100, seed) for seed in range(2))
    assert not torch.equal(first.refined, second.refined)
    assert not torch.equal(first.state, second.state)
    # And not only since the answers come in another order.
    answers = drawn(GENERATED, 500, 1)
    one, other = (set(attack.refine(answers, first.knowledge, generator(seed)).tolist()) for seed in range(2))
    assert one != other


def test_another_seed_shuffles_the_answers_otherwise_and_refines_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    states = []

    def all_of_them(self: Accuracy, answers: Tensor, knowledge: Knowledge, rng: torch.Generator) -> Tensor:
        states.append(rng.get_state())
        return torch.arange(len(answers))

    monkeypatch.setattr(Accuracy, "refine", all_of_them)
    first, second = (stolen(Accuracy(), 500, 100, seed) for seed in range(2))
    assert not torch.equal(first.refined, second.refined)
    assert torch.equal(first.refined.flatten().sort().values, second.refined.flatten().sort().values)
    assert not torch.equal(*states)


def test_without_subsampling_only_the_training_depends_on_the_seed() -> None:
    first, second = (stolen(Accuracy(subsampling="none"), 500, 100, seed) for seed in range(2))
    assert torch.equal(first.images, second.images)
    assert not torch.equal(first.state, second.state)


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
@pytest.mark.parametrize(
    ("real", "answers", "sign"),
    [((3, 0), (0, 0), 1), ((3, 3), (0, 3), -1)],
    ids=["half the real images", "half the answers"],
)
def test_the_calibration_is_judged_by_images_that_it_was_not_fitted_to(
    real: tuple[int, int], answers: tuple[int, int], sign: int, calibration: str
) -> None:
    # Of the first half of either kind the discriminator tells all; of the second half nothing.
    m = 200
    shown, handed = (
        torch.tensor(pair, dtype=torch.uint8).repeat_interleave(m)[:, None, None, None] for pair in (real, answers)
    )
    knowledge = Knowledge((1, 1, 1), Recipe(), None, shown, logits)
    Accuracy(subsampling="importance", calibration=calibration).refine(handed, knowledge, generator())
    z = knowledge.diagnostics["calibration_z"]
    assert sign * z > 20
    if calibration == "isotonic":
        # Certain but for the rule of succession, of all of the second half alike; and right for one kind of it.
        p = 1 / (m + 2)
        assert sign * z == pytest.approx((m - 2 * m * p) / (2 * m * p * (1 - p)) ** 0.5)


def test_a_lower_percentile_accepts_more() -> None:
    rates = [
        stolen(Accuracy(subsampling="drs", percentile=percentile)).knowledge.diagnostics["acceptance_rate"]
        for percentile in (30.0, 60.0, 95.0)
    ]
    assert rates[0] > 1.2 * rates[1] > 1.2**2 * rates[2]


@pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
def test_it_is_calibrated_as_it_says(calibration: str) -> None:
    shown, answers = drawn(REAL, 400, 2), drawn(GENERATED, 1000, 1)
    knowledge = Knowledge((1, 1, 1), Recipe(), None, shown, logits)
    _, odds = Accuracy(calibration=calibration).log_odds(answers, 200, knowledge)
    assert torch.equal(odds, calibrate(calibration, logits(shown)[:200], logits(answers)[:200])(logits(answers)))


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
        stolen(attack, 40, real)
