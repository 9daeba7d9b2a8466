"""A bundle on the tiny track, made once, and re-runs of its cells, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from darker import OWN

from benchmark.cli import cli
from benchmark.isolation import plugins
from benchmark.registry import load
from benchmark.submission import making, protocol
from benchmark.submission.protocol import Protocol


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol of four cells, in this process: to start one for each of them takes long."""
    _shorten(monkeypatch)


def _shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0, 1)))
    patch.setattr(plugins, "load_isolated", load)
    patch.setattr(making, "check_apart", lambda spec: "not checked")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, track_file: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("submission")
    (folder / "own.py").write_text(OWN)
    spec, out = f"{folder / 'own.py'}:Darker,factor=0.25", folder / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        _shorten(patch)
        command = ["submit", spec, "--track", track_file, "--out", out, "--results", folder / "results"]
        done = CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    # What the bundle says must not need what it was made from.
    (folder / "own.py").unlink()
    return out


@pytest.fixture(scope="session")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of re-runs: each cell is run again once for all tests."""
    return tmp_path_factory.mktemp("again")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


@pytest.fixture
def verify(call, track_file: Path, again: Path) -> Callable[..., list[str]]:
    """Verifies, and returns the lines of what it refuses; empty if it does not."""

    def verified(folder: Path, *options: object) -> list[str]:
        outcome = call("verify", folder, "--track", track_file, "--results", again, *options)
        lines = [line for line in outcome.err.splitlines() if line.startswith(("refused: ", "error: "))]
        assert bool(lines) == bool(outcome.status), outcome.err
        return lines

    return verified
