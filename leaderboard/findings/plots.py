"""The plots of the findings, each drawn on axes that it is given."""

from __future__ import annotations

from itertools import cycle

from matplotlib.axes import Axes

from leaderboard.cells import NONE
from leaderboard.findings.answers import ENOUGH, FIDELITY, Evidence, perturbations
from leaderboard.intervals import over_seeds
from leaderboard.pages import error_bars
from leaderboard.roots import in_roots

COLOURS = {"fidelity_fd": "tab:blue", "accuracy_fd": "tab:red"}
MARKERS = "osD^vP"
ASIDE = {"fidelity_fd": 0.97, "accuracy_fd": 1.03}
"""How far from its budget each is drawn, as a factor, so that intervals do not hide each other."""

TITLES = {"fidelity_fd": "to the target (fidelity)", "accuracy_fd": "to its training set (accuracy)"}


def draw_budgets(evidence: Evidence, ax: Axes) -> None:
    """Both distances of fidelity extraction over the query budget, with intervals, beside the target's own."""
    for figure, colour in COLOURS.items():
        means = {budget: over_seeds(evidence.figure(figure, NONE, FIDELITY, budget)) for budget in _budgets(evidence)}
        known = {budget: mean for budget, mean in means.items() if mean}
        ax.errorbar(
            [budget * ASIDE[figure] for budget in known],
            [mean.value for mean in known.values()],
            yerr=error_bars(list(known.values())),
            color=colour,
            marker="o",
            capsize=3,
            label=TITLES[figure],
        )
    target = over_seeds(evidence.figure("utility_fd", NONE, FIDELITY, ENOUGH))
    if target:
        ax.axhline(target.value, color=COLOURS["accuracy_fd"], linestyle=":", label="the target to its training set")
    ax.set(xscale="log", xlabel="queries", ylabel="FD of the attack model (low: well stolen)", ylim=(0, None))
    ax.set_xticks(_budgets(evidence), [f"{budget // 1000}k" for budget in _budgets(evidence)])
    ax.minorticks_off()
    ax.legend(frameon=False)


def draw_perturbations(evidence: Evidence, ax: Axes) -> None:
    """What each perturbation costs users against what it costs the thief, with intervals."""
    shown = perturbations(evidence)
    # Named in a legend, the most protective first: weak ones lie too close together for names beside them.
    for each, marker in zip(shown, cycle(MARKERS)):
        ax.errorbar(
            [each.cost.value],
            [each.accuracy.value],
            xerr=error_bars([each.cost]),
            yerr=error_bars([each.accuracy]),
            marker=marker,
            linestyle="none",
            capsize=3,
            label=each.defense,
        )
    ax.axhline(0, color="tab:gray", linewidth=0.8)
    ax.axvline(0, color="tab:gray", linewidth=0.8)
    ax.set(
        xlabel="rise of the answers' FD: cost to users (scale of roots)",
        ylabel="rise of the attack model's accuracy FD",
    )
    for axis in ("x", "y"):
        in_roots(ax, axis)
    if shown:
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _budgets(evidence: Evidence) -> list[int]:
    return evidence.budgets(FIDELITY)
