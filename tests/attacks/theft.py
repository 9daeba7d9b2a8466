"""An attack, done without a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmark.interfaces import Attack, Knowledge
from benchmark.oracle import Oracle
from benchmark.recipe import Recipe


class Theft:
    """What an attack would have trained on, what it left in the books, and what it reported.

    Args:
        attack: which.
        answers: that it is handed, uint8 (n, C, H, W).
        real: images of the training set that it is granted; none if they are not given.
        budgets: of each client that it poses as; all answers to one, if they are not given.
        seed: of all that it draws.
        granted: what else it knows, by its name in :class:`benchmark.interfaces.Knowledge`.
    """

    def __init__(
        self,
        attack: Attack,
        answers: Tensor,
        real: Tensor | None = None,
        *,
        budgets: Sequence[int] = (),
        seed: int = 0,
        **granted: Any,
    ) -> None:
        self.oracle = Oracle(answers, *(budgets or [len(answers)]))
        shown = answers[:0] if real is None else real
        self.knowledge = Knowledge(self.oracle.image_shape, Recipe(), self.train, shown, **granted)
        self.images = torch.empty(0)
        self.state = torch.empty(0)
        self.model = attack.fit(self.oracle, self.knowledge, torch.Generator().manual_seed(seed))

    def train(self, images: Tensor, recipe: Recipe, rng: torch.Generator) -> None:
        """In the place of the training: notes the images, and the state of what it would have drawn from."""
        self.images, self.state = images, rng.get_state()

    @property
    def refined(self) -> Tensor:
        """What it would have trained on beside the real images, which come last."""
        return self.images[: len(self.images) - len(self.knowledge.real_images)]
