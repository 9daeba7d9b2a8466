"""What attacks that are made of other attacks have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.errors import UsageError
from benchmark.interfaces import Attack, ThreatModel
from benchmark.keys import plugin_key
from benchmark.registry import STACKED, canonical, load, split_outside_brackets


@dataclass(frozen=True)
class Combined(Attack):
    """An attack made of others, which a parameter names by their specs, joined by ``+``.

    A spec with settings of its own stands in brackets: ``fidelity+[accuracy,share=0.2]``.

    Raises:
        UsageError: there is no such attack, one is named twice, or one poses as several clients.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, self.naming, STACKED.join(map(_bracketed, self.attacks)))
        for spec, attack in self.attacks.items():
            if attack.threat_model.clients > 1:
                raise UsageError(
                    f"{spec} poses as several clients, which a part of an attack may not; put sybil around"
                )

    @property
    @abstractmethod
    def naming(self) -> str:
        """Name of the parameter."""

    @cached_property
    def attacks(self) -> dict[str, Attack]:
        """The others by spec, in order."""
        text = str(getattr(self, self.naming))
        made = {}
        for part in split_outside_brackets(text, STACKED):
            spec = part.strip()
            spec = spec[1:-1] if spec.startswith("[") and spec.endswith("]") else spec
            attack = load("attack", spec)
            spec = canonical(spec, attack)
            if spec in made:
                raise UsageError(f"{text!r} names {spec} twice")
            made[spec] = attack
        return made

    @property
    def threat_model(self) -> ThreatModel:
        """All that any of them asks for."""
        models = [attack.threat_model for attack in self.attacks.values()]
        return ThreatModel(
            discriminator=any(model.discriminator for model in models),
            real_share=max(model.real_share for model in models),
            defense=any(model.defense for model in models),
            strength=any(model.strength for model in models if model.defense),
        )

    @property
    def content(self) -> Mapping[str, Any]:
        """What determines what the others do."""
        return {"attacks": [plugin_key(attack) for attack in self.attacks.values()]}


def _bracketed(spec: str) -> str:
    return f"[{spec}]" if "," in spec or STACKED in spec else spec
