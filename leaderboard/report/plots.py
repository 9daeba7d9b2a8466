"""The plots, as Vega-Lite specifications: a page draws them with its own data, pictures for papers with the same.

Each draws the data set ``points`` (:func:`leaderboard.report.points.points`), which a specification leaves empty, and
holds no data but the noise floor. All axes are roots: a Fréchet distance is a squared one (of two Gaussians, the square
of the 2-Wasserstein distance), so a root makes equal steps of equal distances, shows 0, and leaves room where most
defenses lie. Roots of gains and costs, which are differences, keep their sign.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import UndefinedType

from leaderboard.report.axes import Axis, costs, distances, gains
from leaderboard.report.board import Board
from leaderboard.report.labels import LONGEST
from leaderboard.report.points import CONTROLS, Point

USERS, THIEF, NULL = "users", "thief", "null"
"""Styles of marks (``theme.py``): what users get, what a thief gets, a control."""

Style: TypeAlias = str | UndefinedType

HEIGHT, SMALL = 460, 230
"""Heights in pixels, of the one plot of all defenses and of the plots of each; the width is that of the page."""


def trade_off(board: Board, budget: int) -> dict[str, Any]:
    """Cost against gain on a budget, by the strongest attacker; the Pareto front and both controls.

    Points that are not ``shown`` stay out of sight, but the front is that of all: it depends on no filter.
    """
    everything = alt.Chart(alt.NamedData("points")).encode(
        x=_axis(alt.X("cost:Q"), costs(board, budget), "← better for users · cost (root scale)"),
        y=_axis(alt.Y("gain:Q"), gains(board, budget), "gain (root scale) · harder to steal →"),
    )
    base = everything.transform_filter("datum.shown && isValid(datum.gain) && isValid(datum.cost)")
    families = [family for family in board.families if family not in CONTROLS]
    scale = alt.Scale(domain=families)
    colour = alt.Color("family:N", scale=scale, legend=None)
    defenses, controls = base.transform_filter("!datum.control"), base.transform_filter("datum.control")
    layers = [
        *_floor(board, both=True),
        everything.transform_filter("datum.front")
        .mark_line(style="front", interpolate="step-after")
        .encode(order="cost:Q"),
        defenses.mark_line(strokeWidth=1.5, opacity=0.55).encode(color=colour, order="turn:Q"),
        *_whiskers(defenses, {"color": colour}),
        *_whiskers(controls, {}, style=NULL),
        defenses.transform_calculate(solid=SOLID)
        .mark_point(filled=True, opacity=1, strokeWidth=1.5, size=75)
        .encode(
            fill=alt.Fill("family:N", scale=scale, legend=None),
            stroke=alt.Stroke("family:N", scale=scale, legend=None),
            fillOpacity=alt.FillOpacity("solid:Q", scale=None, legend=None),
            tooltip=_tooltip(),
        ),
        controls.mark_point(style=NULL, filled=True, opacity=1, size=130, shape="diamond").encode(tooltip=_tooltip()),
        defenses.transform_filter("datum.label_strength")
        .mark_text(fontSize=10, baseline="bottom")
        .encode(y="strength_y:Q", text="label_strength:N", color=colour),
        *_names(defenses, {"color": colour}),
        *_names(controls, {}, style=NULL),
    ]
    return _spec(layers, HEIGHT)


SOLID = "datum.front ? 1 : datum.beaten ? 0 : 0.4"
"""How filled a point is: on the front, beaten by another beyond the noise, or neither."""


def _whiskers(base: alt.Chart, encoded: dict[str, Any], style: Style = alt.Undefined) -> list[alt.Chart]:
    """The intervals of both axes."""
    return [
        base.transform_filter(f"isValid(datum.{name}_low)")
        .mark_rule(opacity=0.4, clip=True, strokeWidth=1, style=style)
        .encode(**{axis: f"{name}_low:Q", f"{axis}2": f"{name}_high:Q"}, **encoded)
        for axis, name in (("x", "cost"), ("y", "gain"))
    ]


def _names(base: alt.Chart, encoded: dict[str, Any], style: Style = alt.Undefined) -> list[alt.Chart]:
    """The name of each family, where :mod:`leaderboard.report.labels` has found room."""
    return [
        base.transform_filter(f"datum.label_side == '{side}'")
        .mark_text(
            fontSize=12.5, fontWeight=600, align=side, dx=9 if side == "left" else -9, limit=LONGEST, style=style
        )
        .encode(y="label_y:Q", text="family:N", **encoded)
        for side in ("left", "right")
    ]


def over_strength(board: Board, across: str | None = None) -> dict[str, Any]:
    """One family over its strengths on one budget, from weak to strong: what a thief gets, and what users lose.

    Args:
        board: whose plot it is.
        across: title of the axis of strengths.
    """
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X(
            "strength:O",
            title=across,
            sort=alt.EncodingSortField("turn", op="min"),
            axis=alt.Axis(labelAngle=0, format="~g"),
            scale=alt.Scale(padding=0.5, range=[0, alt.ExprRef(f"width - {BESIDE}")]),
        )
    )
    layers = _floor(board)
    for name, style, text, dy in (("accuracy", THIEF, "stolen images", -11), ("utility", USERS, "answers", 13)):
        layers += _levels(board, name, style)
        label = _last(base).mark_text(style=style, align="center", dy=dy)
        layers += [*_series(base, board, name, STRENGTHS, style), label.encode(y=f"{name}:Q", text=alt.value(text))]
    return _spec(layers, SMALL)


def over_budget(board: Board, across: str | None = None) -> dict[str, Any]:
    """One family over budgets, a line per strength, between both controls: what a thief gets for his queries.

    Args:
        board: whose plot it is.
        across: title of the axis of budgets.
    """
    domain = [board.budgets[0], max(board.budgets[-1], board.budgets[0] + 1)]
    scale = alt.Scale(type="log", domain=domain, nice=False, range=[MARK, alt.ExprRef(f"width - {BESIDE}")])
    axis = alt.Axis(values=board.budgets, format="~s")
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X("budget:Q", scale=scale, axis=axis, title=across), detail="defense:N"
    )
    layers = [*_floor(board)]
    for kept, style, text in (("datum.control", NULL, "datum.defense"), ("!datum.control", THIEF, STRENGTH)):
        series = base.transform_filter(kept)
        label = series.transform_filter("isValid(datum.line_y)").transform_calculate(text=text)
        layers += [
            *_series(series, board, "accuracy", "FD of stolen images (root scale)", style),
            label.mark_text(style=style, align="left", dx=9, limit=BESIDE - MARK).encode(y="line_y:Q", text="text:N"),
        ]
    return _spec(layers, SMALL)


STRENGTHS = "FD to training set (root scale)"
"""Title of the axis of both curves over strengths."""

BESIDE, MARK = 62, 10
"""Pixels that labels have beside a small plot, and that points have."""

STRENGTH = "isValid(datum.strength) ? format(datum.strength, '~g') : datum.family"
"""What a line over budgets is called."""


def with_points(
    spec: dict[str, Any], points: list[Point], width: int, config: dict[str, Any], title: str
) -> dict[str, Any]:
    """A plot that needs nothing else, to be made into a picture.

    Args:
        spec: of one of the functions above.
        points: what it shows.
        width: in pixels.
        config: of :func:`leaderboard.report.theme.config`.
        title: what stands above it.
    """
    data = spec["datasets"] | {"points": points}
    return spec | {"datasets": data, "width": width, "config": config, "title": title}


def _spec(layers: list[alt.Chart], height: int) -> dict[str, Any]:
    found: dict[str, Any] = alt.layer(*layers).properties(width="container", height=height).to_dict()
    # The theme is the page's, and changes with it.
    del found["config"]
    return {"datasets": {}} | found


def _series(base: alt.Chart, board: Board, name: str, title: str, style: str) -> list[alt.Chart]:
    """A line through points with intervals."""
    y, low = (_axis(alt.Y(f"{field}:Q"), distances(board), title) for field in (name, f"{name}_low"))
    intervals = base.transform_filter(f"isValid(datum.{name}_low)").mark_rule(style=style, clip=True, opacity=0.5)
    return [
        intervals.encode(y=low, y2=f"{name}_high:Q"),
        base.mark_line(style=style).encode(y=y),
        base.mark_point(style=style, filled=True, opacity=1, size=45).encode(y=y, tooltip=_tooltip()),
    ]


def _axis(channel: Any, axis: Axis, title: str) -> Any:
    """A channel along an axis."""
    scale = alt.Scale(type="sqrt", domain=[axis.low, axis.high], nice=False)
    return channel.scale(scale).axis(values=axis.ticks, format=",~r", labelOverlap=False).title(title)


def _floor(board: Board, *, both: bool = False) -> list[alt.Chart]:
    """The noise floor as a dashed line with its name, on one or both axes; nothing if it is not known."""
    if board.floor is None:
        return []
    data = alt.Chart(alt.InlineData(values=[{"floor": board.floor}]))
    line, across, up = data.mark_rule(style="faint"), alt.Y("floor:Q", title=""), alt.X("floor:Q", title="")
    name = partial(data.mark_text, style="faint", align="right", dx=-4, dy=-7, text="noise floor")
    lying = [line.encode(y=across), name().encode(x=alt.value("width"), y=across)]
    return [*lying, line.encode(x=up), name(angle=270).encode(x=up, y=alt.value(0))] if both else lying


def _levels(board: Board, name: str, style: str) -> list[alt.Chart]:
    """Where both controls lie, dotted across a family's plot: without the defense, what its points are relative to."""
    layers = []
    for control in CONTROLS:
        field = f"{control}_{name}"
        y = _axis(alt.Y(f"{field}:Q"), distances(board), STRENGTHS)
        level = alt.Chart(alt.NamedData("points")).transform_filter(f"isValid(datum.{field})")
        level = level.transform_aggregate(points="count()", groupby=[field])
        name_of = level.mark_text(style=style, align="right", dx=-2, dy=-6, fontWeight=400, text=control)
        layers += [
            level.mark_rule(style=style, strokeDash=[2, 3], strokeWidth=1, opacity=0.8).encode(y=y),
            name_of.encode(x=alt.value("width"), y=y),
        ]
    return layers


def _last(base: alt.Chart) -> alt.Chart:
    """The last of the points."""
    ranked = base.transform_window(rank="row_number()", sort=[alt.SortField("turn", order="descending")])
    return ranked.transform_filter("datum.rank == 1")


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("defense:N", title="defense"),
        alt.Tooltip("attack:N", title="strongest attacker"),
        alt.Tooltip("knowledge:N", title="he knew"),
        alt.Tooltip("budget:Q", title="queries", format=","),
        alt.Tooltip("gain_text:N", title="gain"),
        alt.Tooltip("cost_text:N", title="cost"),
        alt.Tooltip("accuracy_text:N", title="FD of stolen images"),
        alt.Tooltip("utility_text:N", title="FD of the answers"),
        alt.Tooltip("beaten:N", title="beaten beyond noise by"),
        alt.Tooltip("seeds:Q", title="seeds"),
        alt.Tooltip("flags:Q", title="flags"),
    ]
