"""Extraction from restored answers: be like what the answers look like once the defense is taken off them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from attacks.knowing import KnowingAttack
from attacks.restoration import (
    Damage,
    Restorer,
    dead_leaves,
    deblocker,
    deblurrer,
    denoiser,
    in_batches,
    network,
)
from benchmark.errors import UsageError
from benchmark.interfaces import ImageModel, Knowledge, ThreatModel, parameter
from benchmark.oracle import Oracle
from benchmark.source import code_hash

PAIRS = 5000
"""Images that a restorer learns from, at most."""

TRIED = 100
"""Images on which each restorer is measured, and the strength of one chosen, at most."""

LEAVES = 1000
"""Images that are made up where none are real."""


@dataclass(frozen=True)
class Purify(KnowingAttack):
    """Restores the answers first, and trains a GAN on those.

    The attacker knows the defense, so that he can make pairs of images before and after it. What he makes them of:
    with a ``share`` of the training set those images, which he then trains on together with the restored answers;
    without, dead leaves, images of nothing that are photographs in their statistics. Of the restorers (``restorer``,
    or all of them with "auto") the one that comes nearest to images held out of them, by PSNR, restores the answers;
    if none comes nearer than the answers themselves, or nothing is changed by the defense, they stay as they are:

    - "network": a residual network learns to restore from the pairs (DnCNN, Zhang et al. 2017);
    - "denoise": non-local means (Buades et al. 2005), its strength chosen on the pairs;
    - "deblur": Wiener's deconvolution (Wiener 1949), its spectra estimated from the pairs;
    - "deblock": the mean over shifted re-applications of the defense (Nosratinia 2001).

    All aim at the least error of the single image, and give back its mean where it cannot be told: as long as much is
    lost, restored images vary less than clean ones do (Blau and Michaeli, "The Perception-Distortion Tradeoff", CVPR
    2018), and to train through the defense is the better attack. What changes latents is not restored.

    Sources of the order, first recover what the answers were, then train on that, for classifiers: Chen et al., "D-DAE:
    Defense-Penetrating Model Extraction Attacks", IEEE S&P 2023, and Tang et al., "ModelGuard: Information-Theoretic
    Defense Against Model Extraction Attacks", USENIX Security 2024.
    """

    share: float = parameter(0.1, "share of the training set that the attacker has", low=0, high=1)
    restorer: str = parameter(
        "auto",
        "what restores; auto: whatever restores best",
        choices=("auto", "network", "denoise", "deblur", "deblock"),
    )
    restorer_steps: int = parameter(
        1000, "network: steps of its training", low=1, high=10**7, only={"restorer": ("auto", "network")}
    )

    @property
    def threat_model(self) -> ThreatModel:
        """The defense, and a share of the training set if one is wanted."""
        return ThreatModel(real_share=self.share, defense=True)

    @property
    def content(self) -> Mapping[str, Any]:
        """The code of the restorers."""
        return {**super().content, "restoration": code_hash("attacks.restoration")}

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query all at once, restore, and train on that together with the real images."""
        answers = oracle.query(oracle.remaining)
        restore = self.restore(knowledge, self.histories(knowledge.defense, oracle), rng)
        restored = in_batches(restore, answers) if restore else answers
        return self.train(torch.cat([restored, knowledge.real_images]), knowledge, rng)

    def restore(self, knowledge: Knowledge, histories: Sequence[int], rng: torch.Generator) -> Restorer | None:
        """What restores best, if anything is gained by it.

        Args:
            knowledge: with real images, if a share of them is granted.
            histories: see :meth:`KnowingAttack.histories`.
            rng: where all is drawn from.

        Raises:
            UsageError: there is a single real image, none to learn from beside the one held out.
        """
        defense = knowledge.defense.restated(knowledge.recipe.latent_dim, rng)

        def defend(images: Tensor) -> Tensor:
            return self.defended(images, defense, histories, rng)

        clean = knowledge.real_images[:PAIRS] if self.share else dead_leaves(LEAVES, knowledge.image_shape, rng)
        if len(clean) < 2:
            raise UsageError(f"a share of {self.share:g} is {len(clean)} real images; 2 are needed, or a share of 0")
        damaged = defend(clean)
        if torch.equal(damaged, clean):
            return None
        held_out = min(TRIED, max(1, len(clean) // 10))
        tried = Damage(clean[:held_out], damaged[:held_out], defend)
        return self.best(Damage(clean[held_out:], damaged[held_out:], defend), tried, knowledge, rng)

    def best(self, pairs: Damage, tried: Damage, knowledge: Knowledge, rng: torch.Generator) -> Restorer | None:
        """The restorer that gains most on pairs that it has not seen, if it gains anything."""
        few = Damage(pairs.clean[:TRIED], pairs.defended[:TRIED], pairs.defend)
        makers: dict[str, Callable[[], Restorer]] = {
            "denoise": partial(denoiser, few),
            "deblur": partial(deblurrer, pairs),
            "deblock": partial(deblocker, pairs),
            "network": partial(network, pairs, self.restorer_steps, rng, knowledge.reporter),
        }
        kinds = [*makers] if self.restorer == "auto" else [self.restorer]
        restorers = {kind: makers[kind]() for kind in kinds}
        gains = {kind: tried.gain(restorer) for kind, restorer in restorers.items()}
        for kind, gain in gains.items():
            knowledge.report(f"psnr_gain_{kind}", gain)
        kind = max(gains, key=gains.__getitem__)
        knowledge.reporter.note(f"{kind} restores by {gains[kind]:.2f} dB on images held out of it")
        return restorers[kind] if gains[kind] > 0 else None
