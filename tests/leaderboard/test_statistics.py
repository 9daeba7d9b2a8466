"""Rows over seeds, and verdicts by the strongest attacker."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from few_records import made, seeds

from benchmark.record import Record
from leaderboard.intervals import Interval, t_interval
from leaderboard.statistics import Row, Verdict, summarise, verdicts

KNOWING = "answers, the defense"
PLAIN = [
    *seeds("none", "fidelity", [30.0, 35.0, 40.0], utilities=[100.0, 104.0, 102.0]),
    *seeds("none", "accuracy", [36.0, 29.0, 38.0], utilities=[100.0, 104.0, 102.0]),
]
JPEG = {"strength": 10.0, "utilities": [150.0, 152.0, 160.0]}
DEFENDED = [
    *seeds("jpeg,quality=10", "fidelity", [70.0, 74.0, 76.0], **JPEG),
    *seeds("jpeg,quality=10", "accuracy", [60.0, 62.0, 64.0], knowledge="answers, discriminator", **JPEG),
    *seeds("jpeg,quality=10", "through", [61.0, 55.0, 63.0], knowledge=KNOWING, **JPEG),
]


def row(records: list[Record], defense: str, attack: str) -> Row:
    return next(each for each in summarise(records) if (each.defense, each.attack) == (defense, attack))


def verdict(records: list[Record], defense: str, budget: int = 1000) -> Verdict:
    return next(each for each in verdicts(records) if (each.defense, each.budget) == (defense, budget))


def near(found: Interval | None, expected: Interval) -> bool:
    assert found is not None
    assert found.seeds == expected.seeds
    return [found.value, found.low, found.high] == pytest.approx([expected.value, expected.low, expected.high])


@pytest.mark.parametrize("of", [summarise, verdicts])
def test_the_order_of_the_records_does_not_matter(of: Callable[[list[Record]], list[object]]) -> None:
    records = [*PLAIN, *DEFENDED]
    expected = of(records)
    for shuffle in range(5):
        random.Random(shuffle).shuffle(records)
        assert of(records) == expected


def test_a_row_is_of_one_attacker_over_all_seeds() -> None:
    found = row([*PLAIN, *DEFENDED], "jpeg,quality=10", "accuracy")
    assert (found.family, found.strength, found.knowledge) == ("jpeg", 10.0, "answers, discriminator")
    assert found.records == tuple(f"jpeg,quality=10/accuracy/1000/{seed}" for seed in range(3))
    assert near(found.figures["accuracy_fd"], t_interval([60.0, 62.0, 64.0]))
    assert near(found.figures["seconds"], t_interval([2.5] * 3))
    assert near(found.security_gain, t_interval([24.0, 33.0, 26.0]))
    assert near(found.utility_cost, t_interval([50.0, 48.0, 58.0]))


def test_the_verdict_is_that_of_the_strongest_attacker_of_each_seed_on_both_sides() -> None:
    found = verdict([*PLAIN, *DEFENDED], "jpeg,quality=10")
    assert near(found.accuracy, t_interval([60.0, 55.0, 63.0]))
    assert near(found.security_gain, t_interval([60.0 - 30.0, 55.0 - 29.0, 63.0 - 38.0]))
    assert near(found.utility_cost, t_interval([50.0, 48.0, 58.0]))
    assert (found.strongest, found.knowledge) == ("through", KNOWING)
    assert [outcome.attack for outcome in found.by_seed.values()] == ["accuracy", "through", "through"]
    assert [outcome.security_gain for outcome in found.by_seed.values()] == [30.0, 26.0, 25.0]
    assert len(found.records) == 9


def test_a_stronger_attacker_lowers_the_gain_and_a_weaker_one_changes_nothing() -> None:
    records = [*PLAIN, *DEFENDED]
    before = verdict(records, "jpeg,quality=10")
    weaker = seeds("jpeg,quality=10", "weaker", [900.0, 900.0, 900.0], **JPEG)
    assert verdict([*records, *weaker], "jpeg,quality=10").security_gain == before.security_gain
    stronger = seeds("jpeg,quality=10", "stronger", [40.0, 41.0, 42.0], **JPEG)
    assert near(verdict([*records, *stronger], "jpeg,quality=10").security_gain, t_interval([10.0, 12.0, 4.0]))


def test_permuting_the_seeds_of_the_undefended_target_changes_the_interval() -> None:
    plain = seeds("none", "fidelity", [10.0, 20.0, 30.0])
    defended = seeds("jpeg", "fidelity", [15.0, 25.5, 35.0])
    permuted = [replace(each, seed=(each.seed + 1) % 3) for each in plain]
    for of in (lambda records: row(records, "jpeg", "fidelity"), lambda records: verdict(records, "jpeg")):
        before, after = of([*plain, *defended]).security_gain, of([*permuted, *defended]).security_gain
        assert before
        assert after
        assert before.value == pytest.approx(after.value)
        assert after.width > 10 * before.width


def test_missing_partners_give_nothing() -> None:
    for records in (DEFENDED, [*(replace(each, budget=2000) for each in PLAIN), *DEFENDED]):
        found = verdict(records, "jpeg,quality=10")
        assert (found.security_gain, found.utility_cost) == (None, None)
        assert {outcome.security_gain for outcome in found.by_seed.values()} == {None}
        assert row(records, "jpeg,quality=10", "fidelity").security_gain is None
    # One seed of the undefended target is missing: the others are paired.
    partial = [each for each in PLAIN if each.seed != 1]
    assert near(verdict([*partial, *DEFENDED], "jpeg,quality=10").security_gain, t_interval([30.0, 25.0]))
    # The undefended target never saw this attack; it has a gain in the verdict, but none over itself.
    assert row([*PLAIN, *DEFENDED], "jpeg,quality=10", "through").security_gain is None


def test_one_seed_has_no_interval() -> None:
    records = [each for each in [*PLAIN, *DEFENDED] if each.seed == 0]
    gain = verdict(records, "jpeg,quality=10").security_gain
    assert gain is not None
    assert (gain.value, gain.seeds) == (30.0, 1)
    assert math.isnan(gain.low)


def test_a_figure_that_some_seeds_lack_is_of_the_others() -> None:
    records = seeds("jpeg", "fidelity", [1.0, 2.0, 3.0])
    records[0] = replace(records[0], figures=records[0].figures | {"utility_ssim": 0.5})
    found = row(records, "jpeg", "fidelity").figures
    assert (found["utility_ssim"].value, found["utility_ssim"].seeds, found["accuracy_fd"].seeds) == (0.5, 1, 3)
    assert "utility_psnr" not in found


def test_defenses_rank_by_their_strongest_attacker_not_by_the_mean() -> None:
    records = [
        *seeds("none", "a", [10.0, 10.0]),
        # On average the better defense, by 500; but someone gets through.
        *seeds("broken", "a", [1000.0, 1000.0]),
        *seeds("broken", "b", [11.0, 12.0]),
        *seeds("sound", "a", [20.0, 20.0]),
        *seeds("sound", "b", [21.0, 20.0]),
    ]
    assert [each.defense for each in verdicts(records)] == ["sound", "broken", "none"]


def test_who_counts_another_way_has_a_row_but_no_say() -> None:
    flag = "another count: handed 9,000 images on a budget of 1,000"
    refined = seeds("jpeg,quality=10", "refined", [1.0, 1.0, 1.0], queries_charged=9000, flags=(flag,), **JPEG)
    records = [*PLAIN, *DEFENDED]
    assert verdict([*records, *refined], "jpeg,quality=10") == verdict(records, "jpeg,quality=10")
    assert row([*records, *refined], "jpeg,quality=10", "refined").flags[0] == f"{flag} (seeds 0, 1, 2)"
    assert verdicts(refined) == []


def test_quick_records_and_other_settings_stay_apart() -> None:
    assert summarise([replace(each, quick=True) for each in PLAIN]) == []
    other = [replace(each, features_hash="1" * 64) for each in PLAIN]
    found = verdicts([*other, *DEFENDED])
    assert len({each.setting for each in found}) == 2
    assert verdict([*other, *DEFENDED], "jpeg,quality=10").security_gain is None


def test_the_verdict_bears_the_flags_of_all_attackers() -> None:
    records = [*PLAIN, *DEFENDED]
    records[-1] = replace(records[-1], flags=("diverged at step 300",))
    found = verdict(records, "jpeg,quality=10")
    assert found.flags == ("through: diverged at step 300 (seed 2)",)
    assert row(records, "jpeg,quality=10", "through").flags == ("diverged at step 300 (seed 2)",)
    assert row(records, "jpeg,quality=10", "fidelity").flags == ()


def test_the_strongest_attacker_is_so_with_most_seeds_then_by_its_mean() -> None:
    records = [*seeds("jpeg", "a", [10.0, 20.0]), *seeds("jpeg", "b", [20.0, 5.0])]
    assert verdict(records, "jpeg").strongest == "b"
    records += [made("jpeg", "a", 2, 90.0), made("jpeg", "b", 2, 91.0)]
    assert verdict(records, "jpeg").strongest == "a"
