"""Submissions made: they say all, hold all, and are there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from itertools import product
from pathlib import Path

import pytest
from darker import OWN
from tampering import DARKER

from benchmark.config import load_track
from benchmark.isolation.landlock import version
from benchmark.record import load_records
from benchmark.submission import protocol
from benchmark.submission.protocol import Protocol


def test_a_bundle_says_all_and_has_all(bundle: Path) -> None:
    manifest = json.loads((bundle / "submission.json").read_text())
    assert (manifest["spec"], manifest["track"], manifest["quick"]) == (DARKER, "tiny", False)
    assert manifest["protocol"] == {"attacks": ["fidelity"], "budget": 40, "seeds": [0, 1], "colluding": "sybil"}
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


@pytest.mark.parametrize(
    ("defense", "more"),
    [("jpeg", []), ("rising-noise", ["sybil"]), ("jpeg+rising-noise", ["sybil"]), ("query-limit", ["sybil"])],
)
def test_several_clients_attack_what_limits_a_client_or_goes_by_what_he_was_handed(
    defense: str, more: list[str], track_file: Path
) -> None:
    rules = Protocol(("fidelity", "accuracy"), 400, (0, 1), "sybil")
    cells = rules.cells(load_track(str(track_file)), defense)
    by_defense = {
        name: [(each.attack, each.seed) for each in cells if each.defense == name] for name in ("none", defense)
    }
    assert by_defense == {
        "none": [*product(["fidelity", "accuracy"], (0, 1))],
        defense: [*product(["fidelity", "accuracy", *more], (0, 1))],
    }
    assert len(cells) == sum(map(len, by_defense.values()))


def test_what_another_machine_has_measured_is_submitted_with_its_sheets(
    call, bundle: Path, bucket: str, track_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    command = ["submit", f"{tmp_path / 'own.py'}:Darker,factor=0.25", "--track", track_file, "--results", bucket]
    outcome = call(*command, "--out", tmp_path / "again")
    assert (outcome.status, outcome.err) == (0, "")
    for path in bundle.glob("sheets/*"):
        assert (tmp_path / "again" / "sheets" / path.name).read_bytes() == path.read_bytes()


def test_a_bundle_that_cannot_be_finished_leaves_nothing(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **named: object) -> None:
        raise OSError(28, "No space left on device", "submission.json")

    monkeypatch.setattr("benchmark.submission.making.write_manifest", full)
    (tmp_path / "own.py").write_text(OWN)
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    assert "the disk is full" in call(*command, "--out", tmp_path / "b").err
    assert {each.name for each in tmp_path.iterdir()} <= {"own.py", "r", "__pycache__"}


def test_a_cell_that_fails_leaves_no_bundle(call, track_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.replace("return x * self.factor", "raise ValueError('no luck')"))
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "b")
    assert outcome.status == 1
    assert "no luck" in outcome.err
    assert [each.name for each in tmp_path.iterdir() if "b" in each.name] == []


@pytest.mark.parametrize("place", ["compiled_package/inside/fast.abi3.so", "fast_module.abi3.so"])
def test_an_extension_module_is_said_to_be_no_source(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    for file in ("compiled_package/__init__.py", "compiled_package/inside/__init__.py", place):
        (tmp_path / "site" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / file).touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    name = place.partition("/")[0].partition(".")[0]
    command = ["submit", f"{name}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "bundle")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"{Path(place).name} is an extension module, which nobody can read" in outcome.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")
def test_a_package_is_submitted_without_being_imported_here(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0,), "sybil"))
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
    outcome = call(*command, "--out", tmp_path / "bundle")
    assert outcome.status == 0, outcome.err
    assert not [name for name in sys.modules if name.startswith("submitted_package")]
    held = sorted(each.name for each in (tmp_path / "bundle" / "source" / "submitted_package").iterdir())
    assert held == ["__init__.py", "light.py", "scaling.py"]
    records = load_records(tmp_path / "bundle" / "records", pytest.fail)
    assert sorted(each.defense for each in records) == ["none", "submitted_package.light:Darker"]
    assert all(each.isolated for each in records)


@pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")
def test_what_breaks_its_contract_is_not_measured(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    # It cannot be seen from the outcome of its process, which ends as if all were well, nor write where figures lie.
    body = "__import__('pathlib').Path({!r}).mkdir()".format(str(tmp_path / "b"))
    (tmp_path / "own.py").write_text(OWN.replace("return x * self.factor", f"{body}; raise SystemExit(0)"))
    command = ["submit", f"{tmp_path / 'own.py'}:Darker", "--track", track_file, "--results", tmp_path / "r"]
    outcome = call(*command, "--out", tmp_path / "b")
    assert outcome.status == 1
    # Landlock refuses it, and before that the mount, where the kernel gives the process mounts of its own.
    assert re.search(r"breaks its contract: perturb raised PluginError: .*(PermissionError|Read-only)", outcome.err)
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "r" / "records").exists()
