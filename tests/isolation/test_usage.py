"""What a plugin takes, counted: every file once, and nothing that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmark.isolation.usage import files_of, memory_of

SIZE = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is counted by way of /proc")


@pytest.fixture
def file() -> Iterator[int]:
    """A file in memory that another process holds too."""
    descriptor = os.memfd_create("held")
    waiting = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, pass_fds=[descriptor]) as other:
        yield descriptor
        other.communicate()
    os.close(descriptor)


def test_a_file_counts_once_whoever_holds_it(file: int, tmp_path: Path) -> None:
    this = psutil.Process()
    running = [this, *this.children()]
    before = files_of(str(tmp_path), running)
    os.write(file, bytes(SIZE))
    again = os.dup(file)
    assert files_of(str(tmp_path), running) - before == SIZE
    os.close(again)


def test_what_lies_in_the_folder_counts_and_holes_do_not(tmp_path: Path) -> None:
    before = files_of(str(tmp_path), [])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "first").write_bytes(os.urandom(SIZE))
    (tmp_path / "second").hardlink_to(tmp_path / "deep" / "er" / "first")
    (tmp_path / "elsewhere").symlink_to(sys.prefix)
    with (tmp_path / "hole").open("wb") as hole:
        hole.truncate(2**30)
    assert SIZE <= files_of(str(tmp_path), []) - before < 1.1 * SIZE
    assert files_of(str(tmp_path / "gone"), []) == 0


def test_a_process_that_hides_its_pages_counts_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "memory_full_info", refused)
    assert (memory_of(psutil.Process()) or 0) > SIZE
