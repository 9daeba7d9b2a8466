"""Two defenses side by side: differences are paired by seed, and nothing is called better within the noise."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_records import HOSTILE, board, record
from scipy import stats

from benchmark import cli
from benchmark.errors import UsageError
from benchmark.record import Record
from leaderboard.compare import Line, compare, show
from leaderboard.intervals import paired, t_interval


def made(defense: str, accuracies: Sequence[float], attack: str = "fidelity", budget: int = 1_000) -> list[Record]:
    """One record per seed, of given accuracy_fd."""
    records = [record(defense, None, 0.2, attack, budget, seed) for seed in range(len(accuracies))]
    return [
        replace(each, figures=each.figures | {"accuracy_fd": value})
        for each, value in zip(records, accuracies, strict=True)
    ]


def line(records: list[Record], block: str, title: str) -> Line:
    (comparison,) = compare(records, "a", "b")
    (found,) = [each for each in comparison.blocks if block in each.title]
    return next(each for each in found.lines if each.title == title)


def test_a_difference_is_that_of_a_paired_t_test() -> None:
    first, second = [300.0, 320.0, 350.0], [311.0, 330.0, 363.0]
    found = line(made("a", first) + made("b", second), "by fidelity", "FD to the training set").difference
    interval = stats.ttest_rel(second, first).confidence_interval(0.95)
    assert found is not None
    np.testing.assert_allclose([found.value, found.low, found.high], [34 / 3, interval.low, interval.high])


def test_each_figure_has_its_interval_beside_that_of_the_difference(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [300.0, 320.0, 350.0], [311.0, 330.0, 363.0]
    found = compare(made("a", first) + made("b", second), "a", "b")
    halves = [stats.sem(each) * stats.t.ppf(0.975, 2) for each in (first, second, np.subtract(second, first))]
    means = (323.33, 334.67, 11.33)
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        show(found, "a", "b")
        _, _, told = capsys.readouterr().out.partition("stolen by fidelity")
        line = next(line for line in told.splitlines() if "FD to the training set" in line)
        assert [(float(mean), float(half)) for mean, half in re.findall(r"([\d.]+) ±([\d.]+)", line)] == [
            (pytest.approx(mean, abs=0.5), pytest.approx(half, rel=0.05))
            for mean, half in zip(means, halves, strict=True)
        ]
        assert line.endswith("  B")


def test_a_figure_that_finds_no_room_wraps_before_its_interval(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    first, second = [1000.001, 1000.002, 1000.004], [2000.001, 2000.003, 2000.004]
    show(compare(made("a", first) + made("b", second), "a", "b"), "a", "b")
    lines = capsys.readouterr().out.splitlines()
    means, halves = next(pair for pair in pairwise(lines) if "1,000.002" in pair[0])
    assert max(map(len, lines)) <= 80
    assert means.split()[-4:] == ["1,000.0023", "2,000.0027", "+1,000.0003", "B"]
    assert halves.split() == ["±0.0038", "±0.0038", "±0.0014"]


def test_better_is_said_beyond_the_noise_only_and_for_whoever_defends() -> None:
    clear, noisy = [311.0, 330.0, 363.0], [200.0, 420.0, 351.0]
    first = made("a", [300.0, 320.0, 350.0])
    assert line(first + made("b", clear), "by fidelity", "FD to the training set").better == 1
    assert line(first + made("b", noisy), "by fidelity", "FD to the training set").better is None
    cheap = [replace(each, figures=each.figures | {"utility_fd": 1.0 + each.seed / 100}) for each in made("b", clear)]
    dear = [replace(each, figures=each.figures | {"utility_fd": 9.0 + each.seed / 99}) for each in first]
    assert line(dear + cheap, "users", "FD to the training set").better == 1


def test_one_seed_has_a_difference_without_an_interval() -> None:
    found = line(made("a", [300.0]) + made("b", [400.0]), "by fidelity", "FD to the training set")
    assert found.difference is not None
    assert found.difference.value == 100
    assert found.better is None


def test_the_strongest_attacker_of_each_seed_is_compared() -> None:
    first = made("a", [300.0, 320.0]) + made("a", [310.0, 290.0], attack="accuracy")
    second = made("b", [400.0, 420.0]) + made("b", [410.0, 450.0], attack="accuracy")
    found = line(first + second, "strongest", "FD to the training set")
    assert found.first is not None
    assert (found.first.value, found.second and found.second.value) == ((300 + 290) / 2, 410)


def test_attackers_of_one_defense_alone_do_not_make_it_look_weaker() -> None:
    first = made("a", [300.0, 320.0]) + made("a", [10.0, 20.0], attack="accuracy")
    # The other faced him with one seed only.
    second = made("b", [300.0, 320.0]) + made("b", [10.0], attack="accuracy")
    found = line(first + second, "strongest", "FD to the training set")
    assert found.first == found.second == t_interval([10.0, 320.0])


def test_each_is_judged_over_the_undefended_target_with_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    records = made("none", [290.0, 300.0]) + made("a", [300.0, 320.0]) + made("b", [330.0, 351.0])
    (comparison,) = found = compare(records, "a", "b")
    gain, cost = comparison.blocks[0].lines
    assert gain.first == paired({0: 300.0, 1: 320.0}, {0: 290.0, 1: 300.0})
    assert gain.difference == paired({0: 330.0, 1: 351.0}, {0: 300.0, 1: 320.0})
    assert cost.difference is not None
    assert cost.difference.value == 0
    show(found, "a", "b")
    out = capsys.readouterr().out
    for name in "AB":
        assert f"{name}: the strongest attacker was fidelity, who knew: answers\n" in out
        assert f"{name}: no attacker knows the defense (seeds 0, 1)\n" in out


def test_without_the_undefended_target_there_is_no_judgement() -> None:
    (comparison,) = compare(made("a", [300.0]) + made("b", [400.0]), "a", "b")
    assert "the judgement" not in [block.title for block in comparison.blocks]


def test_labels_of_figures_stand_in_one_line_of_80(capsys: pytest.CaptureFixture[str]) -> None:
    records = board(budgets=[50_000])
    show(compare(records, "noise", "jpeg"), "noise", "jpeg")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for label in (
        "PSNR to the undefended, dB ↑",
        "FD to the training set ↓",
        "KID to the training set ↑",
        "security gain ↑",
    ):
        assert any(line.strip().startswith(f"{label} ") for line in lines), label


def test_only_budgets_and_attacks_of_both_are_compared() -> None:
    records = made("a", [1.0, 2.0]) + made("a", [1.0], budget=5_000) + made("b", [3.0, 2.5])
    (comparison,) = compare(records, "a", "b")
    assert comparison.budget == 1_000
    with pytest.raises(UsageError, match="no budget in common"):
        compare(made("a", [1.0]) + made("b", [1.0], budget=5_000), "a", "b")
    with pytest.raises(UsageError, match=r"unknown defense among the records 'nois'; did you mean 'noise'"):
        compare(board(budgets=[1_000], seeds=[0]), "nois", "none")


def test_names_of_plugins_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = f"[red]{HOSTILE}[/red][/b]"
    show(compare(made("a", [1.0, 2.0]) + made(hostile, [3.0, 4.5]), "a", hostile), "a", hostile)
    assert hostile in capsys.readouterr().out


def test_the_command_takes_any_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in board(budgets=[1_000, 50_000], seeds=[0, 1]):
        each.save(tmp_path / "records")
    monkeypatch.setattr(sys, "argv", ["b", "compare", "none", "jpeg,quality=50", "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as status:
        cli.main()
    out = capsys.readouterr().out
    assert status.value.code == 0
    assert out.index("1,000 queries") < out.index("50,000 queries")
    assert "A: none\nB: jpeg\n" in out
    assert max(map(len, out.splitlines())) <= 80


def test_without_records_one_is_told_to_make_some() -> None:
    quick = [replace(each, quick=True) for each in made("a", [300.0])]
    for records in ([], quick):
        with pytest.raises(UsageError, match="there are no records yet .*run or sweep first"):
            compare(records, "a", "b")
