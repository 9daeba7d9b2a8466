"""A bundle on the tiny track, made once, and re-runs of its cells, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from darker import OWN

from benchmark.cli import cli
from benchmark.conformance import Report
from benchmark.isolation import plugins
from benchmark.registry import load
from benchmark.submission import contract, protocol
from benchmark.submission.protocol import Protocol


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol of four cells, in this process: to start one for each of them takes long."""
    _shorten(monkeypatch)


def _shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0, 1), "sybil"))
    patch.setattr(plugins, "load_isolated", load)
    patch.setattr(contract, "check_isolated", lambda spec: Report(spec, (), (), 0, 0))


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


@pytest.fixture
def dishonest(call, short: None, track_file: Path, tmp_path: Path) -> Path:
    """A bundle, whole and of figures that can be measured again, of a defense that its submitter did not check."""
    (tmp_path / "own.py").write_text(OWN.replace("x * self.factor", "x * self.factor + 0.1 * x.mean()"))
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--out", tmp_path / "dishonest"]
    assert call(*command, "--results", tmp_path / "r").status == 0
    return tmp_path / "dishonest"


@pytest.fixture(scope="session")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of re-runs: each cell is run again once for all tests."""
    return tmp_path_factory.mktemp("again")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


@pytest.fixture
def bucket(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of results in which another machine has done the cells of the bundle; this one has no copy yet."""
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(bundle.parent / "results", tmp_path / "bucket")
    return f"file://{tmp_path / 'bucket'}"


@pytest.fixture
def verify(call, track_file: Path, again: Path) -> Callable[..., list[str]]:
    """Verifies, and returns the lines of what it refuses; empty if it does not."""

    def verified(folder: Path, *options: object) -> list[str]:
        outcome = call("verify", folder, "--track", track_file, "--results", again, *options)
        lines = [line for line in outcome.err.splitlines() if line.startswith(("refused: ", "error: "))]
        assert bool(lines) == bool(outcome.status), outcome.err
        return lines

    return verified
