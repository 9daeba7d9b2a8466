"""The query interface: all that an attacker ever sees of the target, and the ledger of what he was given."""

from __future__ import annotations

from torch import Tensor

from benchmark.errors import BudgetError, UsageError
from benchmark.images import ImageShape


class Oracle:
    """Hands over answers, in order, and charges every image.

    Args:
        answers: uint8 (at least ``budget``, C, H, W), usually a view of a memory map.
        budget: number of images that may be handed over.

    Raises:
        UsageError: the budget is not positive, or there are fewer answers than it allows.
    """

    def __init__(self, answers: Tensor, budget: int) -> None:
        if not 1 <= budget <= len(answers):
            raise UsageError(f"a query budget of {budget} needs as many answers, but there are {len(answers)}")
        self._answers = answers
        self.budget = budget
        self.charged = 0
        self._discarded = 0

    @property
    def image_shape(self) -> ImageShape:
        """Shape of one answer."""
        _, channels, height, width = self._answers.shape
        return channels, height, width

    @property
    def remaining(self) -> int:
        """Images that may still be asked for."""
        return self.budget - self.charged

    @property
    def kept(self) -> int:
        """Images handed over and not discarded."""
        return self.charged - self._discarded

    def query(self, n: int) -> Tensor:
        """The next ``n`` answers, uint8 (n, C, H, W), charged whatever becomes of them.

        Raises:
            UsageError: ``n`` is not positive.
            BudgetError: fewer than ``n`` remain; nothing is handed over or charged.
        """
        if n < 1:
            raise UsageError(f"a query asks for at least 1 image, not {n}")
        if n > self.remaining:
            raise BudgetError(f"the attacker asked for {n} images, but {self.remaining} of {self.budget} remain")
        answers = self._answers[self.charged : self.charged + n]
        self.charged += n
        return answers

    def discard(self, n: int) -> None:
        """Note that ``n`` of the images handed over were thrown away; they stay charged."""
        if not 0 <= n <= self.kept:
            raise UsageError(f"{n} images cannot be discarded: {self.kept} were kept so far")
        self._discarded += n
