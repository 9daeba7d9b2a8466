"""What a defense holds against who ignores it, who knows it, and the strongest of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.record import Record
from leaderboard.cells import GARBAGE, NONE, Cells, able, cells, figures, gains, strengths, undefended, utilities
from leaderboard.curves import beaten_by
from leaderboard.flags import knowing
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
    """Rise against the strongest who knows it, who may also do as the naive attacker does. None where no attacker who
    knows it was tried with every seed."""
    survives: Interval | None
    """``informed`` as a share of ``naive``, by seed; None unless both are known and the naive attacker is hindered
    beyond the noise."""
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
    informed = {
        attack: each for attack, each in knowing(attacks).items() if able(each).keys() >= strengths(attacks).keys()
    }
    naive, left = gains(ignoring, plain), gains(ignoring | informed, plain) if informed else {}
    hindered = over_seeds(naive)
    # A share needs all seeds, and of each something to be a share of.
    sure = hindered is not None and hindered.low > 0 and min(naive.values()) > 0 and naive.keys() == left.keys()
    measured = {attack: figures(each, "accuracy_fd") for attack, each in attacks.items()}
    return Protection(
        verdict,
        {attack: t_interval(values.values()) for attack, values in measured.items() if values},
        hindered,
        over_seeds(left),
        over_seeds({seed: left[seed] / naive[seed] for seed in naive}) if sure else None,
        over_seeds(utilities(attacks, "utility_ssim")),
        tuple(each.defense for each in beaten_by(verdict, rivals)),
    )
