"""Fidelity extraction: be like the target model, from its answers alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attacks.training import TrainingAttack
from benchmark.interfaces import ImageModel, Knowledge
from benchmark.oracle import Oracle


@dataclass(frozen=True)
class Fidelity(TrainingAttack):
    """Trains a GAN on all the answers the budget buys, taking them for clean.

    Source: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), section 4.
    """

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query the whole budget at once, and train."""
        return self.train(oracle.query(oracle.remaining), knowledge, rng)
