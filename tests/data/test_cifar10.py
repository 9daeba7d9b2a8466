from __future__ import annotations

import functools
import hashlib
import os
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data_doubles import Recorder, visible
from PIL import Image
from real_data import CIFAR10_SHEETS, needs_cifar10
from torchvision.datasets import CIFAR10

from benchmark.data import load
from benchmark.data.cifar10 import CLASSES, load_cifar10
from benchmark.data.images import silent
from benchmark.errors import DataError, UsageError


def images(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32), np.uint8)


def write_batches(folder: Path, extra: object = None) -> Any:
    """Six tiny batches in torchvision's layout, and torchvision's class that knows their MD5."""
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]
    sums = {}
    for number, name in enumerate(names):
        content = {"data": images(number, 2).reshape(2, -1), "labels": [number, 9 - number], "extra": extra}
        data = pickle.dumps({"label_names": list(CLASSES)} if name == "batches.meta" else content)
        (folder / name).write_bytes(data)
        sums[name] = hashlib.md5(data).hexdigest()
    members = {
        "train_list": [[name, sums[name]] for name in names[:5]],
        "test_list": [["test_batch", sums["test_batch"]]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]},
    }
    return type("Tiny", (CIFAR10,), members)


def test_batches_come_in_order_from_the_folder_or_its_parent(tmp_path: Path) -> None:
    dataset = write_batches(tmp_path / "cifar-10-batches-py")
    for path in (tmp_path, tmp_path / "cifar-10-batches-py"):
        train, test = (load_cifar10(split, 32, None, silent, path, dataset) for split in ("train", "test"))
        np.testing.assert_array_equal(train.images.numpy(), np.concatenate([images(seed, 2) for seed in range(5)]))
        np.testing.assert_array_equal(test.images.numpy(), images(5, 2))
        assert train.labels is not None
        assert train.labels.dtype == torch.int64
        assert train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
        assert train.classes == CLASSES
        assert (train.name, train.split, test.split) == ("cifar10", "train", "test")


def test_size_and_channels_are_heeded(tmp_path: Path) -> None:
    dataset = write_batches(tmp_path / "cifar-10-batches-py")
    assert load_cifar10("test", 20, 1, silent, tmp_path, dataset).images.shape == (2, 1, 20, 20)


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("fault", ["is damaged", "is missing"])
def test_a_batch_that_is_not_torchvisions_is_named_and_never_unpickled(tmp_path: Path, name: str, fault: str) -> None:
    dataset = write_batches(tmp_path / "cifar-10-batches-py")
    path = tmp_path / "cifar-10-batches-py" / name
    if fault == "is missing":
        path.unlink()
    else:
        path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(DataError, match=f"{path} {fault}"):
        load_cifar10("train", 32, None, silent, tmp_path, dataset)
    assert not (tmp_path / "sprung").exists()


class OldDtype:
    """Unpickles with the warning that the published batches cause under NumPy 2.4.0."""

    def __reduce__(self) -> Any:
        return functools.partial(np.dtype, "u1", align=0), ()


def test_the_warning_that_nobody_can_heed_is_not_passed_on(tmp_path: Path) -> None:
    dataset = write_batches(tmp_path / "cifar-10-batches-py", extra=OldDtype())
    assert len(load_cifar10("train", 32, None, silent, tmp_path, dataset)) == 10


def serve(folder: Path, address: str, source: Path) -> Any:
    """torchvision's class for an archive of tiny batches under ``address``."""
    dataset = write_batches(source / "cifar-10-batches-py")
    with tarfile.open(folder / "tiny.tar.gz", "w:gz") as archive:
        archive.add(source / "cifar-10-batches-py", "cifar-10-batches-py")
    dataset.url = f"{address}tiny.tar.gz"
    dataset.filename = "tiny.tar.gz"
    dataset.tgz_md5 = hashlib.md5((folder / "tiny.tar.gz").read_bytes()).hexdigest()
    return dataset


def test_the_download_fills_the_cache_once(
    tmp_path: Path, mirror: tuple[Path, str], cache: Path, progress: Recorder
) -> None:
    dataset = serve(*mirror, tmp_path)
    assert len(load_cifar10("train", 32, None, progress, dataset=dataset)) == 10
    assert list(progress.told.values()) == [[1, 1]]
    assert "tiny.tar.gz" not in visible(cache)
    (mirror[0] / "tiny.tar.gz").unlink()
    assert len(load_cifar10("test", 32, None, progress, dataset=dataset)) == 2


def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, mirror: tuple[Path, str], cache: Path
) -> None:
    dataset = serve(*mirror, tmp_path)
    archive = mirror[0] / "tiny.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"corrupted.*cifar10:PATH") as caught:
        load_cifar10("train", 32, None, silent, dataset=dataset)
    assert str(cache / "cifar10") in str(caught.value)
    archive.unlink()
    with pytest.raises(DataError, match="404"):
        load_cifar10("train", 32, None, silent, dataset=dataset)
    assert visible(cache) == []


