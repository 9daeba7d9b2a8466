"""Sample sheets as a page holds them: smaller, and within the page itself.

Beside records that are kept, as those of the project's own board, lie sheets that are as small already, without images
of the training set, which are others' to publish.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

WIDTH, QUALITY = 800, 55
"""Pixels, and the quality of WebP: about 35 kB a sheet of 128 images of 32 pixels."""


SETS = 4
"""Equally high on a sheet: training set, target, answers, attack model."""

SMALL = ".webp"
"""How the names of small sheets end."""

FORMATS = ("PNG", "WEBP")
"""As runs leave sheets, and small ones; no other of Pillow's many decoders is let at a stranger's file."""


def data_uri(path: Path) -> str | None:
    """A sheet as a data URI; None if it is not there or is not an image.

    Args:
        path: where a run leaves it; if there is none, a small one of the same name is looked for.
    """
    image = small_sheet(path) or small_sheet(path.with_suffix(SMALL))
    return "data:image/webp;base64," + base64.b64encode(image).decode("ascii") if image else None


def small_sheet(path: Path, real: bool = True) -> bytes | None:
    """A sheet as a small WebP, the same bytes if it is one already; None if it is not there or is not an image.

    Args:
        path: of the sheet.
        real: whether images of the training set are left on it, at the top.
    """
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if (opened.format, opened.width) == ("WEBP", WIDTH):
                opened.load()
                return path.read_bytes()
            top = 0 if real else opened.height // SETS
            image = opened.convert("RGB").crop((0, top, opened.width, opened.height))
        if image.width > WIDTH:
            image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=QUALITY, method=4)
        return buffer.getvalue()
    # What Pillow raises of a file made to do harm has no base of its own; one sheet must not cost the page.
    except Exception:
        return None
