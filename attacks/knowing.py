"""What attacks have in common that know the defense, and apply it to images of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attacks.training import TrainingAttack
from benchmark.interfaces import Defense
from benchmark.oracle import Oracle
from benchmark.stack import discerning

BATCH = 500
"""Images that are defended at a time, as the harness does: what a client was handed before counts in these."""

HISTORIES = 20
"""Numbers of images handed before that stand for all that a client is handed."""


@dataclass(frozen=True)
class KnowingAttack(TrainingAttack):
    """A training attack that sets images of its own, defended likewise, beside the answers, or learns from both."""

    def histories(self, defense: Defense, oracle: Oracle) -> list[int]:
        """How many images a client was handed before, evenly over all its answers; none if it matters not.

        Args:
            defense: as its spec says.
            oracle: whose answers these are.
        """
        if not discerning(defense):
            return []
        middles = ((2 * part + 1) * oracle.history // (2 * HISTORIES) for part in range(HISTORIES))
        return [middle // BATCH * BATCH for middle in middles]

    def defended(self, images: Tensor, defense: Defense, histories: Sequence[int], rng: torch.Generator) -> Tensor:
        """Images uint8 (n, C, H, W) as they are answered; in the same order.

        Args:
            images: undefended.
            defense: restated.
            histories: of the client, each for an equal part of the images, taken in turn; fewer of few images.
            rng: of the defense.
        """
        if not histories:
            return torch.cat([defense.answer(part, rng) for part in torch.split(images, BATCH)])
        answers = torch.empty_like(images)
        count = min(len(images), len(histories))
        for first in range(count):
            part, handed = slice(first, None, count), histories[first * len(histories) // count]
            answers[part] = self.defended(images[part], defense.facing(handed), (), rng)
        return answers
