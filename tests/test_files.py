"""Files are whole or absent, and a full disk is an error and not a crash."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.files import checksum, new_array, open_array, replacing, write_tensors, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_a_checksum_is_sha_256(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "abc")
    # FIPS 180-2, appendix B.1.
    assert checksum(tmp_path / "a.txt") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_array_claims_its_room_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_array(tmp_path / "a.npy", (1000, 100), np.uint8)
    assert os.stat(tmp_path / "a.npy").st_blocks * 512 >= 100_000

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        new_array(tmp_path / "b.npy", (1000, 100), np.uint8)


def test_what_is_written_to_an_open_array_stays_out_of_the_file(tmp_path: Path) -> None:
    new_array(tmp_path / "a.npy", (3,), np.uint8)[:] = 7
    open_array(tmp_path / "a.npy")[:] = 9
    assert open_array(tmp_path / "a.npy").tolist() == [7, 7, 7]


def test_tensors_are_written_whatever_their_layout(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    tensor = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    write_tensors(tmp_path / "t.safetensors", {"t": tensor}, {})
    assert torch.equal(load_file(tmp_path / "t.safetensors")["t"], tensor)
