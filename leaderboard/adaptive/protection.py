"""What a defense holds against who ignores it, who knows it, and the strongest of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard.cells import (
    GARBAGE,
    NONE,
    THE_DEFENSE,
    Cells,
    able,
    cells,
    figures,
    gains,
    strengths,
    undefended,
    utilities,
)
from leaderboard.curves import beaten_by
from leaderboard.flags import knowing, known
from leaderboard.intervals import Interval, over_seeds, t_interval
from leaderboard.statistics import Verdict, verdicts

NAIVE = "fidelity"
"""The attack that takes answers for clean."""


@dataclass(frozen=True)
class Protection:
    """What a defense holds; each rise is one of accuracy_fd over the undefended target under the same attackers."""

    verdict: Verdict
    """Its security gain is the rise against the strongest attacker of all."""
    by_attack: dict[str, Interval]
    """accuracy_fd of each attack on it."""
    naive: Interval | None
    """Rise against the attacker who ignores it; None of the undefended target, and where that was not measured."""
    informed: Interval | None
    """Rise against the strongest who knows it and has nothing else that the naive attacker has not, who may also do as
    that one does. None where no such attacker was tried with every seed."""
    equipped: Interval | None
    """The same with all who know it, whatever else they have."""
    hindered: bool
    """Whether the naive attacker is hindered beyond the noise, so that there is something to survive."""
    survives: Interval | None
    """``informed`` as a share of ``naive``, by seed; None unless both are known and the naive attacker is hindered."""
    survives_equipped: Interval | None
    """``equipped`` likewise."""
    ssim: Interval | None
    """utility_ssim; None if it leaves images as they are."""
    beaten_by: tuple[str, ...]
    """Specs of those that are better for users and harder to steal from (:func:`leaderboard.curves.beaten_by`)."""

    @property
    def control(self) -> bool:
        """Whether it is no defense, but an end of the scale."""
        return self.verdict.defense in (NONE, GARBAGE)


def protections(records: Iterable[Record], budget: int) -> list[Protection]:
    """Every defense on a budget in the order of its security gain, after the controls.

    Args:
        records: of one setting.
        budget: the query budget.
    """
    known = list(records)
    board = cells(known)
    judged = [verdict for verdict in verdicts(known) if verdict.budget == budget]
    ends = {NONE: 0, GARBAGE: 1}
    return [_protection(each, judged, board) for each in sorted(judged, key=lambda each: ends.get(each.defense, 2))]


def _protection(verdict: Verdict, rivals: list[Verdict], board: Cells) -> Protection:
    where = verdict.setting, verdict.defense, verdict.budget
    attacks = board.attacks[where]
    plain = {} if verdict.defense == NONE else undefended(board, where)
    ignoring = {NAIVE: attacks.get(NAIVE, {})}
    # A seed whose attackers were fewer would look safer: each of these was tried with all.
    equipped = {
        attack: each for attack, each in knowing(attacks).items() if able(each).keys() >= strengths(attacks).keys()
    }
    had = known(ignoring[NAIVE]).keys() | {THE_DEFENSE}
    informed = {attack: each for attack, each in equipped.items() if known(each).keys() <= had}
    naive = gains(ignoring, plain)
    left, left_equipped = (gains(ignoring | those, plain) if those else {} for those in (informed, equipped))
    rise = over_seeds(naive)
    # A share needs something to be a share of, with each seed.
    hindered = rise is not None and rise.low > 0 and min(naive.values()) > 0
    measured = {attack: figures(each, "accuracy_fd") for attack, each in attacks.items()}
    return Protection(
        verdict,
        by_attack={attack: t_interval(values.values()) for attack, values in measured.items() if values},
        naive=rise,
        informed=over_seeds(left),
        equipped=over_seeds(left_equipped),
        hindered=hindered,
        survives=over_seeds(_shares(left, naive)) if hindered else None,
        survives_equipped=over_seeds(_shares(left_equipped, naive)) if hindered else None,
        ssim=over_seeds(utilities(attacks, "utility_ssim")),
        beaten_by=tuple(each.defense for each in beaten_by(verdict, rivals)),
    )


def _shares(left: Mapping[int, float], naive: Mapping[int, float]) -> dict[int, float]:
    """What is left of each rise, by seed; nothing unless every seed has it."""
    return {seed: left[seed] / naive[seed] for seed in naive} if left.keys() == naive.keys() else {}
