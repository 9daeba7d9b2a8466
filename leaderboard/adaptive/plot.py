"""The plot of what is left of each defense, drawn on axes that it is given."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from leaderboard.adaptive.protection import Protection
from leaderboard.pages import error_bars
from leaderboard.roots import in_roots

ROW, FRAME = 0.55, 1.3
"""Inches of height that a defense takes, and that axis and legend do."""


def shown(found: Sequence[Protection]) -> list[Protection]:
    """The defenses of which there is something to draw; controls, far off the scale of any other, are none."""
    return [each for each in found if not each.control and (each.naive or each.equipped or each.verdict.security_gain)]


def height(rows: int) -> float:
    """Of a figure with so many defenses, in inches."""
    return FRAME + ROW * rows


def draw(rows: Sequence[Protection], ax: Axes) -> None:
    """A line per defense, from the top: its protection against attackers who ignore it, who know it, and the strongest.

    Args:
        rows: at least one.
        ax: of a figure of their :func:`height`.
    """
    series = {
        "attacker ignores it": ([each.naive for each in rows], "tab:blue", "o", -0.24),
        "attacker knows it": ([each.informed for each in rows], "tab:orange", "D", -0.08),
        "knows it, and has more": ([each.equipped for each in rows], "tab:red", "v", 0.08),
        "strongest attacker": ([each.verdict.security_gain for each in rows], "0.25", "s", 0.24),
    }
    for line in range(0, len(rows), 2):
        ax.axhspan(line - 0.5, line + 0.5, color="0.95", linewidth=0, zorder=0)
    ax.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    for title, (intervals, colour, marker, offset) in series.items():
        label = title
        for line, interval in enumerate(intervals):
            if interval:
                ax.errorbar(
                    [interval.value],
                    [line + offset],
                    xerr=error_bars([interval]),
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    linewidth=1.2,
                    linestyle="none",
                    capsize=2,
                    label=label,
                )
                label = "_"
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [each.verdict.defense.replace(",", ",\n") for each in rows])
    ax.tick_params(axis="y", length=0)
    in_roots(ax, "x")
    ax.set_xlabel("rise of accuracy FD over the undefended target (scale of roots)")
    # Above the figure's middle, not the axes': names of defenses may push these far to the right.
    ax.figure.legend(loc="outside upper center", ncols=2, frameon=False, columnspacing=1.2, handletextpad=0.3)
