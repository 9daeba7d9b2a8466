"""Sample sheets as a page holds them: smaller, and within the page itself."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

WIDTH, QUALITY = 800, 55
"""Pixels, and the quality of WebP: about 35 kB a sheet of 128 images of 32 pixels."""


def data_uri(path: Path) -> str | None:
    """A sheet as a data URI; None if it is not there or is not an image."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return None
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
