"""The main job's stages: what a command says of them is read as it is meant, and set beside those of now."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import ROOT
from benchmarks.command import Ran, checkout
from benchmarks.stages import compared, scoring_apart, stages, steps

LOG = [
    (1.0, "fashion-mnist: jpeg against fidelity, 50,000 queries, seed 0"),
    (11.0, "training 100/2500, 300 images/s, loss D 1.0 G 0.3, 0:04:00 left"),
    (31.0, "training done in 30.0 s"),
    (33.6, "features done in 2.5 s"),
    (34.0, "cells 1/2, 0:00:40 left"),
    (84.1, "training done in 50.0 s"),
    (86.2, "features done in 1.5 s"),
    (87.3, "metrics: kid done in 3.0 s"),
    (87.7, "answers done in 0.4 s"),
    (91.0, "cells done in 90.0 s"),
]
"""The second features are made within the metrics that need them; all lies within the cells."""


def test_adds_up_what_a_command_says() -> None:
    own = {"training": 80.0, "features": 4.0, "metrics: kid": 1.5, "answers": 0.4, "cells": 4.1}
    assert Ran(2, 100.0, LOG).stages == pytest.approx(own)


def test_the_rest_lies_between_the_stages() -> None:
    assert stages(Ran(2, 100.0, LOG)) == pytest.approx(
        {
            "training": 80.0,
            "features": 4.0,
            "metrics: kid": 1.5,
            "answers": 0.4,
            "between the stages": 14.1,
            "the whole job": 100.0,
        }
    )


def test_scoring_is_what_trainings_do_beside_their_steps() -> None:
    found = scoring_apart({"training": 80.0, "answers": 1.0, "the whole job": 100.0}, 72.0)
    assert found == {"training": 72.0, "scoring of checkpoints": 8.0, "answers": 1.0, "the whole job": 100.0}


def test_steps_are_those_of_all_trainings_of_all_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each to its last checkpoint, whose seconds are of all steps before it."""
    first, second, third = ({"history": [{"seconds": 1.0}, {"seconds": end}]} for end in (5.0, 20.0, 300.0))
    records = [SimpleNamespace(trainings=(first, second)), SimpleNamespace(trainings=(third,))]
    monkeypatch.setattr("benchmarks.stages.load_records", lambda folder, damaged: records)
    assert steps(tmp_path) == 325


def test_stands_beside_what_is_now() -> None:
    """The longest first, the whole last; no ratio of tenths of a second."""
    now = {"training": 40.0, "answers": 0.2, "metrics: kid": 3.0, "between the stages": 1.0, "the whole job": 50.0}
    assert compared(stages(Ran(2, 100.0, LOG)), now).rows == [
        ("training", "80.0", "40.0", "2.00"),
        ("between the stages", "14.1", "1.0", "14.10"),
        ("features", "4.0", "", ""),
        ("metrics: kid", "1.5", "3.0", "0.50"),
        ("answers", "0.4", "0.2", ""),
        ("the whole job", "100.0", "50.0", "2.00"),
    ]


def test_lays_out_a_commit(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    checkout("HEAD", tmp_path / "code")
    assert (tmp_path / "code/benchmark/__main__.py").is_file()


def test_says_which_commit_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="commit 0123456 is needed, of a full clone"):
        checkout("0123456", tmp_path / "code")
