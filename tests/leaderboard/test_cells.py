"""Only records of one setting, budget and seed are paired, and only attackers within the budget decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from few_records import made

from benchmark.config import Cell, load_track
from benchmark.errors import UsageError
from leaderboard.cells import (
    cells,
    check_one_setting,
    family,
    place,
    recorded,
    security_gains,
    setting_hash,
    strengths,
    strongest,
    utility_costs,
)

NONE = made("none", "fidelity", 0, 30.0, utility=100.0)
JPEG = made("jpeg", "fidelity", 0, 45.0, utility=160.0)


def test_a_gain_is_the_rise_over_the_undefended_target() -> None:
    board = cells([NONE, JPEG])
    assert security_gains(board, place(JPEG)) == {0: 15.0}
    assert utility_costs(board, place(JPEG)) == {0: 60.0}
    assert security_gains(board, place(NONE)) == {0: 0.0}


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"budget": 2000},
        {"quick": True},
        {"setting": {"data": "e" * 64, "samples": 40}},
        {"track": "other"},
        {"target": "other"},
        {"samples": 41},
        {"features": "other"},
        {"features_hash": "1" * 64},
    ],
)
def test_an_undefended_target_of_another_place_is_never_paired(other: dict[str, Any]) -> None:
    board = cells([replace(NONE, **other), JPEG])
    assert security_gains(board, place(JPEG)) == {}
    assert utility_costs(board, place(JPEG)) == {}


def test_a_setting_is_the_same_whatever_the_order_of_its_values() -> None:
    other = dict(reversed(NONE.setting.items()))
    assert list(other) != list(NONE.setting)
    assert setting_hash(replace(NONE, setting=other)) == setting_hash(NONE)


def test_the_lowest_distance_of_each_seed_is_the_strongest_attacker() -> None:
    records = [
        made("jpeg", "a", 0, 50.0),
        made("jpeg", "b", 0, 40.0),
        made("jpeg", "a", 1, 30.0),
        made("jpeg", "b", 1, 60.0),
        made("jpeg", "a", 2, 20.0),
        made("jpeg", "b", 2, 20.0),
    ]
    board = cells(records)
    assert {seed: each.attack for seed, each in strongest(board.attacks[place(JPEG)]).items()} == {
        0: "b",
        1: "a",
        2: "a",
    }
    assert strengths(board.attacks[place(JPEG)]) == {0: 40.0, 1: 30.0, 2: 20.0}


def test_who_was_handed_more_than_the_budget_does_not_decide() -> None:
    refined = made("jpeg", "accuracy,counting=refined", 0, 5.0, queries_charged=1001)
    board = cells([NONE, JPEG, refined])
    assert strengths(board.attacks[place(JPEG)]) == {0: 45.0}
    # Nor does he on the other side, where he would take the gain away.
    board = cells([NONE, JPEG, replace(refined, defense="none")])
    assert security_gains(board, place(JPEG)) == {0: 15.0}


def test_an_attack_on_the_undefended_target_alone_changes_no_gain() -> None:
    before = security_gains(cells([NONE, JPEG]), place(JPEG))
    longer = made("none", "fidelity,steps=10000", 0, 10.0)
    assert security_gains(cells([NONE, longer, JPEG]), place(JPEG)) == before
    # Nor does it where the defense faced it with another seed, or beyond the budget.
    elsewhere = replace(longer, defense="jpeg", seed=1)
    assert security_gains(cells([NONE, longer, JPEG, elsewhere]), place(JPEG)) == before
    larger = replace(longer, defense="jpeg", queries_charged=9000)
    assert security_gains(cells([NONE, longer, JPEG, larger]), place(JPEG)) == before
    # It counts where both faced it.
    both = made("jpeg", "fidelity,steps=10000", 0, 45.0)
    assert security_gains(cells([NONE, longer, JPEG, both]), place(JPEG)) == {0: 35.0}


def test_an_attack_on_the_defense_alone_may_lower_its_gain_but_never_raise_it() -> None:
    for accuracy, gain in ((40.0, 10.0), (50.0, 15.0)):
        own = made("jpeg", "sybil", 0, accuracy)
        assert security_gains(cells([NONE, JPEG, own]), place(JPEG)) == {0: gain}
    # With nothing in common there is nothing to compare.
    assert security_gains(cells([NONE, own]), place(JPEG)) == {}


def test_the_records_of_a_sweep_are_those_of_its_cells() -> None:
    cell = Cell(load_track("fashion-mnist"), "none", "fidelity", 1000, 0)
    ours = replace(NONE, track="fashion-mnist")
    others = [NONE, *(replace(ours, **{key: value}) for key, value in (("seed", 1), ("attack", "x"), ("quick", True)))]
    assert recorded([cell], [ours, *others]) == [ours]


def test_records_of_two_settings_are_not_put_side_by_side() -> None:
    check_one_setting([NONE, JPEG])
    with pytest.raises(UsageError, match="of 2 settings"):
        check_one_setting([NONE, replace(JPEG, features="other")])


def test_who_has_no_figure_does_not_decide() -> None:
    silent = replace(JPEG, attack="silent", figures={"utility_fd": 160.0})
    assert strengths(cells([JPEG, silent]).attacks[place(JPEG)]) == {0: 45.0}


def test_a_cell_that_was_done_again_counts_once_with_its_later_record() -> None:
    later = replace(JPEG, id="later", created="2026-01-02T00:00:00+00:00", figures={"accuracy_fd": 70.0})
    for records in ([JPEG, later], [later, JPEG]):
        board = cells(records)
        assert board.attacks[place(JPEG)]["fidelity"] == {0: later}


@pytest.mark.parametrize(
    ("spec", "parameter", "expected"),
    [
        ("none", "", "none"),
        ("jpeg", "quality", "jpeg"),
        ("jpeg,quality=10", "quality", "jpeg"),
        ("jpeg,quality=10,codec=pillow", "quality", "jpeg,codec=pillow"),
        ("jpeg,codec=pillow", "quality", "jpeg,codec=pillow"),
        ("linear,steps=5+jpeg,quality=10", "quality", "linear,steps=5+jpeg"),
        ("linear,steps=10+jpeg,quality=10", "quality", "linear,steps=10+jpeg"),
        ("a/b.py:Mine,rest=2,level=2", "level", "a/b.py:Mine,rest=2"),
    ],
)
def test_the_family_of_a_defense_is_its_spec_without_its_strength(spec: str, parameter: str, expected: str) -> None:
    assert family(made(spec, "fidelity", 0, 1.0, strength=2.0, strength_name=parameter)) == expected


def test_who_asked_for_more_than_the_budget_does_not_decide_though_he_was_handed_less() -> None:
    """A limit that keeps him below the budget must not make his count a fair one."""
    flag = "another count: asked for 9,000 images on a budget of 1,000"
    asking = made("jpeg", "refined", 0, 31.0, queries_charged=900, flags=(flag,))
    assert security_gains(cells([NONE, JPEG, asking]), place(JPEG)) == {0: 15.0}
