"""The query interface: all that an attacker ever sees of the target, and the ledger of what he was given."""

from __future__ import annotations

from itertools import accumulate

from torch import Tensor

from benchmark.errors import BudgetError, UsageError
from benchmark.images import ImageShape


class Oracle:
    """Hands over answers, in order, and charges every image to the client that asked for it.

    Args:
        answers: uint8 (at least as many as all budgets together, C, H, W), usually a view of a memory map.
        budgets: for each client that the attacker poses as, the number of images that it may be handed, which lie one
            client's after the other's; one, if he asks as himself.
        history: images that one client is handed at most, where several were asked already and these are their answers.

    Raises:
        UsageError: a budget is negative, or all together are not positive or more than there are answers.
    """

    def __init__(self, answers: Tensor, *budgets: int, history: int | None = None) -> None:
        self.budget = sum(budgets)
        if min(budgets) < 0 or not 1 <= self.budget <= len(answers):
            raise UsageError(f"a query budget of {self.budget} needs as many answers, but there are {len(answers)}")
        self._answers = answers
        self._ends = [*accumulate(budgets)]
        self._left = [*budgets]
        self.history = max(budgets) if history is None else history
        self.charged = 0
        self._discarded = 0

    @property
    def image_shape(self) -> ImageShape:
        """Shape of one answer."""
        _, channels, height, width = self._answers.shape
        return channels, height, width

    @property
    def left(self) -> tuple[int, ...]:
        """Images that each client may still ask for."""
        return tuple(self._left)

    @property
    def remaining(self) -> int:
        """Images that all clients together may still ask for."""
        return self.budget - self.charged

    @property
    def kept(self) -> int:
        """Images handed over and not discarded."""
        return self.charged - self._discarded

    def query(self, n: int, client: int = 0) -> Tensor:
        """The next ``n`` answers to a client, uint8 (n, C, H, W), charged whatever becomes of them.

        Args:
            n: how many.
            client: number of the client that asks.

        Raises:
            UsageError: ``n`` is not positive, or there is no such client.
            BudgetError: fewer than ``n`` remain to the client; nothing is handed over or charged.
        """
        if n < 1:
            raise UsageError(f"a query asks for at least 1 image, not {n}")
        if not 0 <= client < len(self._left):
            raise UsageError(f"client {client} asked, but there are {len(self._left)}, counted from 0")
        if n > self._left[client]:
            who = f"client {client}" if len(self._left) > 1 else "the attacker"
            of = f", {self._left[client]} of them to it" if len(self._left) > 1 else ""
            raise BudgetError(f"{who} asked for {n} images, but {self.remaining} of {self.budget} remain{of}")
        start = self._ends[client] - self._left[client]
        answers = self._answers[start : start + n]
        self._left[client] -= n
        self.charged += n
        return answers

    def discard(self, n: int) -> None:
        """Note that ``n`` of the images handed over were thrown away; they stay charged."""
        if not 0 <= n <= self.kept:
            raise UsageError(f"{n} images cannot be discarded: {self.kept} were kept so far")
        self._discarded += n