def test_folders_that_are_not_cifar10_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        load(f"cifar10:{tmp_path / 'none'}")
    with pytest.raises(UsageError, match=r"neither cifar-10-batches-py nor train_00\.webp"):
        load(f"cifar10:{tmp_path}")


def sheet(first: int) -> Image.Image:
    """A sheet that tells places: red and the upper bits of green say the image, green and blue its row and column."""
    pixels = np.zeros((25 * 32, 40 * 32, 3), np.uint8)
    y, x = np.mgrid[: 25 * 32, : 40 * 32]
    number = first + (y // 32) * 40 + x // 32
    pixels[..., 0] = number % 256
    pixels[..., 1] = y % 32 + 32 * (number // 256 % 8)
    pixels[..., 2] = x % 32
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def written_sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheets")
    for number in range(2):
        sheet(1000 * number).save(folder / f"train_{number:02}.webp", lossless=True, quality=0, method=0)
    rng = np.random.default_rng(0)
    np.savez(folder / "labels.npz", train_y=rng.integers(0, 10, 5000, np.uint8), test_y=np.zeros(9, np.uint8))
    return folder


@pytest.fixture
def sheets(written_sheets: Path, tmp_path: Path) -> Path:
    """Two sheets with their labels, for one test to spoil."""
    return Path(shutil.copytree(written_sheets, tmp_path / "sheets"))


def test_sheets_are_cut_row_by_row_and_counted_truly(sheets: Path, progress: Recorder) -> None:
    found = load(f"cifar10:{sheets}", progress=progress)
    assert found.images.shape == (2000, 3, 32, 32)
    red, green, blue = found.images.int().unbind(1)
    assert torch.equal(red[:, 0, 0] + 256 * (green[:, 0, 0] // 32), torch.arange(2000))
    assert torch.equal(green[7, :, 0] % 32, torch.arange(32))
    assert torch.equal(blue[7, 0], torch.arange(32))
    with np.load(sheets / "labels.npz") as arrays:
        np.testing.assert_array_equal(found.labels, arrays["train_y"][:2000])
    assert list(progress.told.values()) == [[2, 2]]


def test_a_damaged_sheet_is_named(sheets: Path) -> None:
    path = sheets / "train_01.webp"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"{path} cannot be decoded"):
        load(f"cifar10:{sheets}")


def test_a_sheet_of_another_shape_is_named(sheets: Path) -> None:
    sheet(0).crop((0, 0, 1280, 768)).save(sheets / "train_01.webp", lossless=True, quality=0, method=0)
    with pytest.raises(DataError, match=r"train_01\.webp has shape \(768, 1280, 3\)"):
        load(f"cifar10:{sheets}")


def test_a_gap_in_the_sheets_is_an_error(sheets: Path) -> None:
    (sheets / "train_01.webp").rename(sheets / "train_02.webp")
    with pytest.raises(DataError, match=r"train_01\.webp is missing"):
        load(f"cifar10:{sheets}")
    with pytest.raises(DataError, match=r"test_00\.webp is missing"):
        load(f"cifar10:{sheets}", "test")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"test_y": np.zeros(2000, np.uint8)}, "must hold the array train_y"),
        ({"train_y": np.zeros(1999, np.uint8)}, "2000 integers were expected"),
        ({"train_y": np.zeros(2000, np.float32)}, "2000 integers were expected"),
        ({"train_y": np.full(2000, 10, np.uint8)}, "not between 0 and 9"),
        ({"train_y": np.array([None] * 2000)}, "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_labels_that_do_not_fit_are_errors(sheets: Path, labels: Any, message: str) -> None:
    path = sheets / "labels.npz"
    if labels is None:
        path.write_bytes(path.read_bytes()[:100])
    else:
        np.savez(path, **labels)
    with pytest.raises(DataError, match=f"{path} .*{message}"):
        load(f"cifar10:{sheets}")


def test_missing_labels_are_an_error(sheets: Path) -> None:
    (sheets / "labels.npz").unlink()
    with pytest.raises(DataError, match=r"labels\.npz cannot be read"):
        load(f"cifar10:{sheets}")


@needs_cifar10
def test_the_published_images() -> None:
    found = load(f"cifar10:{CIFAR10_SHEETS}", "test")
    assert found.labels is not None
    assert len(found) == len(found.labels) == 1000 * len(list(CIFAR10_SHEETS.glob("test_*.webp")))
    # The beginning of the official test set: a cat, two ships, an airplane, a frog.
    assert [found.classes[label] for label in found.labels[:5]] == ["cat", "ship", "ship", "airplane", "frog"]
    # Means of the channels of the whole data set as commonly published for its normalization (0.491, 0.482, 0.447).
    means = found.images.double().mean((0, 2, 3)) / 255
    assert means.tolist() == pytest.approx([0.491, 0.482, 0.447], abs=0.01)
