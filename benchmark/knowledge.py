"""What an attacker is handed besides the oracle: public means, and exactly what its threat model declares."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchmark.data import load as load_data
from benchmark.features import extract
from benchmark.interfaces import Attack, Defense, Knowledge, Trainer
from benchmark.progress import Reporter
from benchmark.setting import Setting

BATCH = 100
"""Images that the discriminator is given at a time; five times as many take a third longer each."""


def granted(
    attack: Attack,
    defense: Defense,
    setting: Setting,
    train: Trainer,
    rng: torch.Generator,
    reporter: Reporter,
) -> Knowledge:
    """The knowledge of an attack on a track's target.

    Args:
        attack: whose threat model is granted.
        defense: what it is up against, as its spec says: not made ready, since the target is not known.
        setting: the track, with its target.
        train: the training loop, bound to the attack's place in the store.
        rng: where the share of the training set is drawn from; of one seed, a greater share holds the smaller ones.
        reporter: told of the attack's own work, and the discriminator's.
    """
    track, model = setting.track, attack.threat_model
    real = torch.empty(0, *track.image_shape, dtype=torch.uint8)
    if model.real_share:
        images = load_data(track.data, "train", track.size, track.channels, reporter.advancing).images
        real = images[torch.randperm(len(images), generator=rng)[: round(model.real_share * len(images))]]

    def discriminator(images: Tensor) -> Tensor:
        logits = []
        with reporter.stage("discriminator", len(images), unit="images") as stage:
            for batch in torch.split(images, BATCH):
                logits.append(setting.target.discriminator(batch))
                stage.advance(len(batch))
        return torch.cat(logits)

    def features(images: Tensor) -> Tensor:
        with reporter.stage("features", len(images), unit="images") as stage:
            return torch.from_numpy(extract(setting.extractor, images, advance=stage.advance))

    knowledge = Knowledge(track.image_shape, track.recipe, train, real, features=features, reporter=reporter)
    if model.discriminator:
        knowledge = replace(knowledge, discriminator=discriminator)
    return replace(knowledge, known_defense=defense) if model.defense else knowledge
