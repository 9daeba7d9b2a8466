"""Fewer answers than were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class QueryLimit(Defense):
    """A limit on queries: at most a share of the images asked for is handed over, each as the target made it.

    Of N images asked for, the floor of ``share`` * N come back. ``share`` in [0.001, 1]; less is stronger. What it
    costs users is not in the utility figures, which are of the answers that they do get, but the share itself. Source:
    Hu and Pang, ACSAC 2021 (arXiv 2101.02069), where the number of queries decides how well a model is stolen.
    """

    strength: ClassVar[str] = "share"
    share: float = parameter(0.1, "share of requested images that come back; less is stronger", low=0.001, high=1.0)

    def limit(self, requested: int) -> int:
        """The floor of ``share`` * ``requested``."""
        # The share as it was written: in binary, 0.29 * 100 is less than 29.
        return int(Decimal(str(self.share)) * requested)
