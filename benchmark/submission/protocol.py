"""The fixed protocol: what every submitted defense is measured against, and nothing that a submitter may choose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from benchmark.config import Cell, Track
from benchmark.defaults import UNDEFENDED


@dataclass(frozen=True)
class Protocol:
    """Attacks, budget and seeds."""

    attacks: tuple[str, ...]
    """Specs of the attacks; some of them know the defense."""
    budget: int
    seeds: tuple[int, ...]
    """At least two, so that the scatter over seeds is known."""

    def quick(self, track: Track) -> Protocol:
        """The same on a budget that a track's cut-down form allows."""
        return replace(self, budget=min(self.budget, track.max_budget))

    def cells(self, track: Track, defense: str) -> list[Cell]:
        """The cells of a defense and, for gains and costs, of the undefended target, all of them isolated.

        Raises:
            UsageError: see :class:`benchmark.config.Cell`.
            PluginError: likewise.
        """
        return [
            Cell(track, spec, attack, self.budget, seed, isolated=True)
            for spec, attack, seed in product((UNDEFENDED, defense), self.attacks, self.seeds)
        ]


PROTOCOL = Protocol(("fidelity", "accuracy", "through", "purify", "reweight"), 50_000, (0, 1, 2))
"""Of every track. Rows of another protocol do not compare, so a bundle of another one is refused."""
