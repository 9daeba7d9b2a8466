"""Each flag appears where it must, and is silent within the noise and where there is no interval."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from few_records import made, seeds

from benchmark.interfaces import ThreatModel
from benchmark.record import ONE_CLIENT, Record
from leaderboard import flags
from leaderboard.cells import BUT_ITS_STRENGTH, THE_DEFENSE, cells, place
from leaderboard.intervals import t_interval

KNOWING = "answers, the defense"


def attacker_flags(records: list[Record], defense: str, attack: str, budget: int = 1000) -> list[str]:
    found = next(each for each in records if (each.defense, each.attack, each.budget) == (defense, attack, budget))
    return flags.of_attacker(cells(records), place(found), attack)


def defense_flags(records: list[Record], defense: str, budget: int = 1000) -> list[str]:
    found = next(each for each in records if (each.defense, each.budget) == (defense, budget))
    return flags.of_defense(cells(records), place(found))


def test_more_budget_made_the_attacker_worse() -> None:
    less = seeds("none", "fidelity", [30.0, 32.0, 31.0], budget=1000)
    least = seeds("none", "fidelity", [20.0, 22.0, 21.0], budget=500)
    worse = seeds("none", "fidelity", [40.0, 42.1, 41.0], budget=2000)
    flag = "more budget made the attacker worse: accuracy_fd is 20 above that of 500 queries"
    assert attacker_flags([*less, *least, *worse], "none", "fidelity", 2000) == [flag]
    # The one on the least budget is the best, so it has none.
    assert attacker_flags([*less, *least, *worse], "none", "fidelity", 500) == []
    assert flag.replace("the attacker", "the strongest attacker") in defense_flags(
        [*less, *least, *worse], "none", 2000
    )


@pytest.mark.parametrize("more", [[40.0, 25.0, 31.0], [20.0, 22.1, 21.0]], ids=["within the noise", "better"])
def test_more_budget_did_not_make_the_attacker_worse(more: list[float]) -> None:
    less = seeds("none", "fidelity", [30.0, 32.0, 31.0])
    records = [*less, *seeds("none", "fidelity", more, budget=2000)]
    assert attacker_flags(records, "none", "fidelity", 2000) == []
    # Nor is the smaller budget to blame that the larger one is better.
    assert attacker_flags(records, "none", "fidelity", 1000) == []
    assert defense_flags(records, "none", 1000) == []


def test_attacks_that_the_larger_budget_was_spared_do_not_make_it_look_worse() -> None:
    less = [*seeds("none", "fidelity", [30.0, 32.0, 31.0]), *seeds("none", "accuracy", [10.0, 12.0, 11.0])]
    more = seeds("none", "fidelity", [29.0, 31.1, 30.0], budget=2000)
    assert defense_flags([*less, *more], "none", 2000) == []


def test_one_seed_tells_nothing_of_noise() -> None:
    records = [made("none", "fidelity", 0, 30.0), made("none", "fidelity", 0, 300.0, budget=2000)]
    assert attacker_flags(records, "none", "fidelity", 2000) == []


def test_budgets_of_other_defenses_and_settings_say_nothing() -> None:
    more = seeds("jpeg", "fidelity", [40.0, 42.0, 41.0], budget=2000)
    less = seeds("jpeg", "fidelity", [30.0, 32.0, 31.0])
    assert attacker_flags([*more, *less], "jpeg", "fidelity", 2000)
    for other in ({"defense": "noise"}, {"features": "other"}):
        assert attacker_flags([*more, *(replace(each, **other) for each in less)], "jpeg", "fidelity", 2000) == []


def test_who_knows_the_defense_is_weaker_than_who_does_not() -> None:
    naive = seeds("jpeg", "fidelity", [30.0, 32.0, 31.0])
    knowing = seeds("jpeg", "through", [35.0, 37.1, 36.0], knowledge=KNOWING)
    flag = "an attacker who knows the defense is weaker than one who does not: by 5.03 in accuracy_fd"
    assert attacker_flags([*naive, *knowing], "jpeg", "through") == [flag]
    assert attacker_flags([*naive, *knowing], "jpeg", "fidelity") == []
    assert flag in defense_flags([*naive, *knowing], "jpeg")
    # Of those who know, the strongest speaks for the defense.
    strong = seeds("jpeg", "purify", [20.0, 22.0, 21.0], knowledge=KNOWING)
    assert flag not in defense_flags([*naive, *knowing, *strong], "jpeg")


def test_who_knows_the_defense_may_be_weaker_within_the_noise() -> None:
    naive = seeds("jpeg", "fidelity", [30.0, 32.0, 31.0])
    knowing = seeds("jpeg", "through", [41.0, 30.0, 32.0], knowledge=KNOWING)
    assert attacker_flags([*naive, *knowing], "jpeg", "through") == []


def test_who_knows_the_defense_may_be_weaker_than_who_knows_something_else() -> None:
    other = seeds("jpeg", "accuracy", [20.0, 22.0, 21.0], knowledge="answers, discriminator")
    knowing = seeds("jpeg", "through", [35.0, 37.0, 36.0], knowledge=KNOWING)
    assert attacker_flags([*other, *knowing], "jpeg", "through") == []
    both = [replace(each, knowledge="answers, discriminator, the defense") for each in knowing]
    assert attacker_flags([*other, *both], "jpeg", "through") != []
    # One who counts another way is no rival either: he had a larger budget.
    larger = [replace(each, knowledge="answers", queries_charged=9000) for each in other]
    assert attacker_flags([*larger, *knowing], "jpeg", "through") == []


@pytest.mark.parametrize(
    ("knowing", "other", "flagged"),
    [
        ("answers, the defense, 10% of the training set", "answers, 5% of the training set", True),
        ("answers, the defense, 5% of the training set", "answers, 10% of the training set", False),
        ("answers, the defense, 10% of the training set", "answers, 9.5% of the training set", True),
        ("answers, the defense, 1% of the training set", "answers, 1e-05% of the training set", True),
        ("answers, the defense, 10 clients", "answers, 9 clients", True),
        ("answers, the defense, 9 clients", "answers, 10 clients", False),
        ("answers, the defense", "answers, 2 clients", False),
        ("answers, the defense but its strength", "answers", True),
        ("answers, the defense", "answers, the defense but its strength", False),
        # Real images do not make up for the discriminator.
        ("answers, the defense, 100% of the training set", "answers, discriminator, 10% of the training set", False),
    ],
)
def test_more_of_the_same_knowledge_holds_less_of_it(knowing: str, other: str, flagged: bool) -> None:
    stronger = seeds("jpeg", "accuracy", [20.0, 22.0, 21.0], knowledge=other)
    weaker = seeds("jpeg", "through", [35.0, 37.1, 36.0], knowledge=knowing)
    assert bool(attacker_flags([*stronger, *weaker], "jpeg", "through")) == flagged


@pytest.mark.parametrize(
    "model",
    [
        ThreatModel(discriminator, share, defense, strength, clients)
        for discriminator, share, defense, strength, clients in product(
            (False, True), (0.0, 1e-7, 0.07, 0.1, 1.0), (False, True), (False, True), (1, 2, 1000)
        )
    ],
    ids=str,
)
def test_what_a_threat_model_says_in_words_is_read_back(model: ThreatModel) -> None:
    told = {
        "answers": 1.0,
        "discriminator": float(model.discriminator),
        "% of the training set": pytest.approx(100 * model.real_share),
        " clients": model.clients if model.clients > 1 else 0,
        THE_DEFENSE: (1.0 if model.strength else flags.PART) if model.defense else 0,
    }
    assert flags.items(str(model)) == {item: amount for item, amount in told.items() if amount != 0}
    assert (BUT_ITS_STRENGTH in str(model)) == (model.defense and not model.strength)


def test_utility_rose_under_the_defense() -> None:
    assert flags.utility_rose(t_interval([-5.0, -5.5, -6.0])) == [
        "utility rose under the defense: utility_fd is 5.5 below the undefended one"
    ]
    assert flags.utility_rose(t_interval([-5.0, 1.0, -6.0])) == []
    assert flags.utility_rose(t_interval([5.0, 5.5, 6.0])) == []
    assert flags.utility_rose(t_interval([-5.0])) == []
    assert flags.utility_rose(None) == []
    plain = seeds("none", "fidelity", [30.0] * 3, utilities=[100.0, 110.0, 120.0])
    better = seeds("jpeg", "fidelity", [30.0] * 3, utilities=[90.0, 100.5, 110.0])
    assert any(flag.startswith("utility rose") for flag in defense_flags([*plain, *better], "jpeg"))


def test_an_interval_is_wider_than_its_effect() -> None:
    # Of [9, 10, 11] the interval is 4.97 wide; of [4, 5, 6] as well.
    assert flags.wide("gain", t_interval([9.0, 10.0, 11.0])) == []
    assert flags.wide("gain", t_interval([3.9, 4.9, 5.9])) == [
        "interval of the gain is wider than the effect: 2.42 to 7.38"
    ]
    assert flags.wide("gain", t_interval([-3.9, -4.9, -5.9])) != []
    assert flags.wide("gain", t_interval([1.0])) == []
    assert flags.wide("gain", None) == []


def test_the_undefended_target_has_no_effect_to_doubt() -> None:
    assert defense_flags(seeds("none", "fidelity", [30.0, 40.0, 50.0]), "none") == []


def test_what_was_not_tried_on_a_defense_is_said() -> None:
    plain = [*seeds("none", "fidelity", [30.0, 30.0]), *seeds("none", "accuracy", [20.0, 20.0])]
    tried = seeds("jpeg", "fidelity", [30.0, 30.0])
    uninformed = "no attacker knows the defense (seeds 0, 1)"
    flag = "not attacked by accuracy, as the undefended target was (seed{})"
    assert defense_flags([*plain, *tried], "jpeg")[:2] == [uninformed, flag.format("s 0, 1")]
    tried.append(made("jpeg", "accuracy", 0, 25.0, knowledge=KNOWING))
    assert defense_flags([*plain, *tried], "jpeg")[:2] == [
        "no attacker knows the defense (seed 1)",
        flag.format(" 1"),
    ]
    # An attacker who decides nothing need not be tried.
    larger = [replace(each, queries_charged=9000) if each.attack == "accuracy" else each for each in plain]
    assert not any("not attacked" in flag for flag in defense_flags([*larger, *tried], "jpeg"))


def test_what_goes_by_the_images_of_a_client_must_meet_several() -> None:
    single = seeds("rising-noise", "through", [30.0, 30.0], knowledge=KNOWING, flags=(ONE_CLIENT,))
    flag = "the defense goes by what each client was handed, but no attacker was several (seed{})"
    assert flag.format("s 0, 1") in defense_flags(single, "rising-noise")
    several = seeds("rising-noise", "sybil", [20.0, 20.0], knowledge="answers, 10 clients")
    assert flag.format(" 1") in defense_flags([*single, several[0]], "rising-noise")
    assert not any("several clients" in each for each in defense_flags([*single, *several], "rising-noise"))
    # A defense that goes by nothing of the kind need not meet them.
    others = seeds("jpeg", "through", [30.0, 30.0], knowledge=KNOWING)
    assert not any("several clients" in each for each in defense_flags(others, "jpeg"))


def test_rows_of_several_versions_of_the_harness_are_told_apart() -> None:
    plain, tried = seeds("none", "fidelity", [30.0, 31.0]), seeds("jpeg", "fidelity", [40.0, 41.0])
    flag = "its records and the undefended target's were made by several versions of the harness"
    assert flag not in defense_flags([*plain, *tried], "jpeg")
    assert flag in defense_flags([*plain, *(replace(each, code="1" * 64) for each in tried)], "jpeg")


def test_seeds_whose_records_are_of_several_processors_are_told() -> None:
    plain, tried = seeds("none", "fidelity", [30.0, 31.0, 32.0]), seeds("jpeg", "fidelity", [40.0, 41.0, 42.0])
    flag = "its records and the undefended target's were made on several processors, so that pairing by seed is inexact"
    assert not any("processors" in each for each in defense_flags([*plain, *tried], "jpeg"))
    # Of a seed all were made on one: it is no matter that another seed was made on another.
    moved = [replace(each, device="another") if each.seed == 1 else each for each in [*plain, *tried]]
    assert not any("processors" in each for each in defense_flags(moved, "jpeg"))
    mixed = [replace(each, device="another") if each.seed != 1 else each for each in tried]
    assert f"{flag} (seeds 0, 2)" in defense_flags([*plain, *mixed], "jpeg")


def test_a_stronger_attacker_who_has_what_those_who_know_lack_is_told() -> None:
    plain = seeds("none", "fidelity", [30.0] * 3)
    knowing = seeds("jpeg", "through", [60.0, 61.0, 62.0], knowledge=KNOWING)
    other = seeds("jpeg", "accuracy", [50.0, 51.0, 52.0], knowledge="answers, discriminator, 10% of the training set")

    def told(records: list[Record]) -> bool:
        return any(flag.startswith("the strongest attacker does not know") for flag in defense_flags(records, "jpeg"))

    assert told([*plain, *knowing, *other])
    # Neither is an attacker who has nothing of his own, who should have been ignored; that is another flag.
    assert not told([*plain, *knowing, *(replace(each, knowledge="answers") for each in other)])
    weaker = [replace(each, figures=each.figures | {"accuracy_fd": 70.0}) for each in other]
    assert not told([*plain, *knowing, *weaker])
    # Once somebody has both, nothing is left to try.
    both = seeds(
        "jpeg", "all", [61.0, 62.0, 63.0], knowledge="answers, the defense, discriminator, 10% of the training set"
    )
    assert not told([*plain, *knowing, *other, *both])


def test_of_one_seed_little_can_be_told() -> None:
    flag = "one seed: no intervals, nor the flags that rest on them"
    plain, tried = seeds("none", "fidelity", [30.0, 31.0]), seeds("jpeg", "fidelity", [40.0, 41.0])
    assert flag not in defense_flags([*plain, *tried], "jpeg")
    assert flag in defense_flags([*plain, *tried[:1]], "jpeg")
    assert flag not in defense_flags(plain[:1], "none")


def test_flags_of_the_records_come_with_their_seeds() -> None:
    records = {
        0: made("jpeg", "fidelity", 0, 30.0, flags=("diverged at step 300", "restarted with a new seed")),
        1: made("jpeg", "fidelity", 1, 30.0),
        2: made("jpeg", "fidelity", 2, 30.0, flags=("restarted with a new seed",) * 2),
    }
    assert flags.reported(records) == ["diverged at step 300 (seed 0)", "restarted with a new seed (seeds 0, 2)"]
