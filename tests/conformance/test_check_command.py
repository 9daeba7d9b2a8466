"""``check`` as typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ZOO = Path(__file__).parents[1] / "zoo"


def test_a_good_plugin_is_said_to_be_good(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("check", "query-limit,share=0.5")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("QueryLimit(share=0.5, cap=0): ")
    assert outcome.out.endswith("keeps its contract\n")
    assert not os.listdir(tmp_path), "something was left behind"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (f"{ZOO}/bad_perturbations.py:Crops", "error: perturb returned shape (1, 1, 14, 14)"),
        (f"{ZOO}/bad_classes.py:NoDefault", "error: NoDefault.factor has no default"),
        (f"{ZOO}/bad_attacks.py:Greedy", "error: fit raised BudgetError"),
        (f"{ZOO}/bad_metrics.py:Undirected", "error: Undirected.better is 'low'"),
        (f"{ZOO}/bad_networks.py:WrongDim", "error: calling it returned shape"),
    ],
)
def test_a_bad_plugin_of_any_kind_is_a_line_and_a_status(call, spec: str, says: str) -> None:
    outcome = call("check", spec)
    assert (outcome.status, outcome.err) == (1, "")
    assert sum(line.startswith(says) for line in outcome.out.splitlines()) == 1
    assert outcome.out.endswith("breaks its contract\n")


def test_a_function_is_a_target(call, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("import torch\n\ndef load(z):\n    return torch.tanh(z).view(-1, 1, 16, 16)\n")
    outcome = call("check", f"{own}:load,latent_dim=256,range=signed")
    assert outcome.status == 0, outcome.out + outcome.err
    assert outcome.out.startswith("MappedTarget: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["jpgg"], "did you mean 'jpeg'"),
        (["posterize.py"], "name a class in it, such as posterize.py:Posterize"),
        (["my/grey_veil.py", "--kind", "defense"], "such as my/grey_veil.py:GreyVeil"),
        (["fd", "--kind", "metric"], "name one of your own as path/to/file.py:Mine or my_pkg.mod:Mine"),
        (["jpeg", "--kind", "defence"], "did you mean 'defense'"),
        (["jpeg", "--kind", "attack"], "unknown attack 'jpeg'"),
        ([f"{ZOO}/bad_attacks.py:CALLS"], "is no plugin"),
        ([f"{ZOO}/bad_attacks.py:Gredy"], "did you mean 'Greedy'"),
        ([f"{ZOO}/bad_endings.py:Leaves"], "during perturb, it ended by itself, with exit status 0"),
    ],
)
def test_what_cannot_be_checked_is_one_line(call, arguments: list[str], says: str) -> None:
    outcome = call("check", *arguments)
    assert outcome.status != 0
    assert (outcome.out, outcome.err.count("\n")) == ("", 1)
    assert says in outcome.err
