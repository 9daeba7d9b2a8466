"""Names of files for what strangers have named."""

from __future__ import annotations

import re
from collections.abc import Iterable


def file_names(texts: Iterable[str]) -> dict[str, str]:
    """A name for a file per text: none can lead out of a folder, and no two are alike."""
    found: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        name = plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"
        number = 1
        while name in found.values():
            number += 1
            name = f"{plain}-{number}"
        found[text] = name
    return found
