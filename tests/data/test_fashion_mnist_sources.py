"""Where the files of Fashion-MNIST are looked for, and what becomes of those that are not what was published."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_doubles import (
    NAMES,
    TEST_IMAGES,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Published,
    Recorder,
    from_places,
    visible,
)
from real_data import FASHION_MNIST, needs_fashion_mnist
from torchvision.datasets import FashionMNIST

from benchmark.data.fashion_mnist import load_fashion_mnist
from benchmark.data.fashion_mnist_sources import (
    DEBIAN_FOLDER,
    FILES,
    DebianDownload,
    Folder,
    Idx,
    TorchvisionDownload,
    UnavailableError,
    sources,
)
from benchmark.errors import DataError


@dataclass
class Elsewhere:
    """A place that only says whether it was asked."""

    asked: list[str] = field(default_factory=list)
    place: str = "elsewhere"
    remedy: str = "run make-it-so"

    def obtain(self, names: Sequence[str], files: Mapping[str, Idx], progress: Any) -> Path:
        self.asked += names
        raise UnavailableError("the moon is in the way")


def test_the_first_place_that_has_it_ends_the_search(published: Published, tmp_path: Path) -> None:
    before, after = Elsewhere(), Elsewhere()
    from_places(published, before, Folder(tmp_path / "none", ""), Folder(published.put(tmp_path / "a"), ""), after)
    assert before.asked == [TRAIN_IMAGES, TRAIN_LABELS]
    assert after.asked == []


def test_a_place_needs_only_the_files_of_the_split(published: Published, tmp_path: Path) -> None:
    place = Folder(published.put(tmp_path / "a", TRAIN_IMAGES, TRAIN_LABELS), "")
    assert len(from_places(published, place)) == 5
    with pytest.raises(DataError, match=rf"lacks {TEST_IMAGES}"):
        from_places(published, place, split="test")


def truncated(data: bytes) -> bytes:
    return gzip.compress(data)[:-9]


def altered(data: bytes) -> bytes:
    return gzip.compress(data[:-1] + bytes([data[-1] ^ 1]))


def shorter(data: bytes) -> bytes:
    return gzip.compress(data[:-1])


def longer(data: bytes) -> bytes:
    return gzip.compress(data + b"\0")


def not_packed(data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("damage", [truncated, altered, shorter, longer, not_packed])
@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
@pytest.mark.parametrize("sibling", [True, False], ids=["whole", "sibling missing"])
def test_a_damaged_file_is_named_and_not_passed_over(
    published: Published, tmp_path: Path, damage: Any, name: str, sibling: bool
) -> None:
    folder = published.put(tmp_path / "a", *([TRAIN_IMAGES, TRAIN_LABELS] if sibling else [name]))
    (folder / name).write_bytes(damage(published.contents[name]))
    after = Elsewhere()
    with pytest.raises(DataError) as caught:
        from_places(published, Folder(folder, ""), after)
    assert str(folder / name) in str(caught.value)
    assert "remove it" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert after.asked == []


def test_if_all_fail_one_line_tells_every_place_reason_and_remedy(published: Published, tmp_path: Path) -> None:
    partial = Folder(published.put(tmp_path / "partial", TRAIN_LABELS), "put it there")
    with pytest.raises(DataError) as caught:
        from_places(published, partial, Folder(tmp_path / "none", "apt-get install it"), Elsewhere())
    assert str(caught.value).split(": ", 1)[1].split("; ") == [
        f"{tmp_path}/partial: lacks {TRAIN_IMAGES} (to mend: put it there)",
        f"{tmp_path}/none: no such folder (to mend: apt-get install it)",
        "elsewhere: the moon is in the way (to mend: run make-it-so)",
    ]


def test_the_places_and_what_they_advise(tmp_path: Path) -> None:
    cached, installed, torchvision, debian = sources(tmp_path)
    assert cached.place == str(tmp_path / "fashion-mnist")
    assert all(name in cached.remedy for name in NAMES)
    assert installed.place == str(DEBIAN_FOLDER)
    assert "apt-get install dataset-fashion-mnist" in installed.remedy
    assert isinstance(torchvision, TorchvisionDownload)
    assert str(tmp_path / "fashion-mnist") in torchvision.remedy
    assert isinstance(debian, DebianDownload)
    assert "apt-get update" in debian.remedy


def tiny_torchvision(folder: Path, address: str) -> Any:
    """torchvision's class for the files in ``folder``, served under ``address``."""
    resources = [(name, hashlib.md5((folder / name).read_bytes()).hexdigest()) for name in NAMES]
    return type("Tiny", (FashionMNIST,), {"mirrors": [address], "resources": resources})


def test_torchvisions_download_fills_the_cache(
    published: Published, mirror: tuple[Path, str], cache: Path, progress: Recorder
) -> None:
    dataset = tiny_torchvision(published.put(mirror[0]), mirror[1])
    place = TorchvisionDownload(cache / "fashion-mnist", dataset)
    images = load_fashion_mnist("train", 32, None, progress, [place], published.files).images
    np.testing.assert_array_equal(images[:, 0, 2:-2, 2:-2].numpy(), published.arrays[TRAIN_IMAGES])
    assert visible(cache) == sorted(["fashion-mnist", *NAMES])
    assert list(progress.told.values()) == [[1, 1]]
    shutil.rmtree(mirror[0])
    assert len(from_places(published, Folder(cache / "fashion-mnist", ""), split="test")) == 3
    assert len(from_places(published, place, split="test")) == 3


