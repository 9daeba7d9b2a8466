"""Where networks train, generate and extract features, and on how many threads; and what they leave in memory."""

from __future__ import annotations

import ctypes
import os
from functools import cache

import torch

from benchmark.errors import UsageError, one_line

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
        reason = one_line(error, 100)
        raise UsageError(f"{VARIABLE} is {name!r}, which cannot be used ({reason}); give cpu, cuda or cuda:N") from None
    return device


def limit_threads(threads: int) -> None:
    """Have this process compute on so many threads, for good: torch, BLAS and OpenMP, and OpenCV's own pool.

    Args:
        threads: at least 1.
    """
    # Only by whoever has workers: a process on its own computes on all that it has.
    import cv2
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)
    cv2.setNumThreads(threads)


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Parameters of glibc's ``mallopt`` (malloc.h)."""


def keep_freed_memory() -> None:
    """Have this process reuse the memory of tensors up to 64 MiB, rather than give it back and ask for it again.

    glibc returns what is freed at the end of its heap to the system, which clears it page by page before it hands it
    out anew: in every step of a training, the same few megabytes, for some 7 % of its time. Up to 256 MiB are kept.
    Changes no result. Does nothing where there is no glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(_MMAP_THRESHOLD, 64 * 2**20)
        mallopt(_TRIM_THRESHOLD, 256 * 2**20)
