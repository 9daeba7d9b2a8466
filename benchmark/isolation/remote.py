"""What a plugin in its own process is handed: each thing asks the harness, which holds the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from benchmark.data import ImageSet
from benchmark.errors import PluginError, unknown
from benchmark.images import ImageShape
from benchmark.interfaces import Defense, ImageModel, Knowledge, Recipe, Target
from benchmark.isolation.streams import Ask, drawn
from benchmark.oracle import Oracle


class RemoteTarget(Target):
    """The served target: its prior and its images, not its weights."""

    def __init__(self, ask: Ask, latent_dim: int, image_shape: ImageShape) -> None:
        self._ask, self.latent_dim, self.image_shape = ask, latent_dim, image_shape

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return drawn(self._ask, "prior", {"n": n}, {}, rng).tensor("z")

    def generate(self, z: Tensor) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._ask("generate", {}, {"z": z}).tensor("images")

    def projection(self) -> Tensor:
        """See :class:`benchmark.interfaces.Target`."""
        return self._ask("projection", {}, {}).tensor("weights")


class UnseenImages(ImageSet):
    """A training set whose images and labels are out of sight: the names of its classes and attributes are not.

    Args:
        name: see :class:`benchmark.data.ImageSet`; the others too.
        split: ``train``.
        count: of the images.
        classes: names.
        attribute_names: names.
    """

    def __init__(
        self, name: str, split: str, count: int, classes: tuple[str, ...], attribute_names: tuple[str, ...]
    ) -> None:
        known = {"name": name, "split": split, "classes": classes, "attribute_names": attribute_names, "_count": count}
        for field, value in known.items():
            object.__setattr__(self, field, value)

    def __getattribute__(self, name: str) -> Any:
        """What there is to be seen.

        Raises:
            PluginError: it is the images, or what each of them shows.
        """
        if name in ("images", "labels", "attributes"):
            raise PluginError("the images of the training set are out of sight of isolated plugins")
        return super().__getattribute__(name)

    def __len__(self) -> int:
        count: int = self._count
        return count

    def showing(self, trait: str) -> Tensor:
        """See :class:`benchmark.data.ImageSet`: but of a trait that there is, a tensor that holds nothing.

        It is on torch's device ``meta``, so that to look at it is an error.
        """
        if trait not in self.traits:
            raise unknown(f"attribute or class of {self.name}", trait, self.traits)
        return torch.empty(len(self), dtype=torch.bool, device="meta")


class RemoteProvider:
    """What the provider of a target has, but for the images of the training set, which stay out of sight."""

    def __init__(self, ask: Ask, target: RemoteTarget, makers: list[Callable[[torch.Generator], Tensor]]) -> None:
        self._ask, self.target, self._makers = ask, target, makers

    @cached_property
    def training_set(self) -> UnseenImages:
        """What may be known of it."""
        told = self._ask("traits", {}, {})
        classes, attributes = (tuple(told.value(name)) for name in ("classes", "attributes"))
        return UnseenImages(told.value("name"), told.value("split"), told.value("count"), classes, attributes)

    def scores(self, images: Tensor, trait: str) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`."""
        return self._ask("scores", {"trait": trait}, {"images": images}).tensor("scores")

    def kept(self, defense: Defense, key: Mapping[str, Any], make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """See :class:`benchmark.interfaces.Provider`; the harness asks back for it to be made, if it must be."""
        self._makers.append(make)
        return self._ask("kept", {"key": dict(key), "maker": len(self._makers) - 1}, {}).tensor("tensor")


class RemoteOracle(Oracle):
    """The query interface, whose answers and ledger the harness has."""

    def __init__(self, ask: Ask, budgets: Sequence[int], image_shape: ImageShape) -> None:
        # It counts along, on answers that take no room.
        super().__init__(torch.empty(1, *image_shape, dtype=torch.uint8).expand(sum(budgets), -1, -1, -1), *budgets)
        self._ask = ask

    def query(self, n: int, client: int = 0) -> Tensor:
        """See :class:`benchmark.oracle.Oracle`."""
        super().query(n, client)
        return self._ask("query", {"n": n, "client": client}, {}).tensor("images")

    def discard(self, n: int) -> None:
        """See :class:`benchmark.oracle.Oracle`."""
        super().discard(n)
        self._ask("discard", {"n": n}, {})


class RemoteModel:
    """A model that the harness trained for the attack and keeps."""

    def __init__(self, ask: Ask, number: int, image_shape: ImageShape) -> None:
        self._ask, self.number, self.image_shape = ask, number, image_shape

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """See :class:`benchmark.interfaces.ImageModel`."""
        return drawn(self._ask, "sample", {"model": self.number, "n": n}, {}, rng).tensor("images")


def remote_knowledge(
    ask: Ask,
    values: Mapping[str, Any],
    real_images: Tensor,
    granted: Defense | None,
    screen: Callable[[Defense], Mapping[str, Any]],
) -> Knowledge:
    """What an attack is granted, where it must ask for it.

    Args:
        ask: asks the harness.
        values: the shape of images, the track's recipe, and whether the discriminator is granted.
        real_images: the granted share of the training set, uint8 (m, C, H, W).
        granted: the defense as its spec says, if it is granted.
        screen: what the harness, which trains, is told of a defense that this process is then asked to apply.
    """
    channels, height, width = values["image_shape"]
    shape = (channels, height, width)

    def train(images: Tensor, recipe: Recipe, rng: torch.Generator, defense: Defense | None = None) -> ImageModel:
        asked = {"recipe": asdict(recipe), "through": None if defense is None else screen(defense)}
        return RemoteModel(ask, drawn(ask, "train", asked, {"images": images}, rng).value("model"), shape)

    def discriminator(images: Tensor) -> Tensor:
        return ask("discriminator", {}, {"images": images}).tensor("logits")

    def features(images: Tensor) -> Tensor:
        return ask("features", {}, {"images": images}).tensor("features")

    recipe = Recipe(**values["recipe"])
    knowledge = Knowledge(shape, recipe, train, real_images, known_defense=granted, features=features)
    return replace(knowledge, discriminator=discriminator) if values["discriminator"] else knowledge