def test_a_download_replaces_no_file_that_is_there(published: Published, mirror: tuple[Path, str], cache: Path) -> None:
    dataset = tiny_torchvision(published.put(mirror[0]), mirror[1])
    published.put(cache / "fashion-mnist", TRAIN_LABELS)
    before = (cache / "fashion-mnist" / TRAIN_LABELS).stat().st_ino
    from_places(published, TorchvisionDownload(cache / "fashion-mnist", dataset))
    assert (cache / "fashion-mnist" / TRAIN_LABELS).stat().st_ino == before


def test_a_download_that_arrives_damaged_leaves_nothing(
    published: Published, mirror: tuple[Path, str], cache: Path
) -> None:
    dataset = tiny_torchvision(published.put(mirror[0]), mirror[1])
    (mirror[0] / TEST_IMAGES).write_bytes(truncated(published.contents[TEST_IMAGES]))
    with pytest.raises(DataError, match=rf"torchvision's download: Error downloading {TEST_IMAGES}.*corrupted"):
        from_places(published, TorchvisionDownload(cache / "fashion-mnist", dataset))
    assert visible(cache) == []


def test_a_download_of_something_else_leaves_nothing(
    published: Published, mirror: tuple[Path, str], cache: Path
) -> None:
    (published.put(mirror[0]) / TEST_IMAGES).write_bytes(altered(published.contents[TEST_IMAGES]))
    dataset = tiny_torchvision(*mirror)
    with pytest.raises(DataError, match="what arrived was altered"):
        from_places(published, TorchvisionDownload(cache / "fashion-mnist", dataset))
    assert visible(cache) == []


def test_an_interrupted_download_leaves_nothing(published: Published, cache: Path) -> None:
    def interrupted(root: Path, download: bool) -> None:
        published.put(root / "FashionMNIST" / "raw", TRAIN_IMAGES)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        from_places(published, TorchvisionDownload(cache / "fashion-mnist", interrupted))
    assert visible(cache) == []


def test_a_mirror_that_refuses_or_is_silent_is_given_up(
    published: Published, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = published.put(tmp_path / "a")
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        address = f"http://127.0.0.1:{silent_server.getsockname()[1]}/"
        place = TorchvisionDownload(cache / "fashion-mnist", tiny_torchvision(folder, address), stall_seconds=0.1)
        with pytest.raises(DataError, match=r"torchvision's download: .*timed out"):
            from_places(published, place)
    with pytest.raises(DataError, match=r"torchvision's download: .*[Rr]efused"):
        from_places(published, place)
    assert visible(cache) == []


def test_a_cache_that_cannot_be_made_is_a_reason(published: Published, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"torchvision's download: .*file"):
        from_places(published, TorchvisionDownload(tmp_path / "file" / "fashion-mnist"))


def fake_apt_get(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    command = folder / "apt-get"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_debians_package_is_unpacked_into_the_cache(
    published: Published, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    published.put(tree / DEBIAN_FOLDER.relative_to("/"))
    (tree / "DEBIAN").mkdir()
    control = "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: a\n"
    (tree / "DEBIAN" / "control").write_text(control)
    package = tmp_path / "tiny.deb"
    subprocess.run(["dpkg-deb", "--build", tree, package], check=True, capture_output=True)
    fake_apt_get(tmp_path / "bin", monkeypatch, f'[ "$1" = download ] && cp {package} .')
    assert len(from_places(published, DebianDownload(cache / "fashion-mnist"))) == 5
    assert visible(cache) == sorted(["fashion-mnist", *NAMES])


def test_apt_gets_complaint_is_the_reason(
    published: Published, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = "E: Unable to locate package dataset-fashion-mnist"
    fake_apt_get(tmp_path / "bin", monkeypatch, f"echo W: something >&2; echo {complaint} >&2; exit 100")
    with pytest.raises(DataError, match=rf"{complaint} \(to mend"):
        from_places(published, DebianDownload(cache / "fashion-mnist"))
    assert visible(cache) == []


def test_where_there_is_no_apt_get_that_is_the_reason(
    published: Published, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="apt-get is not installed"):
        from_places(published, DebianDownload(cache / "fashion-mnist"))


@needs_fashion_mnist
@pytest.mark.parametrize(("name", "md5"), FashionMNIST.resources)
def test_the_checksums_are_those_of_torchvisions_files(name: str, md5: str) -> None:
    assert FASHION_MNIST is not None
    packed = (FASHION_MNIST / name).read_bytes()
    FILES[name].unpack(FASHION_MNIST / name)
    # Debian's files differ from the published ones only in their gzip header, which there has a name and a time.
    published_at = 1504176606 if name.startswith("train") else 1504176627
    stem = name.removesuffix(".gz").encode() + b"\0"
    body = packed[10 + len(stem) if packed[3] else 10 :]
    header = b"\x1f\x8b\x08\x08" + published_at.to_bytes(4, "little") + b"\0\x03" + stem
    assert hashlib.md5(header + body).hexdigest() == md5
