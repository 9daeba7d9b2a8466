from __future__ import annotations

import socket
from pathlib import Path

import pytest

from benchmark.data.cache import cache_dir, put_in_place, staging, stall_limit


def test_the_variable_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"


@pytest.mark.parametrize(
    ("xdg", "expected"), [("/xdg", "/xdg"), ("", "/home/someone/.cache"), ("relative", "/home/someone/.cache")]
)
def test_without_the_variable_the_users_cache_is_used(xdg: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAN_EXTRACTION_BENCH_CACHE")
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert cache_dir() == Path(expected) / "gan-extraction-bench"


def interrupted(folder: Path) -> None:
    with staging(folder) as staged:
        assert not any(staged.iterdir())
        (staged / "file").write_bytes(b"half")
        raise KeyboardInterrupt


def test_staging_is_empty_and_goes_whatever_happens(tmp_path: Path) -> None:
    left_by_a_killed_process = tmp_path / ".set.partial" / "half"
    left_by_a_killed_process.parent.mkdir()
    left_by_a_killed_process.touch()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == [".set.lock"]


def test_what_is_put_in_place_is_moved_whole(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "set"
    with staging(tmp_path / "set") as staged:
        (staged / "new" / "sub").mkdir(parents=True)
        (staged / "new" / "sub" / "file").write_bytes(b"whole")
        put_in_place(staged / "new", final)
        assert not (staged / "new").exists()
    assert (final / "sub" / "file").read_bytes() == b"whole"


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    final = tmp_path / "set"
    final.mkdir()
    (final / "precious").touch()
    new = tmp_path / "new"
    new.mkdir()
    with pytest.raises(OSError, match="not empty"):
        put_in_place(new, final)
    assert [path.name for path in final.iterdir()] == ["precious"]


def test_the_stall_limit_holds_within_and_is_lifted_again() -> None:
    before = socket.getdefaulttimeout()
    with stall_limit(3.5):
        assert socket.getdefaulttimeout() == 3.5
    assert socket.getdefaulttimeout() == before
