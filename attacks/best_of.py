"""The best of several attacks, as far as an attacker can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from attacks.combined import Combined
from benchmark.budget import MAX_BUDGET
from benchmark.errors import TrainingError, UsageError
from benchmark.images import check_images
from benchmark.interfaces import Attack, ImageModel, Knowledge, ThreatModel, parameter
from benchmark.metrics import Moments, frechet_distance, moments
from benchmark.oracle import Oracle
from benchmark.streams import stream

SAMPLES = 2000
"""Images of each attack model that the choice is made by; the same number of each, so that none is favoured."""


@dataclass(frozen=True)
class BestOf(Combined):
    """Does several attacks with the same answers, and hands over the attack model that comes nearest to real images.

    What it hands over is what an attacker would who does not know which attack suits the defense. He cannot see the
    board's figures: he chooses by the Fréchet distance to real images which he holds out of all attacks, a ``share`` of
    the training set of their own. (The board's own judgement, the strongest attacker of a defense, looks at all rows
    and needs no such attack.) Source: Tramèr et al., "On Adaptive Attacks to Adversarial Example Defenses", NeurIPS
    2020 (arXiv 2002.08347): a defense is as good as the best attack on it.

    The budget is charged once: every attack is handed the same answers, and draws the same randomness as it would
    alone. Each is granted what its own threat model asks for and no more; the row's is all of these together, with the
    held-out share on top. Kept are the images that the attack which was chosen kept; the record's diagnostics name it.

    Raises:
        UsageError: an attack counts its budget in a way of its own, or all shares together are more than the whole
            training set.
    """

    members: str = parameter("fidelity+through+purify+reweight", "the attacks: their specs, joined by +")
    share: float = parameter(0.05, "share of the training set that the choice is made by", low=0.0001, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for spec, attack in self.attacks.items():
            # On the largest budget, since on a small one an attack may refuse.
            if attack.queries(MAX_BUDGET) != MAX_BUDGET:
                raise UsageError(f"{spec} counts its budget in a way of its own, so that answers cannot be shared")
        if self.threat_model.real_share > 1:
            raise UsageError(
                f"the attacks ask for {self.others:g} of the training set, and the choice between them for "
                f"{self.share:g} besides; together they must be at most 1"
            )

    @property
    def naming(self) -> str:
        """See :class:`Combined`."""
        return "members"

    @property
    def others(self) -> float:
        """Share of the training set that the attacks are granted."""
        return super().threat_model.real_share

    @property
    def threat_model(self) -> ThreatModel:
        """All that any of the attacks asks for, and the held-out share."""
        return replace(super().threat_model, real_share=self.others + self.share)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query all at once, do every attack, and return the attack model nearest to the held-out images.

        Raises:
            UsageError: the held-out share is less than two images.
            TrainingError: every attack's training failed; one that does is left out.
        """
        answers = oracle.query(oracle.remaining)
        real = knowledge.real_images
        count = round(len(real) * self.share / self.threat_model.real_share)
        if count < 2:
            raise UsageError(f"a share of {self.share:g} is {count} real images; 2 are needed to choose by")
        reference = moments(knowledge.features(real[-count:]).numpy())
        rest, state = replace(knowledge, real_images=real[:-count]), rng.get_state()
        nearest: tuple[float, ImageModel, int, str] | None = None
        for spec, attack in self.attacks.items():
            # Copies: what one makes of them in place must not reach the others.
            ledger = Oracle(answers.clone(), len(answers), history=oracle.history)
            own = rest.limited_to(attack.threat_model, self.others)
            own = replace(own, real_images=own.real_images.clone())
            try:
                model = attack.fit(ledger, own, torch.Generator().set_state(state))
            except TrainingError as error:
                knowledge.reporter.note(f"{spec} is left out: {error}")
                continue
            distance = distance_of(attack, model, knowledge, reference)
            for name, value in {**own.diagnostics, "distance": distance}.items():
                knowledge.report(f"{spec}: {name}", value)
            if nearest is None or distance < nearest[0]:
                nearest = distance, model, ledger.kept, spec
                knowledge.reporter.note(f"{spec} is the nearest so far: {distance:.1f} from held-out images")
        if nearest is None:
            raise TrainingError(f"none of {self.members} came to an attack model; try another seed")
        _, model, kept, chosen = nearest
        knowledge.report(f"{chosen}: chosen", 1)
        oracle.discard(len(answers) - kept)
        return model


def distance_of(attack: Attack, model: ImageModel, knowledge: Knowledge, reference: Moments) -> float:
    """Fréchet distance of an attack model's images to the held-out ones, in the features that the attacker has."""
    images = model.sample(SAMPLES, stream("best-of"))
    shape = (SAMPLES, *knowledge.image_shape)
    checked = check_images(images, shape, f"{type(attack).__name__}'s attack model")
    return frechet_distance(moments(knowledge.features(checked).numpy()), reference)
