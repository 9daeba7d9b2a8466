"""What a reader must know before trusting a row: each flag a pure function of figures by seed.

"Beyond the noise" means that the 95% interval of the mean difference, paired by seed, lies on one side of 0. Of one
seed there is no interval, and nothing is beyond the noise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from benchmark.record import ONE_CLIENT
from leaderboard.cells import (
    BUT_ITS_STRENGTH,
    NONE,
    THE_DEFENSE,
    BySeed,
    Cells,
    Place,
    figures,
    references,
    security_gains,
    strengths,
    undefended,
    utility_costs,
)
from leaderboard.intervals import Interval, over_seeds, paired

CLIENTS = " clients"
"""The item of knowledge of an attacker who poses as several clients."""

AMOUNT = re.compile(rf"(?P<amount>[\d.e+-]+)(?P<of>% of the training set|{CLIENTS})")
"""An item of knowledge of which one attacker may have more than another."""

PART = 0.5
"""How much of the defense somebody knew who did not know its strength: not all of it, which is 1, nor nothing."""

Known = Mapping[str, float]
"""What an attacker knew: each item, and how much of it; 1 of one that is had or not."""


def reported(records: BySeed) -> list[str]:
    """The flags that records bear themselves (an attack diverged, a defense is not deterministic), with their seeds."""
    seeds: dict[str, set[int]] = defaultdict(set)
    for seed, record in records.items():
        for flag in record.flags:
            seeds[flag].add(seed)
    return [f"{flag} ({_named(of)})" for flag, of in seeds.items()]


def of_attacker(board: Cells, where: Place, attack: str) -> list[str]:
    """The flags of one attacker of one defense on one budget, beside those that his records bear."""
    records = board.attacks[where][attack]
    accuracy = figures(records, "accuracy_fd")
    smaller = {
        budget: figures(attacks.get(attack, {}), "accuracy_fd") for budget, attacks in board.smaller(where).items()
    }
    return [
        *weaker_with_more("the attacker", accuracy, smaller),
        *weaker_knowing(accuracy, known(records), board.attacks[where]),
    ]


def of_defense(board: Cells, where: Place) -> list[str]:
    """The flags of a defense on one budget, as its strongest attackers judge it."""
    attacks, plain = board.attacks[where], undefended(board, where)
    smaller = {budget: references(attacks, others) for budget, others in board.smaller(where).items()}
    informed, cost = knowing(attacks), over_seeds(utility_costs(board, where))
    return [
        *weaker_with_more("the strongest attacker", strengths(attacks), smaller),
        *weaker_knowing(strengths(informed), _most(map(known, informed.values())), attacks),
        *stronger_otherwise(informed, attacks),
        *untried(where[1], attacks, plain),
        *by_single_clients(attacks),
        *of_several_codes(attacks, plain),
        *of_several_devices(attacks, plain),
        *of_one_seed(where[1], strengths(attacks)),
        *utility_rose(cost),
        *wide("security gain", over_seeds(security_gains(board, where))),
        *wide("utility cost", cost),
    ]


def weaker_with_more(who: str, accuracy: Mapping[int, float], smaller: Mapping[int, Mapping[int, float]]) -> list[str]:
    """More budget made an attacker worse, beyond the noise: a thief may leave answers unused, this one did not.

    Args:
        who: what the attacker is called.
        accuracy: accuracy_fd by seed.
        smaller: the same attacker's accuracy_fd on each smaller budget, by seed.
    """
    rises = {budget: paired(accuracy, other) for budget, other in sorted(smaller.items())}
    worse = {budget: rise.value for budget, rise in rises.items() if rise and rise.low > 0}
    if not worse:
        return []
    best = max(worse, key=lambda budget: worse[budget])
    return [f"more budget made {who} worse: accuracy_fd is {worse[best]:.3g} above that of {best:,} queries"]


def weaker_knowing(accuracy: Mapping[int, float], knew: Known, rivals: Mapping[str, BySeed]) -> list[str]:
    """Who knows the defense is weaker than one who does not and knows nothing else that he lacks, beyond the noise.

    Knowledge can always be ignored, so such an attack is a poor one, and the defense may be weaker than it looks. A
    share of the training set holds every smaller one, and many clients can do what few can. The discriminator is an
    item of its own, for which real images do not make up: who lacks it is not held against one who has it.

    Args:
        accuracy: accuracy_fd by seed.
        knew: what the attacker knew.
        rivals: all attackers of the same defense and budget, by spec.
    """
    if THE_DEFENSE not in knew:
        return []
    ignorant = {
        attack: records
        for attack, records in rivals.items()
        if THE_DEFENSE not in (theirs := known(records)) and _no_more(theirs, knew)
    }
    rise = paired(accuracy, strengths(ignorant))
    if rise is None or not rise.low > 0:
        return []
    return [f"an attacker who knows the defense is weaker than one who does not: by {rise.value:.3g} in accuracy_fd"]


def stronger_otherwise(informed: Mapping[str, BySeed], attacks: Mapping[str, BySeed]) -> list[str]:
    """Who does not know the defense, but has what nobody has who knows it, is the strongest, beyond the noise.

    Somebody with both may be stronger still, and was not tried.

    Args:
        informed: the attackers who know the defense, by spec.
        attacks: all attackers of the same defense and budget, by spec.
    """
    knew = _most(map(known, informed.values()))
    others = {
        attack: records
        for attack, records in attacks.items()
        if attack not in informed and not _no_more(known(records), knew)
    }
    lead = paired(strengths(informed), strengths(others))
    if lead is None or not lead.low > 0:
        return []
    return [
        "the strongest attacker does not know the defense, but has what no attacker had who does; nobody with both was "
        f"tried (he is ahead by {lead.value:.3g} in accuracy_fd)"
    ]


def utility_rose(cost: Interval | None) -> list[str]:
    """Users get better images from the defense than without it, beyond the noise: the metric likes what it does."""
    if cost is None or not cost.high < 0:
        return []
    return [f"utility rose under the defense: utility_fd is {-cost.value:.3g} below the undefended one"]


def wide(name: str, effect: Interval | None) -> list[str]:
    """The interval of an effect is wider than the effect.

    Args:
        name: what the effect is called.
        effect: its interval over seeds.
    """
    if effect is None or not effect.width > abs(effect.value):
        return []
    return [f"interval of the {name} is wider than the effect: {effect.low:.3g} to {effect.high:.3g}"]


def untried(defense: str, attacks: Mapping[str, BySeed], plain: Mapping[str, BySeed]) -> list[str]:
    """Attackers that would have to be tried before a defense is called strong: its gain may be theirs to lower.

    Args:
        defense: its spec.
        attacks: its attackers on a budget, by spec.
        plain: those of the undefended target on the same budget.
    """
    if defense == NONE:
        return []
    judged = strengths(attacks).keys()
    uninformed = judged - strengths(knowing(attacks)).keys()
    found = [f"no attacker knows the defense ({_named(uninformed)})"] if uninformed else []
    for attack, records in plain.items():
        missing = (strengths({attack: records}).keys() & judged) - strengths({attack: attacks.get(attack, {})}).keys()
        if missing:
            found.append(f"not attacked by {attack}, as the undefended target was ({_named(missing)})")
    return found


def by_single_clients(attacks: Mapping[str, BySeed]) -> list[str]:
    """A defense goes by what a client was handed, and no attacker was several clients, which may take that from it.

    Args:
        attacks: its attackers on a budget, by spec.
    """
    seeds = single_clients(attacks)
    return (
        [f"the defense goes by what each client was handed, but no attacker was several ({_named(seeds)})"]
        if seeds
        else []
    )


def single_clients(attacks: Mapping[str, BySeed]) -> set[int]:
    """The seeds with which a defense goes by what a client was handed, and no attacker was several clients."""
    goes = {seed for records in attacks.values() for seed, record in records.items() if ONE_CLIENT in record.flags}
    several = {attack: records for attack, records in attacks.items() if CLIENTS in known(records)}
    return goes - strengths(several).keys()


def of_several_codes(attacks: Mapping[str, BySeed], plain: Mapping[str, BySeed]) -> list[str]:
    """Records that are set beside each other were not all made by the same code of the harness.

    Args:
        attacks: the attackers of a defense on a budget, by spec.
        plain: those of the undefended target on the same budget.
    """
    every = [record for side in (attacks, plain) for records in side.values() for record in records.values()]
    several = len({record.code for record in every}) > 1
    return ["its records and the undefended target's were made by several versions of the harness"] if several else []


def of_several_devices(attacks: Mapping[str, BySeed], plain: Mapping[str, BySeed]) -> list[str]:
    """Records of one seed that are set beside each other were not all made on the same processor.

    Another one rounds otherwise, from which a training ends elsewhere, as with another seed: pairing by seed then
    leaves that in the difference.

    Args:
        attacks: the attackers of a defense on a budget, by spec.
        plain: those of the undefended target on the same budget.
    """
    devices: dict[int, set[str]] = defaultdict(set)
    for side in (attacks, plain):
        for records in side.values():
            for seed, record in records.items():
                devices[seed].add(record.device)
    mixed = [seed for seed, named in devices.items() if len(named) > 1]
    found = (
        "its records and the undefended target's were made on several processors, so that pairing by seed is inexact"
    )
    return [f"{found} ({_named(mixed)})"] if mixed else []


def of_one_seed(defense: str, accuracy: Mapping[int, float]) -> list[str]:
    """There is a single seed: no effect has an interval, and no flag that needs one can be told.

    Args:
        defense: its spec.
        accuracy: accuracy_fd by seed.
    """
    single = defense != NONE and len(accuracy) == 1
    return ["one seed: no intervals, nor the flags that rest on them"] if single else []


def knowing(attacks: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """The attackers who know the defense."""
    return {attack: records for attack, records in attacks.items() if THE_DEFENSE in known(records)}


def known(records: BySeed) -> Known:
    """What an attacker knew; of several seeds, the most of each item."""
    return _most(items(record.knowledge) for record in records.values())


def items(knowledge: str) -> Known:
    """What a record's ``knowledge`` says, item by item."""
    return dict(map(_amount, knowledge.split(", ")))


def _amount(item: str) -> tuple[str, float]:
    if item == BUT_ITS_STRENGTH:
        return THE_DEFENSE, PART
    counted = AMOUNT.fullmatch(item)
    return (counted["of"], float(counted["amount"])) if counted else (item, 1.0)


def _most(several: Iterable[Known]) -> Known:
    found: dict[str, float] = {}
    for each in several:
        found |= {item: max(amount, found.get(item, 0.0)) for item, amount in each.items()}
    return found


def _no_more(known: Known, others: Known) -> bool:
    """Whether somebody knew no more of anything than another."""
    return all(amount <= others.get(item, 0.0) for item, amount in known.items())


def _named(seeds: Iterable[int]) -> str:
    listed = [str(seed) for seed in sorted(seeds)]
    return f"seed{'s' * (len(listed) > 1)} {', '.join(listed)}"
