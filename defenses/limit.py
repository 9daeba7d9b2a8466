"""Fewer answers than were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class QueryLimit(Defense):
    """A limit on queries: at most a share of the images asked for is handed over, each as the target made it.

    Of N images that a client asks for, the floor of ``share`` * N come back, and no more than ``cap`` if that is not 0.
    ``share`` in [0.001, 1], ``cap`` in 0 ... 10^12; less is stronger. The cap is kept for each client: it stops none
    who poses as enough of them, and spares those who ask for little, where a share takes from all alike. What a limit
    costs users is not in the other utility figures, which are of the answers that they do get, but in
    ``utility_refused``. Source: Hu and Pang, ACSAC 2021 (arXiv 2101.02069), where the number of queries decides how
    well a model is stolen.
    """

    strength: ClassVar[str] = "share"
    share: float = parameter(0.1, "share of requested images that come back; less is stronger", low=0.001, high=1.0)
    cap: int = parameter(0, "images that one client is handed at most; 0: no cap", low=0, high=10**12)

    def limit(self, requested: int) -> int:
        """The floor of ``share`` * ``requested``, at most ``cap``."""
        # The share as it was written: in binary, 0.29 * 100 is less than 29.
        granted = int(Decimal(str(self.share)) * requested)
        return min(granted, self.cap) if self.cap else granted
