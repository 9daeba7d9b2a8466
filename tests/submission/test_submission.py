"""Submissions: made, verified, tampered with, and refused, each time with a line that says what for."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmark.cli import cli
from benchmark.isolation import plugins
from benchmark.isolation.landlock import version
from benchmark.record import load_records
from benchmark.registry import load
from benchmark.submission import making, protocol
from benchmark.submission.protocol import Protocol

OWN = '''
"""A defense of somebody's own."""

from dataclasses import dataclass

from benchmark.interfaces import Defense, parameter


@dataclass(frozen=True)
class Darker(Defense):
    """Makes everything darker."""

    strength = "factor"
    factor: float = parameter(0.5, "what is left of the light; less is stronger", low=0, high=1)

    def perturb(self, x, rng):
        return x * self.factor
'''


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol of four cells, in this process: to start one for each of them takes long."""
    _shorten(monkeypatch)


def _shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0, 1)))
    patch.setattr(plugins, "load_isolated", load)
    patch.setattr(making, "check_apart", lambda spec: "not checked")


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def rewrite(folder: Path, **changes: object) -> None:
    """The manifest made to match what is in the folder."""
    path = folder / "submission.json"
    manifest = json.loads(path.read_text()) | changes
    names = sorted(each for each in folder.rglob("*") if each.is_file() and each != path)
    files = {str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest() for each in names}
    path.write_text(json.dumps({"files": files} | manifest | {"files": changes.get("files", files)}))


def record_of(folder: Path, defense: str, seed: int) -> Path:
    found = load_records(folder / "records", pytest.fail)
    (name,) = [each.id for each in found if each.defense == defense and each.seed == seed]
    return folder / "records" / f"{name}.json"


DARKER = "own.py:Darker,factor=0.25"


def change_figure(folder: Path) -> Path:
    path = record_of(folder, DARKER, 1)
    record = json.loads(path.read_text())
    record["figures"]["accuracy_fd"] *= 1.001
    path.write_text(json.dumps(record))
    return path


def change_image(folder: Path) -> Path:
    path = folder / "sheets" / record_of(folder, DARKER, 0).with_suffix(".png").name
    with Image.open(path) as image:
        pixels = np.array(image)
    pixels[40:44, 100:104, :3] ^= 0x80
    Image.fromarray(pixels).save(path)
    return path


def change_source(folder: Path) -> Path:
    path = folder / "source" / "own.py"
    path.write_text(path.read_text().replace("x * self.factor", "x * self.factor * 0.5"))
    return path


def add_file(folder: Path) -> Path:
    path = folder / "records" / "notes.txt"
    path.write_text("trust me")
    return path


def add_source(folder: Path) -> Path:
    path = folder / "source" / "more.py"
    path.write_text("x = 1\n")
    return path


def remove_file(folder: Path) -> Path:
    path = record_of(folder, "none", 0)
    path.unlink()
    return path


def link_file(folder: Path) -> Path:
    path = record_of(folder, "none", 0)
    shutil.move(path, folder.parent / "elsewhere.json")
    path.symlink_to(folder.parent / "elsewhere.json")
    return path


def test_a_bundle_says_all_and_has_all(bundle: Path) -> None:
    manifest = json.loads((bundle / "submission.json").read_text())
    assert (manifest["spec"], manifest["track"], manifest["quick"]) == (DARKER, "tiny", False)
    assert manifest["protocol"] == {"attacks": ["fidelity"], "budget": 40, "seeds": [0, 1]}
    files = {each for each in bundle.rglob("*") if each.is_file()} - {bundle / "submission.json"}
    assert manifest["files"] == {
        str(each.relative_to(bundle)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files
    }
    assert (bundle / "source" / "own.py").read_text() == OWN
    records = load_records(bundle / "records", pytest.fail)
    assert {(each.defense, each.seed) for each in records} == {(name, s) for name in ("none", DARKER) for s in (0, 1)}
    assert {f"{each.id}.png" for each in records} == {each.name for each in (bundle / "sheets").iterdir()}
    assert str(bundle.parent) not in "".join(each.read_text() for each in files if each.suffix == ".json").replace(
        json.dumps(records[0].target), ""
    )


def test_an_honest_bundle_agrees(call, bundle: Path, track_file: Path, again: Path) -> None:
    outcome = call("verify", bundle, "--track", track_file, "--results", again)
    assert outcome.status == 0, outcome.err
    assert outcome.out.count("figures agree to the last digit") == 4
    assert outcome.out.endswith("4 of 4 cells were run again, and all agree\n")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (change_figure, "it was changed"),
        (change_image, "it was changed"),
        (change_source, "it was changed"),
        (add_source, "the manifest does not have it"),
        (add_file, "a bundle holds no such file"),
        (remove_file, "it is missing"),
        (link_file, "it is a link"),
    ],
)
def test_what_was_tampered_with_is_refused(verify, copy: Path, tamper: Callable[[Path], Path], says: str) -> None:
    name = tamper(copy).relative_to(copy)
    (line,) = verify(copy)
    assert line.startswith(f"refused: {name}: {says}")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (change_figure, [f"refused: {DARKER} against fidelity, seed 1: accuracy_fd is "]),
        (change_image, [f"refused: {DARKER} against fidelity, seed 0: sheets/"]),
        (remove_file, ["refused: records/"]),
        (add_source, ["refused: source: more.py is not of the defense"]),
    ],
)
def test_what_was_tampered_with_is_found_by_the_re_run_if_the_manifest_matches(
    verify, copy: Path, tamper: Callable[[Path], Path], says: list[str]
) -> None:
    tamper(copy)
    rewrite(copy)
    lines = verify(copy)
    assert len(lines) == len(says)
    assert all(line.startswith(start) for line, start in zip(lines, says, strict=True))


def test_other_sources_are_refused_if_the_manifest_has_their_checksum(verify, copy: Path) -> None:
    change_source(copy)
    rewrite(copy)
    (line,) = verify(copy)
    assert line.startswith("refused: source: ")


def test_records_of_other_sources_are_refused(verify, copy: Path) -> None:
    from benchmark.isolation.host import hash_of

    rewrite(copy, sources={"own.py": hash_of(change_source(copy))})
    lines = verify(copy)
    # Each of the defense's two cells: a record and a sheet that are not its own, and two that it lacks.
    assert sum("not of this submission" in line for line in lines) == 4
    assert sum("missing" in line for line in lines) == 4


@pytest.mark.parametrize(
    "name", ["../own.py", "source/../../own.py", "/etc/hostname", "records/../own.py", "source//x"]
)
def test_no_name_leaves_the_folder(verify, copy: Path, name: str) -> None:
    manifest = json.loads((copy / "submission.json").read_text())
    (copy.parent / "own.py").write_text("x = 1\n")
    rewrite(copy, files=manifest["files"] | {name: "0" * 64})
    assert verify(copy) == [f"refused: {name}: a bundle holds no such file"]


@pytest.mark.parametrize("spec", ["../own.py:Darker", "/tmp/own.py:Darker", "a//b:Darker", "own.py", "jpeg", ""])
def test_no_spec_leaves_the_folder(verify, copy: Path, spec: str) -> None:
    rewrite(copy, spec=spec)
    (line,) = verify(copy)
    assert "is no defense of a bundle" in line


def test_no_parameter_names_a_file(call, verify, copy: Path, track_file: Path, tmp_path: Path) -> None:
    rewrite(copy, spec=f"own.py:Darker,factor={track_file}")
    (line,) = verify(copy)
    assert "names a file" in line
    own = tmp_path / "own.py"
    own.write_text(OWN)
    command = ["submit", f"{own}:Darker,factor={track_file}", "--track", track_file, "--results", tmp_path / "r"]
    assert "names a file" in call(*command, "--out", tmp_path / "out").err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"protocol": {"attacks": [], "budget": 40, "seeds": [0, 1]}}, "refused: protocol: "),
        ({"setting": {}}, "refused: setting: "),
        ({"track": "other"}, "refused: track: "),
        ({"schema": 99}, "error: "),
        ({"spec": 1}, "error: "),
    ],
)
def test_another_way_of_measuring_is_refused(verify, copy: Path, changes: dict, says: str) -> None:
    rewrite(copy, **changes)
    assert all(line.startswith(says) for line in verify(copy))
    assert verify(copy)


def test_a_part_is_drawn_by_a_seed(call, bundle: Path, track_file: Path, again: Path) -> None:
    command = ["verify", bundle, "--track", track_file, "--results", again, "--part", 1]
    outcome = call(*command)
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith("2 of 4 cells were run again, and all agree\n")
    seed = outcome.out.partition("--seed ")[2].split()[0]
    assert call(*command, "--seed", seed).out == outcome.out
    assert len({call(*command, "--seed", each).out for each in range(8)}) == 8


def test_a_quick_bundle_is_no_entry(call, verify, track_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "b", "--quick")
    assert outcome.status == 0, outcome.err
    (line,) = verify(tmp_path / "b")
    assert "quick" in line
    assert "no entry" in line
    # What is there is not written over.
    assert call(*command, "--out", tmp_path / "b", "--quick").status == 2


def test_a_cell_that_fails_leaves_no_bundle(call, track_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.replace("return x * self.factor", "raise ValueError('no luck')"))
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "b")
    assert outcome.status == 1
    assert "no luck" in outcome.err
    assert [each.name for each in tmp_path.iterdir() if "b" in each.name] == []


def test_an_entry_has_a_status_on_the_board(call, bundle: Path, tmp_path: Path) -> None:
    board = ["--results", tmp_path]
    assert call("enter", bundle, "darker", *board).status == 0
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    # The undefended target's records are the board's own matter.
    assert list(table["defense"]) == [DARKER] * 2
    assert set(table["status"]) == {"claimed"}
    assert all((tmp_path / "sheets" / f"{name}.png").is_file() for name in table["record"])
    wrong = call("enter", bundle, "darker", "--status", "broken", "--evidence", "f" * 32, *board)
    assert "must be the id of a record" in wrong.err
    assert call("enter", bundle, "darker", "--status", "broken", "--evidence", table["record"][0], *board).status == 0
    assert set(pd.read_csv(tmp_path / "leaderboard.csv")["status"]) == {"broken"}
    assert "darker is of a defense called" in call("enter", bundle, "again", *board).err


def test_what_was_tampered_with_is_not_entered(call, copy: Path, tmp_path: Path) -> None:
    change_figure(copy)
    outcome = call("enter", copy, "darker", "--results", tmp_path / "board")
    assert outcome.status == 1
    assert "it was changed" in outcome.err
    assert not (tmp_path / "board").exists()


@pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")
def test_a_package_is_submitted_without_being_imported_here(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0,)))
    package = tmp_path / "site" / "submitted_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import torch\n\ntorch.Tensor.clamp = None\n")
    (package / "light.py").write_text(
        OWN.replace("x * self.factor", "scaled(x, self.factor)").replace(
            "from benchmark.interfaces", "from submitted_package.scaling import scaled\nfrom benchmark.interfaces"
        )
    )
    (package / "scaling.py").write_text("def scaled(x, factor):\n    return x * factor\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    command = ["submit", "submitted_package.light:Darker", "--track", track_file, "--results", tmp_path / "r"]
    monkeypatch.setattr(making, "check_apart", lambda spec: "not checked: clamp is gone")
    outcome = call(*command, "--out", tmp_path / "bundle")
    assert outcome.status == 0, outcome.err
    assert not [name for name in sys.modules if name.startswith("submitted_package")]
    held = sorted(each.name for each in (tmp_path / "bundle" / "source" / "submitted_package").iterdir())
    assert held == ["__init__.py", "light.py", "scaling.py"]
    records = load_records(tmp_path / "bundle" / "records", pytest.fail)
    assert sorted(each.defense for each in records) == ["none", "submitted_package.light:Darker"]
    assert all(each.isolated for each in records)


def test_what_breaks_its_contract_is_not_measured(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    (tmp_path / "own.py").write_text(OWN.replace("return x * self.factor", "return x[:1]"))
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "b")
    assert outcome.status == 1
    assert "not fit for submission" in outcome.err
    assert "breaks its contract" in outcome.err
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "r" / "records").exists()
