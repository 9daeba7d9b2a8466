"""Sample sheets side by side: every pixel on the same machine, what is not trained on another."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmark.sheet import draw_sheet
from benchmark.submission.sheets import difference

TITLES = ("training set", "target", "answers", "attack model")


def sheet(path: Path, **changes: torch.Tensor) -> Path:
    rng = torch.Generator().manual_seed(0)
    rows = {title: torch.randint(256, (32, 1, 32, 32), generator=rng, dtype=torch.uint8) for title in TITLES}
    draw_sheet(rows | {name.replace("_", " "): images for name, images in changes.items()}, path)
    return path


OTHERS = torch.randint(256, (32, 1, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.mark.parametrize("exact", [True, False])
def test_the_same_sheet_agrees(tmp_path: Path, exact: bool) -> None:
    assert difference(sheet(tmp_path / "a.png"), sheet(tmp_path / "b.png"), exact=exact) == ""


def test_on_the_same_machine_every_pixel_counts(tmp_path: Path) -> None:
    found = sheet(tmp_path / "a.png")
    with Image.open(found) as image:
        copy = image.convert("RGBA")
    red, *rest = copy.getpixel((300, 300))
    copy.putpixel((300, 300), (red ^ 1, *rest))
    copy.save(tmp_path / "b.png")
    assert difference(tmp_path / "b.png", found, exact=True) == "1 of its pixels are not those of the re-run"
    assert difference(tmp_path / "b.png", found, exact=False) == ""


def test_on_another_machine_the_attack_models_images_are_others(tmp_path: Path) -> None:
    found = sheet(tmp_path / "a.png")
    assert difference(sheet(tmp_path / "b.png", attack_model=OTHERS), found, exact=False) == ""
    for name in ("training_set", "target", "answers"):
        text = difference(sheet(tmp_path / "b.png", **{name: OTHERS}), found, exact=False)
        assert "not as in the re-run" in text, name


def test_what_is_no_such_picture_is_said(tmp_path: Path) -> None:
    found = sheet(tmp_path / "a.png")
    Image.new("RGB", (10, 12)).save(tmp_path / "small.png")
    assert "10 by 12 pixels" in difference(tmp_path / "small.png", found, exact=False)
    Image.new("RGB", (10, 12)).save(tmp_path / "jpeg.png", format="JPEG")
    assert "cannot be read" in difference(tmp_path / "jpeg.png", found, exact=True)
    (tmp_path / "cut.png").write_bytes(found.read_bytes()[:5000])
    assert "cannot be read" in difference(tmp_path / "cut.png", found, exact=True)


def test_a_picture_that_means_no_good_is_none(tmp_path: Path) -> None:
    found = sheet(tmp_path / "a.png")
    (text := PngInfo()).add_text("x", "a" * 2_000_000, zip=True)
    with Image.open(found) as image:
        image.save(tmp_path / "text.png", pnginfo=text)
    # As large as the file says that it is, 2.7 GB would have to be unpacked.
    header = b"IHDR" + (30_000).to_bytes(4) * 2 + found.read_bytes()[24:29]
    huge = found.read_bytes()[:12] + header + zlib.crc32(header).to_bytes(4) + found.read_bytes()[33:]
    (tmp_path / "huge.png").write_bytes(huge)
    for name in ("text.png", "huge.png"):
        assert "cannot be read" in difference(tmp_path / name, found, exact=False)
