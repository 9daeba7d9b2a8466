"""The plots, as Vega-Lite specifications: a page draws them with its own data, pictures for papers with the same.

Each draws the data set ``points`` (:func:`leaderboard.report.points.points`), which a specification leaves empty, and
holds no data but the noise floor. All axes of distances are the same, and roots: a Fréchet distance is a squared one
(of two Gaussians, the square of the 2-Wasserstein distance), so a root makes equal steps of equal distances, shows 0,
and leaves room where most defenses lie.
"""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import UndefinedType

from leaderboard.cells import GARBAGE, NONE
from leaderboard.report.board import Board
from leaderboard.report.points import Point, extent, ticks

USERS, THIEF, NULL = "users", "thief", "null"
"""Styles of marks (``theme.py``): what users get, what a thief gets, a control."""

CONTROLS = (NONE, GARBAGE)

Style: TypeAlias = str | UndefinedType

HEIGHT, SMALL = 460, 230
"""Heights in pixels, of the one plot of all defenses and of the plots of each; the width is that of the page."""


def trade_off(board: Board) -> dict[str, Any]:
    """Utility against security on one budget, by the strongest attacker; the Pareto front and both controls."""
    base = alt.Chart(alt.NamedData("points")).encode(
        x=_distance(alt.X("utility:Q"), board, "← better for users · FD of answers"),
        y=_distance(alt.Y("accuracy:Q"), board, "FD of stolen images · harder to steal →"),
    )
    families = [family for family in board.families if family not in CONTROLS]
    colour = alt.Color("family:N", scale=alt.Scale(domain=families), legend=None)
    defenses, controls = base.transform_filter("!datum.control"), base.transform_filter("datum.control")
    layers = [
        *_floor(board, both=True),
        base.transform_filter("datum.front")
        .mark_line(style="front", interpolate="step-after")
        .encode(order="utility:Q"),
        defenses.mark_line(strokeWidth=1.5, opacity=0.55).encode(color=colour, order="strength:Q"),
        *_whiskers(defenses, {"color": colour}),
        *_whiskers(controls, {}, style=NULL),
        defenses.mark_point(filled=True, opacity=1, strokeWidth=1.5, size=75).encode(
            color=colour,
            fillOpacity=alt.condition("datum.front", alt.value(1), alt.value(0.3)),
            tooltip=_tooltip(),
        ),
        controls.mark_point(style=NULL, filled=True, opacity=1, size=130, shape="diamond").encode(tooltip=_tooltip()),
        *_names(defenses, {"color": colour}),
        *_names(controls, {}, style=NULL),
    ]
    return _spec(layers, HEIGHT)


def _whiskers(base: alt.Chart, encoded: dict[str, Any], style: Style = alt.Undefined) -> list[alt.Chart]:
    """The intervals of both axes."""
    return [
        base.transform_filter(f"isValid(datum.{name}_low)")
        .mark_rule(opacity=0.4, clip=True, strokeWidth=1, style=style)
        .encode(**{axis: f"{name}_low:Q", f"{axis}2": f"{name}_high:Q"}, **encoded)
        for axis, name in (("x", "utility"), ("y", "accuracy"))
    ]


def _names(base: alt.Chart, encoded: dict[str, Any], style: Style = alt.Undefined) -> list[alt.Chart]:
    """The name of each family, where :mod:`leaderboard.report.labels` has found room."""
    return [
        base.transform_filter(f"datum.label_side == '{side}'")
        .mark_text(fontSize=12.5, fontWeight=600, align=side, dx=9 if side == "left" else -9, style=style)
        .encode(y="label_y:Q", text="family:N", **encoded)
        for side in ("left", "right")
    ]


def over_strength(board: Board) -> dict[str, Any]:
    """One family over its strengths on one budget: what a thief gets, and what users lose."""
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X(
            "strength:O",
            title=None,
            axis=alt.Axis(labelAngle=0, format="~g"),
            scale=alt.Scale(padding=0.5, range=[0, alt.ExprRef(f"width - {BESIDE}")]),
        )
    )
    layers = [*_floor(board), *_levels(board)]
    for name, style, text, dy in (("accuracy", THIEF, "stolen images", -11), ("utility", USERS, "answers", 13)):
        title = "FD to the training set"
        last = base.transform_window(rank="row_number()", sort=[alt.SortField("strength", order="descending")])
        label = last.transform_filter("datum.rank == 1").mark_text(style=style, align="center", dy=dy)
        layers += [*_series(base, board, name, title, style), label.encode(y=f"{name}:Q", text=alt.value(text))]
    return _spec(layers, SMALL)


