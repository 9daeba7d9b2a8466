"""A fingerprint tells contents and names, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import SPECS, fingerprint
from benchmark.data.cifar10 import cifar10_checksums
from benchmark.data.fashion_mnist_sources import FILES
from benchmark.errors import DataError, UsageError

NAMES = ("a.png", "cat/b.jpg", "dog/deep/c.WEBP")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files with the names of images; their contents need not be images, for none is decoded."""
    for number, name in enumerate(NAMES):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(bytes([number]) * 100_000)
    return tmp_path / "set"


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / NAMES[1]).read_bytes())
    content[-1] ^= 1
    (folder / NAMES[1]).write_bytes(content)


def rename(folder: Path) -> None:
    (folder / NAMES[0]).rename(folder / "A.png")


def move(folder: Path) -> None:
    (folder / NAMES[1]).rename(folder / "dog" / "b.jpg")


def exchange(folder: Path) -> None:
    first, second = ((folder / name).read_bytes() for name in NAMES[:2])
    (folder / NAMES[0]).write_bytes(second)
    (folder / NAMES[1]).write_bytes(first)


def remove(folder: Path) -> None:
    (folder / NAMES[2]).unlink()


def add(folder: Path) -> None:
    (folder / "empty.png").touch()


@pytest.mark.parametrize("change", [flip_a_bit, rename, move, exchange, remove, add])
def test_another_content_or_name_is_another_fingerprint(folder: Path, change: Callable[[Path], None]) -> None:
    before = fingerprint(f"folder:{folder}")
    change(folder)
    assert fingerprint(f"folder:{folder}") != before


def touch(folder: Path) -> None:
    for name in NAMES:
        os.utime(folder / name, (0, 0))


def add_what_is_no_image(folder: Path) -> None:
    (folder / "notes.txt").touch()
    (folder / "._a.png").touch()
    (folder / "empty").mkdir()


@pytest.mark.parametrize("change", [touch, add_what_is_no_image])
def test_time_and_what_is_no_image_do_not_count(folder: Path, change: Callable[[Path], None]) -> None:
    before = fingerprint(f"folder:{folder}")
    change(folder)
    assert fingerprint(f"folder:{folder}") == before


def test_equal_copies_have_one_fingerprint(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "under another name")
    assert fingerprint(f"folder:{copy}") == fingerprint(f"folder:{folder}")


def test_both_splits_of_a_folder_count(folder: Path) -> None:
    seen = {fingerprint(f"folder:{folder}")}
    for split in ("train", "test"):
        shutil.copytree(folder / "cat", folder / split)
        seen.add(fingerprint(f"folder:{folder}"))
    assert len(seen) == 3
    # Where there are splits, loading leaves out what lies in none.
    (folder / "a.png").unlink()
    assert fingerprint(f"folder:{folder}") in seen


def test_published_sets_need_not_be_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = {fingerprint(spec) for spec in ("fashion-mnist", "cifar10")}
    assert len(found) == 2
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in found)
    assert not cache.exists()


def test_the_checksums_that_loading_verifies_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint("fashion-mnist")
    name, file = next(iter(FILES.items()))
    monkeypatch.setitem(FILES, name, type(file)(file.size, "0" * 64))  # type: ignore[arg-type]
    assert fingerprint("fashion-mnist") != before


def test_torchvisions_batches_are_the_same_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    for path in (tmp_path, tmp_path / "cifar-10-batches-py"):
        assert fingerprint(f"cifar10:{path}") == fingerprint("cifar10")
    assert len(cifar10_checksums()) == 7


@pytest.mark.parametrize("changed", ["train_01.webp", "test_00.webp", "labels.npz"])
def test_sheets_count_by_their_contents(tmp_path: Path, changed: str) -> None:
    for name in ("train_00.webp", "train_01.webp", "test_00.webp"):
        (tmp_path / name).write_bytes(name.encode())
    np.savez(tmp_path / "labels.npz", train_y=np.zeros(3), test_y=np.zeros(3))
    before = fingerprint(f"cifar10:{tmp_path}")
    (tmp_path / "README.md").touch()
    assert fingerprint(f"cifar10:{tmp_path}") == before
    with (tmp_path / changed).open("ab") as file:
        file.write(b"\0")
    assert fingerprint(f"cifar10:{tmp_path}") != before


def test_what_cannot_be_loaded_is_refused_as_loading_refuses_it(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown data set 'mnist'") as caught:
        fingerprint("mnist")
    assert all(spec in str(caught.value) for spec in SPECS)
    for spec in (f"folder:{tmp_path / 'none'}", f"cifar10:{tmp_path / 'none'}"):
        with pytest.raises(UsageError, match=f"there is no folder {tmp_path / 'none'}"):
            fingerprint(spec)
    with pytest.raises(UsageError, match="does not hold CIFAR-10"):
        fingerprint(f"cifar10:{folder}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "train_00.webp").touch()
    with pytest.raises(DataError, match=rf"{tmp_path / 'labels.npz'} cannot be read"):
        fingerprint(f"cifar10:{tmp_path}")
