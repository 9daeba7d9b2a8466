"""Claimed figures beside those of a re-run: exact on the same machine, within prediction intervals on another."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from made_records import record
from scipy import stats

from benchmark.record import Record
from leaderboard.agreement import Pair, compare_row, rows
from leaderboard.intervals import prediction_interval

SEEDS = (0, 1, 2)


def found(values: dict[int, float]) -> list[Record]:
    made = [record("noise", 0.1, 0.5, "fidelity", 50_000, seed) for seed in values]
    return [replace(each, figures={"accuracy_fd": values[each.seed]}) for each in made]


def problems(claimed: dict[int, float], again: dict[int, float], *, same: bool) -> list[str]:
    pairs = [Pair(*both) for both in zip(found(claimed), found(again), strict=True)]
    return [text for verdict in compare_row(pairs, same_environment=same) for text in verdict.problems]


AGAIN = {0: 100.0, 1: 104.0, 2: 98.0}


def test_the_interval_of_one_value_more_is_that_of_the_textbook() -> None:
    values = list(AGAIN.values())
    interval = prediction_interval(values)
    reach = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(4 / 3)
    assert (interval.low, interval.high) == pytest.approx((np.mean(values) - reach, np.mean(values) + reach))


def test_it_holds_19_of_20_new_values() -> None:
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    intervals = [prediction_interval(row[:3]) for row in draws]
    held = np.mean([each.low <= row[3] <= each.high for each, row in zip(intervals, draws, strict=True)])
    assert held == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))


def test_the_interval_of_the_mean_of_more_values_is_that_of_two_samples_of_one_variance() -> None:
    values = list(AGAIN.values())
    interval = prediction_interval(values, 3)
    reach = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(1 / 3 + 1 / 3)
    assert (interval.low, interval.high) == pytest.approx((np.mean(values) - reach, np.mean(values) + reach))


def test_it_holds_19_of_20_new_means() -> None:
    draws = np.random.default_rng(0).normal(size=(4000, 6))
    intervals = [prediction_interval(row[:3], 3) for row in draws]
    held = np.mean([each.low <= row[3:].mean() <= each.high for each, row in zip(intervals, draws, strict=True)])
    assert held == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))


@pytest.mark.parametrize("sign", [-1, 1])
def test_all_seeds_cannot_be_shifted_as_far_as_one_may_be(sign: int) -> None:
    again = {seed: 100 + sign * away for seed, away in enumerate((1.0, 1.0, -2.0))}
    spread = float(np.std([*again.values()], ddof=1))

    def told(shift: float) -> list[str]:
        return problems({seed: value + sign * shift * spread for seed, value in again.items()}, again, same=False)

    (line,) = told(4)
    assert line.startswith("noise against fidelity: the mean of accuracy_fd over seeds is ")
    assert told(3.4) == []
    assert len(told(5)) == 2, "where single figures say it, the mean does not say it again"


def test_a_shift_that_scatters_does_not_hide() -> None:
    """It would widen an interval of differences, but not that of the re-run."""
    again = {0: 99.0, 1: 100.0, 2: 101.0}
    claimed = {0: 99 + 4.9, 1: 100 + 2.0, 2: 101 + 3.9}
    differences = np.subtract([*claimed.values()], [*again.values()])
    assert stats.ttest_1samp(differences, 0).pvalue > 0.05
    (line,) = problems(claimed, again, same=False)
    assert "the mean of accuracy_fd" in line


def test_what_rounding_does_to_all_seeds_alike_is_no_false_claim() -> None:
    """Where the seeds of both runs share what they draw: a test of the differences would find it."""
    claimed = {seed: 1.001 * value for seed, value in AGAIN.items()}
    assert problems(claimed, AGAIN, same=False) == []


def test_honest_rows_are_refused_as_often_as_the_protocol_says() -> None:
    draws = np.random.default_rng(0).normal(100, 1, (1000, 2, 3))
    told = [problems(*(dict(enumerate(map(float, side))) for side in row), same=False) for row in draws]
    assert np.mean([bool(lines) for lines in told]) == pytest.approx(0.105, abs=4 * np.sqrt(0.105 * 0.895 / 1000))
    assert np.mean([any("mean" in line for line in lines) for lines in told]) < 0.01


@pytest.mark.parametrize("same", [True, False])
def test_what_is_equal_agrees(same: bool) -> None:
    assert problems(AGAIN, AGAIN, same=same) == []


def test_on_the_same_machine_the_last_digit_counts() -> None:
    claimed = AGAIN | {1: float(np.nextafter(104.0, 200))}
    (line,) = problems(claimed, AGAIN, same=True)
    assert line.startswith("noise against fidelity, seed 1: accuracy_fd is 104.0000")
    assert problems(claimed, AGAIN, same=False) == []


def test_another_device_is_another_machine() -> None:
    ours, theirs = found(AGAIN | {1: 104.1}), found(AGAIN)
    pairs = [Pair(replace(each, device="cpu: another"), again) for each, again in zip(ours, theirs, strict=True)]
    assert [verdict.exact for verdict in compare_row(pairs, same_environment=True)] == [False] * 3
    assert not [each for each in compare_row(pairs, same_environment=True) if each.problems]


def test_a_gpu_gives_no_last_digit_twice() -> None:
    """Its sums are in an order of its own: an honest entry must not be refused for that."""
    ours, theirs = (
        [replace(each, device="cuda: one") for each in found(values)] for values in (AGAIN | {1: 104.1}, AGAIN)
    )
    agreements = compare_row([Pair(*both) for both in zip(ours, theirs, strict=True)], same_environment=True)
    assert [(each.exact, each.problems) for each in agreements] == [(False, ())] * 3


def test_trained_beside_others_no_last_digit_counts() -> None:
    claimed, again = (found({0: value, 1: 104.0, 2: 98.0}) for value in (100.001, 100.0))
    beside = [replace(each, trainings=({"together": {"members": 3, "precision": "float32"}},)) for each in claimed]
    pairs = [Pair(*both) for both in zip(beside, again, strict=True)]
    told = [text for verdict in compare_row(pairs, same_environment=True) for text in verdict.problems]
    assert not told
    assert len(problems({0: 100.001, 1: 104.0, 2: 98.0}, AGAIN, same=True)) == 1


@pytest.mark.parametrize("factor", [0.5, 2, 1e6])
def test_one_figure_far_off_is_found_on_another_machine(factor: float) -> None:
    """It must not widen the interval that it is held to."""
    (line,) = problems(AGAIN | {2: factor * AGAIN[2]}, AGAIN, same=False)
    assert "seed 2: accuracy_fd" in line


def test_equal_seeds_leave_room_for_rounding_alone() -> None:
    again = dict.fromkeys(SEEDS, 0.25)
    assert problems(again | {0: 0.250001}, again, same=False) == []
    assert len(problems(again | {0: 0.2501}, again, same=False)) == 1


@pytest.mark.parametrize("same", [True, False])
def test_a_figure_that_only_one_of_them_has_disagrees(same: bool) -> None:
    ours, theirs = found(AGAIN), found(AGAIN)
    ours[0] = replace(ours[0], figures={})
    agreements = compare_row([Pair(*both) for both in zip(ours, theirs, strict=True)], same_environment=same)
    assert [len(each.problems) for each in agreements] == [1, 0, 0]
    assert "absent" in agreements[0].problems[0]
    assert [each.agreeing for each in agreements] == [0, 1, 1]


@pytest.mark.parametrize(
    ("changes", "everywhere"),
    [
        ({"knowledge": "nothing"}, True),
        ({"queries_charged": 1}, True),
        ({"strength": 0.2}, True),
        ({"flags": ("trust me",)}, False),
        ({"queries_kept": 1}, False),
        ({"trainings": ({"restarts": 5},)}, False),
    ],
)
def test_what_else_a_record_states_is_held_to_too(changes: dict, everywhere: bool) -> None:
    ours, theirs = found(AGAIN), found(AGAIN)
    pairs = [Pair(replace(each, **changes), again) for each, again in zip(ours, theirs, strict=True)]
    counts = [sum(len(v.problems) for v in compare_row(pairs, same_environment=same)) for same in (True, False)]
    assert counts == [3, 3 if everywhere else 0]


FREE = {
    *("id", "code", "created", "seconds", "attack_seconds", "peak_memory", "device", "threads", "versions"),
    # Compared by other rules, not of submissions, or one alone that can be read.
    *("figures", "metrics", "schema"),
}
"""Fields of a record that may differ, or that other tests are about."""


def another(value: object) -> object:
    """Something else of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return {dict: {"another": 1.0}, tuple: ("another",)}.get(type(value), "another")


