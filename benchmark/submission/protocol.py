"""The fixed protocol: what every submitted defense is measured against, and nothing that a submitter may choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

from benchmark.config import Cell, Track
from benchmark.defaults import UNDEFENDED
from benchmark.stack import discerning, overriding


@dataclass(frozen=True)
class Protocol:
    """Attacks, budget and seeds."""

    attacks: tuple[str, ...]
    """Specs of the attacks; some of them know the defense."""
    budget: int
    seeds: tuple[int, ...]
    """At least two, so that the scatter over seeds is known."""
    colluding: str
    """Spec of one attack more, of several clients, on a defense that limits a client or treats him by his history."""

    def quick(self, track: Track) -> Protocol:
        """The same on a budget that a track's cut-down form allows."""
        return replace(self, budget=min(self.budget, track.max_budget))

    def cells(self, track: Track, defense: str) -> list[Cell]:
        """The cells of a defense and, for gains and costs, of the undefended target, all of them isolated.

        Nobody colludes against the undefended target, which hands any number of clients the same.

        Raises:
            UsageError: see :class:`benchmark.config.Cell`.
            PluginError: likewise.
        """
        defended = self._cells(track, defense, self.attacks)
        made = defended[0].made_defense
        if discerning(made) or overriding(made, "limit"):
            defended += self._cells(track, defense, (self.colluding,))
        return self._cells(track, UNDEFENDED, self.attacks) + defended

    def _cells(self, track: Track, defense: str, attacks: Iterable[str]) -> list[Cell]:
        return [
            Cell(track, defense, attack, self.budget, seed, isolated=True)
            for attack, seed in product(attacks, self.seeds)
        ]


PROTOCOL = Protocol(
    ("fidelity", "accuracy", "through", "purify", "reweight"), 50_000, (0, 1, 2), colluding="sybil,clients=100"
)
"""Of every track. Rows of another protocol do not compare, so a bundle of another one is refused."""
