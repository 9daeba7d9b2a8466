"""Artifacts: made once, whole or absent, and made again when damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark.errors import BusyError
from benchmark.progress import Reporter
from benchmark.store import Store

KEY = {"what": "a test"}


class Notes(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Maker:
    """Writes one file, and counts how often it had to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "data.bin").write_bytes(b"content")


def test_an_artifact_is_made_once_even_by_two_stores(tmp_path: Path) -> None:
    maker = Maker()
    places = {Store(tmp_path, Reporter()).fetch("kind", KEY, maker) for _ in range(3)}
    assert maker.calls == 1
    assert len(places) == 1
    assert (places.pop() / "data.bin").read_bytes() == b"content"


def test_another_key_is_another_artifact(tmp_path: Path) -> None:
    store, maker = Store(tmp_path, Reporter()), Maker()
    assert store.fetch("kind", KEY, maker) != store.fetch("kind", {"what": "another"}, maker)
    assert maker.calls == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "data.bin").write_bytes(b"cont"),
        lambda place: (place / "data.bin").write_bytes(b"comtent"),
        lambda place: (place / "data.bin").write_bytes(b""),
        lambda place: (place / "data.bin").unlink(),
        lambda place: (place / "manifest.json").write_text("{"),
        lambda place: (place / "manifest.json").write_text("[]"),
        lambda place: (place / "manifest.json").unlink(),
    ],
    ids=["truncated", "altered", "empty", "missing", "half a manifest", "foreign manifest", "no manifest"],
)
def test_a_damaged_artifact_is_made_again_with_a_warning(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    maker, reporter = Maker(), Notes()
    damage(Store(tmp_path, Reporter()).fetch("kind", KEY, maker))
    place = Store(tmp_path, reporter).fetch("kind", KEY, maker)
    assert (place / "data.bin").read_bytes() == b"content"
    assert maker.calls == 2
    assert len(reporter.notes) == 1
    assert str(place) in reporter.notes[0]


def test_what_an_interrupted_call_left_is_there_for_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path, Reporter())

    def interrupted(folder: Path) -> None:
        (folder / "checkpoint").write_text("half way")
        (folder / ".report.json.abc.tmp").write_text("what a kill leaves of a file under way")
        raise KeyboardInterrupt

    def resumed(folder: Path) -> None:
        assert (folder / "checkpoint").read_text() == "half way"
        (folder / "checkpoint").unlink()
        (folder / "data.bin").write_bytes(b"content")

    with pytest.raises(KeyboardInterrupt):
        store.fetch("kind", KEY, interrupted)
    place = store.fetch("kind", KEY, resumed)
    assert sorted(path.name for path in place.iterdir()) == ["data.bin", "manifest.json"]


class Slow(Maker):
    """Says that it has begun, and goes on when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may = threading.Semaphore(0), threading.Event()

    def __call__(self, folder: Path) -> None:
        self.begun.release()
        assert self.may.wait(60)
        super().__call__(folder)


def test_of_two_at_once_the_second_waits_for_what_the_first_makes(tmp_path: Path) -> None:
    maker = Slow()
    with ThreadPoolExecutor(2) as pool:
        first, second = (partial(Store(tmp_path, Reporter()).fetch, "kind", KEY, maker) for _ in range(2))
        try:
            made = pool.submit(first)
            assert maker.begun.acquire(timeout=60)
            found = pool.submit(second)
            # A hundred times what it takes to begin, if nothing keeps it from that: the first is not done before.
            assert not maker.begun.acquire(timeout=0.5)
            assert not found.done()
        finally:
            maker.may.set()
        assert made.result() == found.result()
    assert maker.calls == 1


def test_what_somebody_else_is_at_is_passed_by_where_that_is_asked_for(tmp_path: Path) -> None:
    place = Store(tmp_path, Reporter()).fetch("kind", KEY, Maker())
    store, maker = Store(tmp_path, Reporter(), passed_by=("kind",)), Maker()
    with FileLock(place.with_suffix(".lock")):
        for ask in (lambda: store.fetch("kind", KEY, maker), lambda: store.remove("kind", KEY)):
            with pytest.raises(BusyError, match=place.name):
                ask()
        assert store.fetch("other", KEY, maker).is_dir()
    assert store.fetch("kind", KEY, maker) == place
    assert maker.calls == 1
