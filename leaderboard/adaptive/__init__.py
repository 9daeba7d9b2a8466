"""``docs/ADAPTIVE.md``: how much of each defense's protection survives attackers who know it, written from records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from benchmark.errors import UsageError
from benchmark.record import Record
from leaderboard import pages
from leaderboard.cells import NONE, Cells, cells, figures, undefended
from leaderboard.intervals import Interval, differences, over_seeds, t_interval
from leaderboard.statistics import Verdict, verdicts

NAIVE = "fidelity"
"""The attack that takes answers for clean."""


@dataclass(frozen=True)
class Protection:
    """What a defense holds against an attacker who ignores it, and against the strongest one."""

    verdict: Verdict
    by_attack: dict[str, Interval]
    """accuracy_fd of each attack on it."""
    naive: Interval | None
    """Rise of the naive attacker's accuracy_fd over his own on the undefended target."""
    survives: Interval | None
    """Security gain as a share of ``naive``, by seed; None if the naive attacker is not hindered beyond the noise."""


def protections(records: Iterable[Record], budget: int) -> list[Protection]:
    """Every defense on a budget, in the order of its security gain, the undefended target first."""
    known = list(records)
    board = cells(known)
    judged = [verdict for verdict in verdicts(known) if verdict.budget == budget]
    return [_protection(verdict, board) for verdict in sorted(judged, key=lambda verdict: verdict.defense != NONE)]


def _protection(verdict: Verdict, board: Cells) -> Protection:
    where = verdict.setting, verdict.defense, verdict.budget
    attacks = {attack: figures(seeds, "accuracy_fd") for attack, seeds in board.attacks[where].items()}
    gains: dict[int, float] = {}
    if verdict.defense != NONE:
        gains = differences(attacks.get(NAIVE, {}), figures(undefended(board, where).get(NAIVE, {}), "accuracy_fd"))
    naive = over_seeds(gains)
    survives = None
    if naive and naive.low > 0:
        strongest = {seed: outcome.security_gain for seed, outcome in verdict.by_seed.items()}
        survives = over_seeds(
            {seed: gain / gains[seed] for seed, gain in strongest.items() if gain is not None and seed in gains}
        )
    return Protection(verdict, {attack: t_interval(each.values()) for attack, each in attacks.items()}, naive, survives)


def write_page(records: Iterable[Record], budget: int, page: Path) -> None:
    """Write the page, with its plot beside it.

    Args:
        records: of one track and setting; quick ones are left out.
        budget: the query budget that is spoken of.
        page: a Markdown file.

    Raises:
        UsageError: no record is of that budget.
    """
    known = [record for record in records if not record.quick]
    found = protections(known, budget)
    if not found:
        raise UsageError(
            f"no record is of a budget of {budget:,} images; run the sweep first, or give another --budget"
        )
    context = {
        "found": found,
        "budget": budget,
        "attacks": sorted(
            {attack for each in found for attack in each.by_attack}, key=lambda each: (each != NAIVE, each)
        ),
        "first": min(known, key=lambda record: record.id),
    }
    pages.write_page(page, "leaderboard.adaptive", context, {"survives.png": lambda ax: draw(found, ax)})


def draw(found: list[Protection], ax: Axes) -> None:
    """What each defense gains against the naive attacker, and what is left of it against the strongest."""
    pairs = [(each.verdict.defense, each.naive, each.verdict.security_gain) for each in reversed(found)]
    shown = [(defense, naive, strongest) for defense, naive, strongest in pairs if naive and strongest]
    for height, (_, naive, strongest) in enumerate(shown):
        ax.plot([naive.value, strongest.value], [height, height], color="tab:gray", linewidth=1, zorder=1)
        for title, interval, colour in (("naive", naive, "tab:blue"), ("strongest", strongest, "tab:red")):
            name = f"against the {title} attacker" if height == 0 else "_"
            reach = pages.error_bars([interval])
            ax.errorbar([interval.value], [height], xerr=reach, color=colour, marker="o", capsize=3, label=name)
    ax.axvline(0, color="tab:gray", linewidth=0.8)
    ax.set_yticks(range(len(shown)), [defense for defense, _, _ in shown])
    ax.set_xlabel("rise of accuracy FD over the undefended target")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
