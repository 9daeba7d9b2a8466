"""Where networks train, generate and extract features: on a GPU if there is one."""

from __future__ import annotations

import os
from functools import cache

import torch

from benchmark.errors import UsageError

VARIABLE = "GAN_EXTRACTION_BENCH_DEVICE"


@cache
def compute_device() -> torch.device:
    """The device that ``GAN_EXTRACTION_BENCH_DEVICE`` names ("cpu", "cuda", "cuda:1"), else a GPU, else the processor.

    All that is random is drawn on the processor, so that the device changes rounding and speed, and no draw. Only on
    the processor is a training the same to the bit when it is repeated.

    Raises:
        UsageError: the variable names no device, or one that is not there.
    """
    name = os.environ.get(VARIABLE) or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UsageError(f"{VARIABLE} is {name!r}, which cannot be used ({reason}); give cpu, cuda or cuda:N") from None
    return device
