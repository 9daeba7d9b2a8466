"""Sample sheets: rows of images, to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor
from torchvision.utils import make_grid

from benchmark.files import replacing

COLUMNS, LINES = 16, 2
"""Images in a line, and lines of each set."""


def draw_sheet(sets: Mapping[str, Tensor], path: Path, lines: int = LINES) -> None:
    """Draw the first images of each set as labelled rows, and write them as a PNG.

    Args:
        sets: title -> uint8 (n, C, H, W).
        path: where to; whole or not at all.
        lines: lines of images per set.
    """
    figure = Figure(figsize=(10, 10 / COLUMNS * lines * len(sets) + 0.3 * len(sets)), layout="constrained")
    axes = figure.subplots(len(sets), 1, squeeze=False)[:, 0]
    for ax, (title, images) in zip(axes, sets.items(), strict=True):
        grid = make_grid(images[: COLUMNS * lines], nrow=COLUMNS, padding=1, pad_value=255)
        ax.imshow(grid.permute(1, 2, 0).numpy(), interpolation="nearest")
        ax.set_title(title, loc="left", fontsize=9)
        ax.set_axis_off()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
