"""Extraction by several clients who are one attacker."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from attacks.combined import Combined
from benchmark.errors import UsageError
from benchmark.interfaces import ImageModel, Knowledge, ThreatModel, parameter
from benchmark.oracle import Oracle


@dataclass(frozen=True)
class Sybil(Combined):
    """Does an attack with the answers to several clients, who share all that they are handed.

    For defenses that keep state per client, such as a cap on the images of each: they see ``clients`` users who ask for
    an equal part of the budget each. Against all others this is the attack alone, to the bit. Sources: Douceur, "The
    Sybil Attack", IPTPS 2002; on model extraction Zhang, Chen and Wagner, "SEAT: Similarity Encoder by Adversarial
    Training for Detecting Model Extraction Attack Queries", AISec 2021, who count what a defense is worth in the
    accounts that it takes to get around it.

    Raises:
        UsageError: several attacks are named; the best of several is ``attack=[best-of,members=...]``.
    """

    attack: str = parameter("fidelity", "what is done with the answers: a spec, in brackets if it has settings")
    clients: int = parameter(10, "clients that the attacker poses as", low=2, high=10**6)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.attacks) > 1:
            raise UsageError(
                f"sybil does one attack, not {len(self.attacks)}; write attack=[best-of,members={self.attack}]"
            )

    @property
    def naming(self) -> str:
        """See :class:`Combined`."""
        return "attack"

    @property
    def threat_model(self) -> ThreatModel:
        """The attack's, with so many clients."""
        return replace(super().threat_model, clients=self.clients)

    def queries(self, budget: int) -> int:
        """As the attack counts."""
        (attack,) = self.attacks.values()
        return attack.queries(budget)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Let every client ask for all that it may have, and do the attack with that."""
        (attack,) = self.attacks.values()
        answers = torch.cat([oracle.query(n, client) for client, n in enumerate(oracle.left) if n])
        ledger = Oracle(answers, len(answers), history=oracle.history)
        model = attack.fit(ledger, knowledge, rng)
        oracle.discard(len(answers) - ledger.kept)
        return model
