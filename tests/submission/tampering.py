"""A plugin to be submitted, and what somebody who means no good may do to its bundle."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.record import load_records


def rewrite(folder: Path, **changes: object) -> None:
    """The manifest made to match what is in the folder."""
    path = folder / "submission.json"
    manifest = json.loads(path.read_text()) | changes
    names = sorted(each for each in folder.rglob("*") if each.is_file() and each != path)
    files = {str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest() for each in names}
    path.write_text(json.dumps({"files": files} | manifest | {"files": changes.get("files", files)}))


def record_of(folder: Path, defense: str, seed: int) -> Path:
    found = load_records(folder / "records", pytest.fail)
    (name,) = [each.id for each in found if each.defense == defense and each.seed == seed]
    return folder / "records" / f"{name}.json"


DARKER = "own.py:Darker,factor=0.25"


def respell(folder: Path, spec: str) -> None:
    """Spell the defense another way, wherever the bundle does."""
    for seed in (0, 1):
        path = record_of(folder, DARKER, seed)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"defense": spec}))
    rewrite(folder, spec=spec)


def change_figure(folder: Path) -> Path:
    path = record_of(folder, DARKER, 1)
    record = json.loads(path.read_text())
    record["figures"]["accuracy_fd"] *= 1.001
    path.write_text(json.dumps(record))
    return path


def change_image(folder: Path) -> Path:
    path = folder / "sheets" / record_of(folder, DARKER, 0).with_suffix(".png").name
    with Image.open(path) as image:
        pixels = np.array(image)
    pixels[40:44, 100:104, :3] ^= 0x80
    Image.fromarray(pixels).save(path)
    return path


def change_source(folder: Path) -> Path:
    path = folder / "source" / "own.py"
    path.write_text(path.read_text().replace("x * self.factor", "x * self.factor * 0.5"))
    return path


def add_file(folder: Path) -> Path:
    path = folder / "records" / "notes.txt"
    path.write_text("trust me")
    return path


def add_source(folder: Path) -> Path:
    path = folder / "source" / "more.py"
    path.write_text("x = 1\n")
    return path


def remove_file(folder: Path) -> Path:
    path = record_of(folder, "none", 0)
    path.unlink()
    return path


def link_file(folder: Path) -> Path:
    path = record_of(folder, "none", 0)
    shutil.move(path, folder.parent / "elsewhere.json")
    path.symlink_to(folder.parent / "elsewhere.json")
    return path
