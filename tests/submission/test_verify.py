"""Submissions verified: an honest one agrees, and one that was tampered with is refused with a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from darker import OWN
from tampering import (
    DARKER,
    add_file,
    add_source,
    change_figure,
    change_image,
    change_source,
    link_file,
    remove_file,
    respell,
    rewrite,
)

from benchmark.conformance.isolated import check_isolated
from benchmark.executors import local
from benchmark.isolation.host import hash_of
from benchmark.isolation.landlock import version
from benchmark.submission import contract


def test_an_honest_bundle_agrees(call, bundle: Path, track_file: Path, again: Path) -> None:
    outcome = call("verify", bundle, "--track", track_file, "--results", again)
    assert outcome.status == 0, outcome.err
    assert outcome.out.count("figures agree to the last digit") == 4
    assert outcome.out.endswith("4 of 4 cells were run again, and all agree\n")


def test_a_re_run_behind_a_url_has_its_sheets_there(call, bundle: Path, bucket: str, track_file: Path) -> None:
    outcome = call("verify", bundle, "--track", track_file, "--results", bucket)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("4 of 4 cells were run again, and all agree\n")


def test_other_threads_than_those_that_did_the_cells_are_another_environment(
    call, bundle: Path, track_file: Path, again: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = json.loads((bundle / "submission.json").read_text())
    assert manifest["environment"]["threads"] == torch.get_num_threads()
    # The threads of this process are those of the manifest, but it is not who does the cells.
    monkeypatch.setattr(local, "cores", lambda: 3 * torch.get_num_threads())
    flags = "--track", track_file, "--results", again
    assert call("verify", bundle, *flags).out.count("to the last digit") == 4
    outcome = call("verify", bundle, *flags, "--workers", 1)
    assert outcome.status == 0, outcome.err
    assert outcome.out.count("figures agree within the 95% prediction intervals") == 4
    # As many workers as make for the same threads.
    assert call("verify", bundle, *flags, "--workers", 3).out.count("to the last digit") == 4


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (change_figure, "it was changed"),
        (change_image, "it was changed"),
        (change_source, "it was changed"),
        (add_source, "the manifest does not have it"),
        (add_file, "unexpected file; a bundle holds records, sheets and sources only"),
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


@pytest.mark.parametrize("sum_", ["1+" * 20_000 + "1", "-" * 100_000 + "1"], ids=["sum", "signs"])
def test_sources_that_python_cannot_take_in_are_refused(verify, copy: Path, sum_: str) -> None:
    own = copy / "source" / "own.py"
    own.write_text(f"{own.read_text()}x = {sum_}\n")
    rewrite(copy)
    (line,) = verify(copy)
    assert line.startswith(f"error: the sources in {copy / 'source'} cannot be read")


def test_a_manifest_that_cannot_be_read_is_named(verify, copy: Path) -> None:
    (copy / "submission.json").write_text("[" * 100_000)
    (line,) = verify(copy)
    assert line.startswith(f"error: {copy / 'submission.json'} is no readable manifest")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 0}, "is of schema 0, but this version reads 1; submit again"),
        ({"quick": "no"}, "its quick is 'no'"),
        ({"spec": None}, "its spec is 'None'"),
        ({"files": {"source/own.py": 1}}, "its files is"),
        ({"sources": ["own.py"]}, "its sources is"),
        ({"setting": 3}, "its setting is '3'"),
    ],
)
def test_a_manifest_with_a_value_of_another_type_is_named(
    verify, copy: Path, change: dict[str, object], says: str
) -> None:
    path = copy / "submission.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (line,) = verify(copy)
    assert line.startswith(f"error: {path} ")
    assert says in line


def test_records_of_other_sources_are_refused(verify, copy: Path) -> None:
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
    assert verify(copy) == [f"refused: {name}: unexpected file; a bundle holds records, sheets and sources only"]


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__/own.cpython-311.pyc",
        "package/__pycache__/note.txt",
        "package/hidden.pyc",
        "package/hidden.pyo",
        "package/fast.cpython-311-x86_64-linux-gnu.so",
        "package/fast.pyd",
        "package/fast.dylib",
        "package/fast.dll",
        "package/.hidden",
        ".hidden/more.py",
    ],
)
def test_code_that_cannot_be_read_is_refused(verify, copy: Path, name: str) -> None:
    path = copy / "source" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"evil")
    rewrite(copy)
    (line,) = verify(copy)
    assert line.startswith(f"refused: source/{name}: it may hide code")


@pytest.mark.parametrize("cookie", ["utf-7", "latin-1", "none-such"])
def test_code_that_is_not_what_it_looks_like_is_refused(verify, copy: Path, cookie: str) -> None:
    (copy / "source" / "own.py").write_text(f"# coding: {cookie}\n# +AAo-print('a comment no more')\n")
    rewrite(copy)
    assert "refused: source/own.py: it may hide code, as it is not written in UTF-8" in verify(copy)


@pytest.mark.parametrize("spec", ["../own.py:Darker", "/tmp/own.py:Darker", "a//b:Darker", "own.py", "jpeg", ""])
def test_no_spec_leaves_the_folder(verify, copy: Path, spec: str) -> None:
    rewrite(copy, spec=spec)
    (line,) = verify(copy)
    assert "is no defense of a bundle" in line


@pytest.mark.parametrize(
    ("spec", "spelled"),
    [
        ("own.py:Darker,factor=0.250", DARKER),
        ("own.py:Darker, factor=0.25", DARKER),
        ("own.py:Darker,factor=0.5", "own.py:Darker"),
    ],
)
@pytest.mark.parametrize("command", [["verify"], ["enter", "darker"]], ids=lambda each: each[0])
def test_a_defense_is_spelled_as_every_other_record_of_it_is(
    call, copy: Path, track_file: Path, tmp_path: Path, spec: str, spelled: str, command: list[str]
) -> None:
    """Else neither what breaks it nor a second entry of it would be taken for one of the same defense."""
    respell(copy, spec)
    outcome = call(command[0], copy, *command[1:], "--track", track_file, "--results", tmp_path / "r")
    says = f"refused: spec: it is {spec!r}, but records spell this defense {spelled!r}; submit it again\n"
    assert (outcome.status, outcome.err) == (1, says)


@pytest.mark.parametrize("value", ["{}", "{}:x", "[{}:x]"])
def test_no_parameter_names_a_file(call, verify, copy: Path, track_file: Path, tmp_path: Path, value: str) -> None:
    named = value.format(track_file)
    rewrite(copy, spec=f"own.py:Darker,factor={named}")
    (line,) = verify(copy)
    assert "names a file" in line
    own = tmp_path / "own.py"
    own.write_text(OWN)
    command = ["submit", f"{own}:Darker,factor={named}", "--track", track_file, "--results", tmp_path / "r"]
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


@pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")
@pytest.mark.parametrize("command", [["verify"], ["enter", "darker"]], ids=lambda each: each[0])
def test_who_takes_a_submission_checks_it(
    call, dishonest: Path, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(contract, "check_isolated", partial(check_isolated, examples=5))
    board = tmp_path / "board"
    outcome = call(command[0], dishonest, *command[1:], "--track", track_file, "--results", board)
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    assert "refused: Darker(factor=0.5) breaks its contract: perturb gives another result for one" in outcome.err
    assert not [path for path in board.rglob("*") if path.is_file()]


def test_a_part_is_drawn_by_a_seed(call, bundle: Path, track_file: Path, again: Path) -> None:
    command = ["verify", bundle, "--track", track_file, "--results", again, "--part", 1]
    outcome = call(*command)
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith("2 of 4 cells were run again, and all agree\n")
    seed = outcome.out.partition("--seed ")[2].split()[0]
    assert call(*command, "--seed", seed).out == outcome.out
    assert len({call(*command, "--seed", each).out for each in range(8)}) == 8


@pytest.mark.parametrize("command", [["verify"], ["enter", "darker"]], ids=lambda each: each[0])
def test_a_folder_that_is_no_bundle_is_named_once(call, tmp_path: Path, command: list[str]) -> None:
    outcome = call(command[0], tmp_path, *command[1:], "--results", tmp_path / "r")
    says = f"{tmp_path} is no bundle, as it has no submission.json; name a folder that submit wrote"
    assert (outcome.status, outcome.out, outcome.err) == (2, "", f"error: {says}\n")


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
