"""Some classes of a data set as a data set of their own: ``cifar10@airplane+ship``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from benchmark.data.images import ImageSet
from benchmark.errors import UsageError, unknown

MARK, AND = "@", "+"


def named_classes(spec: str) -> tuple[str, tuple[str, ...]]:
    """A spec without its classes, and these: ``cifar10@bird+cat`` -> ``cifar10`` and ``bird``, ``cat``; () for all."""
    whole, mark, classes = spec.rpartition(MARK)
    place = spec.partition(":")[2]
    # A folder may have the mark in its own name.
    if not mark or (place and Path(place).expanduser().is_dir()):
        return spec, ()
    return whole, tuple(classes.split(AND))


def only(images: ImageSet, classes: tuple[str, ...]) -> ImageSet:
    """The images of some classes, in their own order; their labels count only these classes, in the order given.

    Raises:
        UsageError: the data set has no such class, or has no classes, or one is named twice.
    """
    if images.labels is None:
        raise UsageError(f"{images.name} has no classes, but {AND.join(classes)} is asked of it; leave out {MARK}...")
    for name in classes:
        if name not in images.classes:
            raise unknown(f"class of {images.name}", name, images.classes)
    if len(set(classes)) < len(classes):
        raise UsageError(f"{AND.join(classes)} names a class twice; name each once")
    # Position of each of the data set's classes among those asked for.
    number = torch.tensor([classes.index(name) if name in classes else -1 for name in images.classes])
    labels = number[images.labels]
    chosen = labels >= 0
    return replace(
        images,
        name=f"{images.name}{MARK}{AND.join(classes)}",
        images=images.images[chosen],
        labels=labels[chosen],
        classes=classes,
        attributes=None if images.attributes is None else images.attributes[chosen],
    )
