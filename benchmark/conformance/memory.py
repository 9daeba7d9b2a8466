"""Memory that a plugin keeps from call to call."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import torch
from torch import Tensor, nn

CALLS = 8
"""Calls between two looks at the memory; there are two such spans, and one before them to fill what is filled once."""

KEPT_BYTES = 1024
"""Growth per call that counts as growing: less than the smallest image of 32 x 32, more than a few counters."""


def growth(call: Callable[[int], object]) -> int:
    """Bytes that every call leaves behind; 0 if there is no such growth in each of two spans of calls.

    Counted are objects of Python, arrays of numpy and tensors of torch; not what a library written in another language
    allocates for itself.

    Args:
        call: is given the number of the call, to work on other images each time: a cache of answers grows with these.
    """
    # What there was before need not be looked through again and again: it is left aside until the end.
    gc.freeze()
    tracemalloc.start()
    try:
        sizes = []
        for span in range(3):
            for number in range(CALLS):
                call(span * CALLS + number)
            sizes.append(_held())
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    least = min(sizes[1] - sizes[0], sizes[2] - sizes[1]) // CALLS
    return least if least >= KEPT_BYTES else 0


def _held() -> int:
    """Bytes that Python, numpy and torch hold at the moment."""
    gc.collect()
    # By type, not isinstance: some lazy objects do work, or warn, when they are asked for their class.
    tensors = [each for each in gc.get_objects() if issubclass(type(each), Tensor)]
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors if _solid(each)}
    traced, _ = tracemalloc.get_traced_memory()
    return int(traced + sum(storages.values()))


def _solid(tensor: Tensor) -> bool:
    """Whether a tensor has memory of its own on the processor: others have no address to be told apart by."""
    return tensor.device.type == "cpu" and tensor.layout is torch.strided and type(tensor) in (Tensor, nn.Parameter)
