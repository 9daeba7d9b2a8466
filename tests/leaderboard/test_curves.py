"""A curve runs over strengths between the two controls, and its worth is an area known in closed form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from few_records import seeds

from benchmark.record import ONE_CLIENT, Record
from leaderboard.curves import beaten_by, curves, front, share
from leaderboard.intervals import t_interval
from leaderboard.statistics import verdicts

CONTROLS = [
    *seeds("none", "fidelity", [10.0, 10.0], utilities=[1.0, 1.0]),
    *seeds("garbage", "fidelity", [1000.0, 1000.0], utilities=[100.0, 100.0]),
]


def strength(quality: int, accuracies: list[float], utilities: list[float]) -> list[Record]:
    spec = "jpeg" if quality == 50 else f"jpeg,quality={quality}"
    return seeds(spec, "fidelity", accuracies, utilities=utilities, strength=float(quality))


NOISE = seeds("noise", "fidelity", [20.0, 20.0], utilities=[90.0, 90.0], strength=0.1)
JPEG = [*strength(50, [100.0, 100.0], [10.0, 10.0]), *strength(5, [1000.0, 100.0], [50.0, 1.0])]


def test_a_curve_is_a_family_in_the_order_of_its_strengths_between_the_controls() -> None:
    found = curves(verdicts([*NOISE, *JPEG, *CONTROLS]))
    assert [curve.family for curve in found] == ["jpeg", "noise"]
    assert [point.strength for point in found[0].points] == [5.0, 50.0]
    for curve in found:
        assert curve.none
        assert curve.garbage
        assert (curve.none.defense, curve.garbage.defense) == ("none", "garbage")


def test_budgets_are_curves_of_their_own() -> None:
    other = seeds("jpeg", "fidelity", [100.0], budget=2000, strength=50.0)
    found = curves(verdicts([*JPEG, *CONTROLS, *other]))
    assert [(curve.budget, len(curve.points), curve.none is None) for curve in found] == [
        (1000, 2, False),
        (2000, 1, True),
    ]
    assert found[1].hypervolume is None


def test_the_hypervolume_is_that_of_each_seed() -> None:
    # With decades as the unit the controls are (0, 0) and (2, 2), and the whole is 4. Seed 0 has points at (1, 1) and
    # (log10 50, 2); seed 1 at (1, 1) and (0, 1).
    jpeg, noise = curves(verdicts([*NOISE, *JPEG, *CONTROLS]))
    assert jpeg.hypervolume
    expected = t_interval([(1 + (2 - 1.69897)) / 4, 2 / 4])
    assert [jpeg.hypervolume.value, jpeg.hypervolume.low] == pytest.approx([expected.value, expected.low], rel=1e-5)
    assert noise.hypervolume
    assert noise.hypervolume.value == pytest.approx(0.0457575 * 0.30103 / 4, rel=1e-5)


def test_a_seed_that_a_strength_lacks_does_not_count() -> None:
    found = curves(verdicts([*JPEG[:-1], *CONTROLS]))[0].hypervolume
    assert found
    assert found.seeds == 1


def test_the_worth_of_the_controls_and_of_the_ideal() -> None:
    none, garbage = (1.0, 10.0), (100.0, 1000.0)
    assert share([none], none, garbage) == 0
    assert share([garbage], none, garbage) == 0
    assert share([(1.0, 1000.0)], none, garbage) == pytest.approx(1)
    assert share([], none, garbage) == 0
    # Where garbage is no worse than nothing there is no plane to cover, and a distance of 0 has no logarithm.
    assert share([(5.0, 50.0)], none, none) is None
    assert share([(0.0, 50.0)], none, garbage) is None


def test_the_front_holds_both_controls_and_what_is_worth_its_cost() -> None:
    found = front(verdicts([*NOISE, *JPEG, *CONTROLS]))
    assert [verdict.defense for verdict in found] == ["none", "jpeg", "jpeg,quality=5", "garbage"]
    assert front(verdicts(NOISE)) == []


def test_what_refuses_answers_is_not_free() -> None:
    limit = seeds("query-limit", "fidelity", [500.0, 510.0], utilities=[1.0, 1.0])
    free = verdicts([*limit, *CONTROLS])
    assert "query-limit" in [verdict.defense for verdict in front(free)]
    refusing = [replace(each, figures=each.figures | {"utility_refused": 0.9}) for each in limit]
    judged = verdicts([*refusing, *JPEG, *CONTROLS])
    assert [verdict.defense for verdict in front(judged)] == ["none", "jpeg", "jpeg,quality=5", "garbage"]
    worth = {curve.family: curve.hypervolume for curve in curves(judged)}
    assert worth["query-limit"] is None
    assert worth["jpeg"] is not None


def test_a_defense_is_beaten_beyond_the_noise_only() -> None:
    def defense(name: str, accuracies: list[float], utilities: list[float]) -> list[Record]:
        return seeds(name, "fidelity", accuracies, utilities=utilities)

    none = defense("none", [10.0, 20.0, 30.0], [1.0, 1.0, 1.0])
    # All three rise and fall with the seed, so that differences are sharp where means are not.
    poor = defense("poor", [50.0, 60.0, 70.0], [9.0, 9.1, 9.2])
    better = defense("better", [52.0, 62.1, 72.0], [8.0, 8.1, 8.25])
    lucky = defense("lucky", [90.0, 20.0, 99.0], [8.0, 8.1, 8.25])
    found = {each.defense: each for each in verdicts([*none, *poor, *better, *lucky])}
    assert [each.defense for each in beaten_by(found["poor"], [*found.values()])] == ["better"]
    for name in ("none", "better", "lucky"):
        assert beaten_by(found[name], [*found.values()]) == []
    limited = [replace(each, figures=each.figures | {"utility_refused": 0.5}) for each in better]
    found = {each.defense: each for each in verdicts([*none, *poor, *limited])}
    assert beaten_by(found["poor"], [*found.values()]) == []


def test_an_attacker_of_the_undefended_target_alone_makes_no_defense_worth_more() -> None:
    strong = seeds("none", "accuracy", [5.0, 5.0], utilities=[1.0, 1.0])
    before, after = (curves(verdicts([*records, *CONTROLS]))[0].hypervolume for records in ([*JPEG], [*JPEG, *strong]))
    assert before == after


def test_a_strength_that_fewer_attackers_tried_is_worth_no_more_for_it() -> None:
    tried = [strength(each, [500.0, 500.0], [utility, utility]) for each, utility in ((50, 10.0), (5, 50.0))]
    naive = [*tried[0], *tried[1], *CONTROLS]

    def purified(quality: int, accuracy: float) -> list[Record]:
        return [
            replace(each, attack="purify", id=f"purify {each.id}", figures=each.figures | {"accuracy_fd": accuracy})
            for each in tried[quality == 5]
        ]

    both, one = [*naive, *purified(50, 20.0), *purified(5, 30.0)], [*naive, *purified(50, 20.0)]
    worth = [curves(verdicts(records))[0].hypervolume for records in (one, both, naive)]
    assert all(each is not None for each in worth)
    assert worth[0].value < worth[1].value < worth[2].value
    assert [each.defense for each in front(verdicts(both))] == ["none", "jpeg", "jpeg,quality=5", "garbage"]
    # Of the stronger one nobody knows what the attacker would make who was the best against the weaker one.
    assert [each.defense for each in front(verdicts(one))] == ["none", "jpeg", "garbage"]
    # With one seed he was tried on both, with the other on one.
    half = [*one, *(each for each in purified(5, 30.0) if each.seed == 0)]
    assert [each.defense for each in front(verdicts(half))] == ["none", "jpeg", "garbage"]


def test_what_nobody_attacked_who_knows_it_is_not_set_beside_what_somebody_did() -> None:
    known = [
        replace(each, attack="through", knowledge="answers, the defense", id=f"through {each.id}")
        for each in [*strength(50, [90.0, 90.0], [10.0, 10.0]), *CONTROLS[2:]]
    ]
    wild = seeds("wild", "fidelity", [900.0, 900.0], utilities=[5.0, 5.0])
    assert [each.defense for each in front(verdicts([*JPEG[:2], *wild, *CONTROLS]))] == ["none", "wild", "garbage"]
    judged = verdicts([*JPEG[:2], *wild, *CONTROLS, *known])
    assert [each.defense for each in front(judged)] == ["none", "jpeg", "garbage"]
    worth = {curve.family: curve.hypervolume for curve in curves(judged)}
    assert worth["jpeg"] is not None
    assert worth["wild"] is None
    # With every seed.
    once = replace(wild[0], attack="through", knowledge="answers, the defense", id="through wild")
    judged = verdicts([*JPEG[:2], *wild, *CONTROLS, *known, once])
    assert [each.defense for each in front(judged)] == ["none", "jpeg", "garbage"]


def test_what_just_looks_strong_for_want_of_attackers_beats_nothing() -> None:
    poor = seeds("poor", "fidelity", [50.0, 51.0], utilities=[9.0, 9.1])
    better = seeds("better", "fidelity", [60.0, 61.01], utilities=[8.0, 8.11])

    def rivals(*more: Record) -> list[str]:
        judged = verdicts([*poor, *better, *CONTROLS, *more])
        (found,) = (each for each in judged if each.defense == "poor")
        return [each.defense for each in beaten_by(found, judged)]

    def informed(records: list[Record], accuracy_fd: float) -> list[Record]:
        return [
            replace(
                each,
                id=f"through {each.id}",
                attack="through",
                knowledge="answers, the defense",
                figures=each.figures | {"accuracy_fd": accuracy_fd + each.seed},
            )
            for each in records
        ]

    assert rivals() == ["better"]
    assert rivals(*informed(poor, 40.0)) == []
    assert rivals(*informed(poor, 40.0), *informed(better, 20.0)) == []
    assert rivals(*informed(poor, 40.0), *informed(better, 55.01)) == ["better"]


def test_what_goes_by_the_images_of_a_client_counts_once_several_have_attacked_it() -> None:
    single = [replace(each, flags=(ONE_CLIENT,)) for each in JPEG]
    assert [each.defense for each in front(verdicts([*single, *CONTROLS]))] == ["none", "garbage"]
    assert curves(verdicts([*single, *CONTROLS]))[0].hypervolume is None
    several = [
        replace(each, attack="sybil", knowledge="answers, 10 clients", id=f"sybil {each.id}", flags=()) for each in JPEG
    ]
    met = verdicts([*single, *several, *CONTROLS])
    assert [each.defense for each in front(met)] == [each.defense for each in front(verdicts([*JPEG, *CONTROLS]))]
    assert curves(met)[0].hypervolume == curves(verdicts([*JPEG, *CONTROLS]))[0].hypervolume
    # With every seed.
    assert [each.defense for each in front(verdicts([*single, *several[::2], *CONTROLS]))] == ["none", "garbage"]
