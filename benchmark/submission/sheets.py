"""Whether two sample sheets show the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STOLEN = 0.25
"""Share of a sheet's height, at its end, that the attack model's images take: one of four rows of one height. Trained
on another machine, it makes other images of as good a kind."""

LEVELS, SHARE = 8, 0.01
"""On another machine: levels, of 255, that a pixel may be off by, and share of the pixels that may be off by more. What
rounds otherwise is one level; antialiasing spreads it."""


def difference(claimed: Path, found: Path, *, exact: bool) -> str:
    """What is wrong with a sheet, in words; nothing if it agrees.

    Args:
        claimed: PNG of whom it may be.
        found: PNG of the re-run.
        exact: whether both were made on the same machine, where every pixel must be the same; on another one those of
            the attack model's images are left aside.
    """
    theirs = _pixels(found)
    try:
        ours = _pixels(claimed, theirs.shape[:2])
    # What Pillow raises of a file made to do harm has no base of its own.
    except Exception as error:
        return f"it cannot be read ({error})"
    off = np.abs(ours.astype(np.int16) - theirs.astype(np.int16)).max(axis=2)
    if exact:
        return f"{np.count_nonzero(off)} of its pixels are not those of the re-run" if off.any() else ""
    share = float((off[: int(len(off) * (1 - STOLEN))] > LEVELS).mean())
    return (
        f"{share:.1%} of what it shows above the attack model's images is not as in the re-run" if share > SHARE else ""
    )


def _pixels(path: Path, size: tuple[int, ...] | None = None) -> NDArray[np.uint8]:
    """The pixels of a PNG, uint8 (h, w, 4).

    Raises:
        ValueError: it is of another size than (h, w); nothing is unpacked then.
        OSError: it is no PNG, or is damaged.
    """
    with Image.open(path, formats=["PNG"]) as image:
        if size is not None and (image.height, image.width) != size:
            raise ValueError(f"it is {image.width} by {image.height} pixels, but the re-run's {size[1]} by {size[0]}")
        return np.asarray(image.convert("RGBA"))