@pytest.mark.parametrize("field", sorted({each.name for each in fields(Record)} - FREE))
def test_nothing_that_determines_a_figure_may_differ(field: str) -> None:
    ours, theirs = found(AGAIN), found(AGAIN)
    changed = [replace(each, **{field: another(getattr(each, field))}) for each in ours]
    pairs = [Pair(each, again) for each, again in zip(changed, theirs, strict=True)]
    assert all(verdict.problems for verdict in compare_row(pairs, same_environment=True))


def test_times_are_nobodys_claim() -> None:
    ours, theirs = found(AGAIN), found(AGAIN)
    history = ({"history": [{"step": 1, "seconds": 1.0}]},)
    slower = ({"history": [{"step": 1, "seconds": 9.0}]},)
    pairs = [
        Pair(replace(each, trainings=history, seconds=1.0), replace(again, trainings=slower, seconds=9.0))
        for each, again in zip(ours, theirs, strict=True)
    ]
    assert not [each for each in compare_row(pairs, same_environment=True) if each.problems]


def test_a_row_is_of_one_defense_and_one_attack() -> None:
    made = [
        record(spec, 0.1, 0.5, attack, 50_000, seed)
        for seed in SEEDS
        for spec in ("none", "noise")
        for attack in ("fidelity", "accuracy")
    ]
    found_rows = list(rows([Pair(each, each) for each in made]))
    assert [[pair.found.seed for pair in row] for row in found_rows] == [[0, 1, 2]] * 4
