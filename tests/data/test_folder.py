from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from data_doubles import Recorder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmark.data import load
from benchmark.data.folder import IMG_EXTENSIONS
from benchmark.data.images import fitted
from benchmark.errors import DataError, UsageError


def picture(*shape: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@given(width=st.integers(1, 40), height=st.integers(1, 40), channels=st.sampled_from([1, 3]))
@settings(max_examples=30, deadline=None)
def test_the_centre_square_is_kept_as_it_is_where_the_size_fits(width: int, height: int, channels: int) -> None:
    image = picture(height, width, 3) if channels == 3 else picture(height, width)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    expected = np.asarray(image).reshape(height, width, channels)[top : top + side, left : left + side]
    np.testing.assert_array_equal(fitted(image, side, channels), expected.transpose(2, 0, 1))


@given(width=st.integers(1, 50), height=st.integers(1, 50), size=st.integers(1, 40), level=st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_a_flat_image_stays_flat_at_any_size(width: int, height: int, size: int, level: int) -> None:
    resized = fitted(Image.new("RGB", (width, height), (level, 0, 255 - level)), size, 3)
    assert resized.shape == (3, size, size)
    assert [set(channel.flat) for channel in resized] == [{level}, {0}, {255 - level}]


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    interior = fitted(Image.fromarray(stripes), 32, 1)[0, 4:-4, 4:-4]
    assert interior.min() >= 120
    assert interior.max() <= 135


def test_grey_is_the_luma_of_bt_601() -> None:
    image = picture(16, 16, 3)
    luma = np.asarray(image, np.float64) @ [0.299, 0.587, 0.114]
    assert np.abs(fitted(image, 16, 1)[0] - luma).max() <= 1


def test_transparency_is_laid_on_white() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = [10, 20, 30, 255]
    pixels[1, 1] = [0, 0, 0, 128]
    out = fitted(Image.fromarray(pixels), 2, 3).transpose(1, 2, 0)
    assert out[0, 0].tolist() == [10, 20, 30]
    assert out[0, 1].tolist() == [255, 255, 255]
    assert out[1, 1].tolist() == [127, 127, 127]


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    eight = np.arange(256, dtype=np.uint16).reshape(16, 16)
    save(Image.fromarray(eight * 256 + 77), tmp_path / "a.png")
    found = load(f"folder:{tmp_path}", size=16, channels=1)
    np.testing.assert_array_equal(found.images[0, 0].numpy(), eight)


def test_every_mode_and_any_shape_become_one_tensor(tmp_path: Path, progress: Recorder) -> None:
    colour = picture(37, 53, 3)
    save(colour, tmp_path / "a.png")
    save(colour.convert("L"), tmp_path / "b.png")
    save(picture(20, 20, 4), tmp_path / "c.png")
    save(colour.quantize(16), tmp_path / "d.png")
    save(colour.quantize(16), tmp_path / "e.png", transparency=bytes(range(16)))
    save(colour.convert("1"), tmp_path / "f.png")
    save(colour.convert("CMYK"), tmp_path / "g.jpg")
    save(picture(9, 200, 3), tmp_path / "h.BMP")
    save(picture(8, 8, 2), tmp_path / "i.png")
    found = load(f"folder:{tmp_path}", size=24, progress=progress)
    assert found.images.dtype == torch.uint8
    assert found.images.shape == (9, 3, 24, 24)
    assert found.labels is None
    assert found.classes == ()
    assert found.name == f"folder:{tmp_path.name}"
    assert list(progress.told.values()) == [[9, 9]]
    assert load(f"folder:{tmp_path}", size=24, channels=1).images.shape == (9, 1, 24, 24)


def test_the_orientation_of_a_photograph_is_heeded(tmp_path: Path) -> None:
    image = picture(12, 12, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    save(image, tmp_path / "a.png", exif=exif)
    turned = np.rot90(np.asarray(image), k=-1).transpose(2, 0, 1)
    np.testing.assert_array_equal(load(f"folder:{tmp_path}", size=12).images[0].numpy(), turned)


@given(order=st.permutations(range(12)))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_images_come_in_the_order_of_their_paths(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("set")
    for level in order:
        save(Image.new("L", (4, 4), level), root / f"c{level // 4}" / f"deep{level // 2}" / f"{level:02}.png")
    found = load(f"folder:{root}", size=4, channels=1)
    assert found.images[:, 0, 0, 0].tolist() == list(range(12))
    assert found.labels is not None
    assert found.labels.tolist() == [level // 4 for level in range(12)]
    assert found.classes == ("c0", "c1", "c2")


def test_the_extensions_are_those_of_torchvision() -> None:
    assert torchvision.datasets.folder.IMG_EXTENSIONS == IMG_EXTENSIONS


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    save(picture(4, 4), tmp_path / "a.png")
    save(picture(4, 4), tmp_path / ".thumbnails" / "a.png")
    (tmp_path / "._a.png").write_bytes(b"resource fork")
    (tmp_path / "notes.csv").write_text("a,b")
    (tmp_path / "folder.png").mkdir()
    assert len(load(f"folder:{tmp_path}", size=4)) == 1


def test_an_image_beside_the_sub_folders_means_no_labels(tmp_path: Path) -> None:
    save(picture(4, 4), tmp_path / "cat" / "a.png")
    save(picture(4, 4), tmp_path / "b.png")
    found = load(f"folder:{tmp_path}", size=4)
    assert (len(found), found.labels, found.classes) == (2, None, ())


def test_train_and_test_are_the_splits_and_share_their_classes(tmp_path: Path) -> None:
    save(Image.new("L", (4, 4), 1), tmp_path / "train" / "cat" / "a.png")
    save(Image.new("L", (4, 4), 2), tmp_path / "train" / "dog" / "a.png")
    save(Image.new("L", (4, 4), 3), tmp_path / "test" / "dog" / "a.png")
    train, test = (load(f"folder:{tmp_path}", split, size=4, channels=1) for split in ("train", "test"))
    assert train.labels is not None
    assert test.labels is not None
    assert (train.images[:, 0, 0, 0].tolist(), train.labels.tolist()) == ([1, 2], [0, 1])
    assert (test.images[:, 0, 0, 0].tolist(), test.labels.tolist()) == ([3], [1])
    assert train.classes == test.classes == ("cat", "dog")
    assert (train.split, test.split) == ("train", "test")


def test_a_split_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    save(picture(4, 4), tmp_path / "plain" / "a.png")
    save(picture(4, 4), tmp_path / "held" / "test" / "a.png")
    with pytest.raises(UsageError, match=r"no test split \(it has: train\)"):
        load(f"folder:{tmp_path / 'plain'}", "test")
    # Not all of it: a training set must never hold the images kept for the test.
    with pytest.raises(UsageError, match=r"no train split \(it has: test\)"):
        load(f"folder:{tmp_path / 'held'}", "train")


def test_missing_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"no folder {tmp_path / 'none'}"):
        load(f"folder:{tmp_path / 'none'}")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="no folder"):
        load(f"folder:{tmp_path / 'notes.txt'}")
    with pytest.raises(DataError, match=rf"{tmp_path} holds no image; .*\.png"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "bmp", "tif", "ppm"])
@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_damaged_image_is_named(tmp_path: Path, extension: str, kept: float) -> None:
    for name in ("a", "b", "c"):
        save(picture(32, 32, 3), tmp_path / f"{name}.{extension}")
    path = tmp_path / f"b.{extension}"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataError, match=rf"{path} cannot be read as an image"):
        load(f"folder:{tmp_path}")


def test_a_mode_without_a_white_level_is_named(tmp_path: Path) -> None:
    save(Image.new("F", (4, 4), 0.5), tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif .*mode is F"):
        load(f"folder:{tmp_path}")