def over_budget(board: Board) -> dict[str, Any]:
    """One family over budgets, a line per strength, between both controls: what a thief gets for his queries."""
    domain = [board.budgets[0], max(board.budgets[-1], board.budgets[0] + 1)]
    scale = alt.Scale(type="log", domain=domain, nice=False, range=[MARK, alt.ExprRef(f"width - {BESIDE}")])
    axis = alt.Axis(values=board.budgets, format="~s")
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X("budget:Q", scale=scale, axis=axis, title=None), detail="defense:N"
    )
    layers = [*_floor(board)]
    for kept, style, text in (("datum.control", NULL, "datum.defense"), ("!datum.control", THIEF, STRENGTH)):
        series = base.transform_filter(kept)
        label = series.transform_filter("isValid(datum.line_y)").transform_calculate(text=text)
        layers += [
            *_series(series, board, "accuracy", "FD of stolen images", style),
            label.mark_text(style=style, align="left", dx=9, limit=BESIDE - MARK).encode(y="line_y:Q", text="text:N"),
        ]
    return _spec(layers, SMALL)


BESIDE, MARK = 62, 10
"""Pixels that labels have beside a small plot, and that points have."""

STRENGTH = "isValid(datum.strength) ? format(datum.strength, '~g') : datum.family"
"""What a line over budgets is called."""


def with_points(spec: dict[str, Any], points: list[Point], width: int, config: dict[str, Any]) -> dict[str, Any]:
    """A plot that needs nothing else, to be made into a picture.

    Args:
        spec: of one of the functions above.
        points: what it shows.
        width: in pixels.
        config: of :func:`leaderboard.report.theme.config`.
    """
    return spec | {"datasets": spec["datasets"] | {"points": points}, "width": width, "config": config}


def _spec(layers: list[alt.Chart], height: int) -> dict[str, Any]:
    found: dict[str, Any] = alt.layer(*layers).properties(width="container", height=height).to_dict()
    # The theme is the page's, and changes with it.
    del found["config"]
    return {"datasets": {}} | found


def _series(base: alt.Chart, board: Board, name: str, title: str, style: str) -> list[alt.Chart]:
    """A line through points with intervals."""
    y, low = (_distance(alt.Y(f"{field}:Q"), board, title) for field in (name, f"{name}_low"))
    intervals = base.transform_filter(f"isValid(datum.{name}_low)").mark_rule(style=style, clip=True, opacity=0.5)
    return [
        intervals.encode(y=low, y2=f"{name}_high:Q"),
        base.mark_line(style=style).encode(y=y),
        base.mark_point(style=style, filled=True, opacity=1, size=45).encode(y=y, tooltip=_tooltip()),
    ]


def _distance(channel: Any, board: Board, title: str) -> Any:
    """An axis of Fréchet distances."""
    high = extent(board)
    scale = alt.Scale(type="sqrt", domain=[0, high], nice=False)
    return channel.scale(scale).axis(values=ticks(high), format=",~r", labelOverlap=False).title(title)


def _floor(board: Board, *, both: bool = False) -> list[alt.Chart]:
    """The noise floor as a dashed line, on one or both axes; nothing if it is not known."""
    if board.floor is None:
        return []
    data = alt.Chart(alt.InlineData(values=[{"floor": board.floor}]))
    y = alt.Y("floor:Q", title="")
    label = data.mark_text(style="faint", align="right", dx=-4, dy=-7).encode(
        x=alt.value("width"), y=y, text=alt.value("noise floor")
    )
    lines = [data.mark_rule(style="faint").encode(y=y), label]
    return [*lines, data.mark_rule(style="faint").encode(x=alt.X("floor:Q", title=""))] if both else lines


def _levels(board: Board) -> list[alt.Chart]:
    """The levels of both controls, as lines across a family's plot."""
    layers = []
    for control, (name, style) in product(CONTROLS, (("accuracy", THIEF), ("utility", USERS))):
        field = f"{control}_{name}"
        mean = alt.AggregatedFieldDef(op="mean", field=field, **{"as": f"level_{field}"})
        level = alt.Chart(alt.NamedData("points")).transform_aggregate(aggregate=[mean])
        line = level.transform_filter(f"isValid(datum.level_{field})")
        y = _distance(alt.Y(f"level_{field}:Q"), board, "FD to the training set")
        layers += [
            line.mark_rule(style=style, strokeDash=[2, 3], strokeWidth=1, opacity=0.8).encode(y=y),
            line.mark_text(style=style, align="right", dx=-2, dy=-6, fontWeight=400).encode(
                x=alt.value("width"), y=y, text=alt.value(control)
            ),
        ]
    return layers


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("defense:N", title="defense"),
        alt.Tooltip("attack:N", title="strongest attacker"),
        alt.Tooltip("budget:Q", title="queries", format=","),
        alt.Tooltip("utility_text:N", title="FD of the answers"),
        alt.Tooltip("accuracy_text:N", title="FD of stolen images"),
        alt.Tooltip("seeds:Q", title="seeds"),
    ]
