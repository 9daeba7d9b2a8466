"""Accuracy extraction: be like the target's training set, knowing a part of it and the target's discriminator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attacks.training import TrainingAttack
from benchmark.errors import UsageError
from benchmark.interfaces import ImageModel, Knowledge, ThreatModel, parameter
from benchmark.oracle import Oracle
from benchmark.subsampling import (
    CALIBRATIONS,
    calibrate,
    calibration_z,
    effective_sample_size,
    metropolis_hastings,
    rejection,
    resample,
)


@dataclass(frozen=True)
class Accuracy(TrainingAttack):
    """Trains a GAN on the answers that look most like real images, and on a share of the training set.

    Source: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), on accuracy extraction with partial real data and the target's
    discriminator. They refine by Metropolis-Hastings chains of 640 proposals (Turner et al., ICML 2019, arXiv
    1811.11357) and count the refined images only. Here the budget is all that the target hands over, so that of 50,000
    queries such chains would leave 78 images. A chain of K proposals comes within (1 - 1 / M)^K of the real
    distribution, where M is the greatest density ratio (Mengersen and Tweedie 1996), and leaves one K-th of the
    answers: with the default of 10, of 50,000 about as many as the default share has real images, at the price that
    where M is great such chains go only a part of the way.

    The discriminator is calibrated on one half of the real share against as many answers, which are then refined like
    all others; the other half tells how well that went, and is where chains start. It was trained on these very images:
    as far as it remembers them, it takes answers for less real than they are, which an attacker without other real
    images cannot see.

    Importance resampling rejects nothing, but draws by weight: an answer of less than the mean weight may not come up.

    The checkpoint that is kept is the one nearest to held-out images of all that is trained on, refined and real.

    Raises:
        UsageError: answers are to be refined without a share of real images.
    """

    share: float = parameter(0.1, "share of the training set that the attacker has", low=0, high=1)
    subsampling: str = parameter(
        "mh",
        "how answers are refined: Metropolis-Hastings, discriminator rejection, importance resampling",
        choices=("mh", "drs", "importance", "none"),
    )
    calibration: str = parameter(
        "isotonic",
        "regression that calibrates the discriminator",
        choices=CALIBRATIONS,
        only={"subsampling": ("mh", "drs", "importance")},
    )
    chain: int = parameter(
        10, "mh: proposals of a chain, which leaves one image of them", low=1, high=10**6, only={"subsampling": ("mh",)}
    )
    percentile: float = parameter(
        95.0, "drs: percentile of F that is gamma; 0: gamma is 0", low=0, high=100, only={"subsampling": ("drs",)}
    )
    # Only chains say beforehand how many images are drawn for a refined one.
    counting: str = parameter(
        "drawn",
        "what the budget counts: every image drawn, or (mh only) as the paper does the refined ones",
        choices=("drawn", "refined"),
        only={"subsampling": ("mh",)},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subsampling != "none" and not self.share:
            raise UsageError(
                f"subsampling={self.subsampling} is calibrated on real images, but share is 0; "
                "give a share, or subsampling=none"
            )

    @property
    def threat_model(self) -> ThreatModel:
        """A share of the training set, and the discriminator if answers are refined."""
        return ThreatModel(discriminator=self.subsampling != "none", real_share=self.share)

    def queries(self, budget: int) -> int:
        """The budget, or a whole chain for each refined image of it.

        Raises:
            UsageError: the budget is too small for a chain.
        """
        if self.subsampling == "mh" and self.counting == "drawn" and budget < self.chain:
            raise UsageError(f"a chain takes {self.chain} answers, but the budget is {budget}; make it shorter")
        return budget * self.chain if self.counting == "refined" else budget

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query all at once, refine, and train on what is left together with the real images."""
        answers = oracle.query(oracle.remaining)
        if self.subsampling != "none":
            # Proposals of a chain must not depend on one another; answers that a defense interpolates do, in a row.
            answers = answers[torch.randperm(len(answers), generator=rng)]
            chosen = self.refine(answers, knowledge, rng)
            oracle.discard(len(answers) - len(torch.unique(chosen)))
            answers = answers[chosen]
        knowledge.report("refined_images", len(answers))
        knowledge.report("real_images", len(knowledge.real_images))
        return self.train(torch.cat([answers, knowledge.real_images]), knowledge, rng)

    def refine(self, answers: Tensor, knowledge: Knowledge, rng: torch.Generator) -> Tensor:
        """Which answers to train on: their numbers, int64; of importance resampling some several times.

        Raises:
            UsageError: there are too few real images to calibrate with, or too few answers for a chain.
        """
        half = min(len(knowledge.real_images), len(answers)) // 2
        if not half:
            raise UsageError(f"a share of {self.share:g} is {len(knowledge.real_images)} real images; 2 are needed")
        real, odds = self.log_odds(answers, half, knowledge)
        knowledge.report("effective_sample_size", effective_sample_size(odds))
        if self.subsampling == "importance":
            return resample(odds, rng)
        if self.subsampling == "drs":
            # What was calibrated with serves as the burn-in.
            accepted = rejection(odds, float(odds[: 2 * half].max()), self.percentile, rng)
            knowledge.report("acceptance_rate", float(accepted.double().mean()))
            return accepted.nonzero()[:, 0]
        chains = len(answers) // self.chain
        if not chains:
            raise UsageError(f"a chain takes {self.chain} answers, but there are {len(answers)}; make it shorter")
        starts = real[torch.randint(len(real), (chains,), generator=rng)]
        ends, rate = metropolis_hastings(odds[: chains * self.chain].view(chains, self.chain), starts, rng)
        knowledge.report("acceptance_rate", rate)
        return torch.arange(chains) * self.chain + ends

    def log_odds(self, answers: Tensor, half: int, knowledge: Knowledge) -> tuple[Tensor, Tensor]:
        """Calibrated log-odds of ``half`` real images, which were not calibrated with, and of all answers."""
        on_real = knowledge.discriminator(knowledge.real_images)
        on_answers = knowledge.discriminator(answers)
        log_odds = calibrate(self.calibration, on_real[:half], on_answers[:half])
        real, odds = log_odds(on_real[half : 2 * half]), log_odds(on_answers)
        held_out = torch.cat([real, odds[half : 2 * half]])
        knowledge.report("calibration_z", calibration_z(held_out, torch.arange(2 * half) < half))
        return real, odds
