"""How plots look, in the light and in the dark: Vega's configuration. The page's own colours are in ``style.css``."""

from __future__ import annotations

from typing import Any, Literal

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"

CATEGORIES = {
    "light": "#1f5fa8 #b3541e #2e7d4f #8a3fa0 #a8323e #0f7482 #7a5c00 #5b5fc7 #8c4a2f #3f6f1f #a0346f #4d6070",
    "dark": "#7db3f0 #f0a66e #7fcf9c #d39be6 #f08b93 #67c9d6 #d9b94a #a9acf5 #d9a48c #9fcf7a #ee90bf #a9b8c6",
}
"""One per family: each at a contrast of at least 4.5 to the page, as labels are written in it (WCAG 2.2, 1.4.3)."""

INKS = {
    "light": {"ink": "#1d2530", "soft": "#596273", "line": "#d9dde3", "users": "#1f5fa8", "thief": "#b0302c"},
    "dark": {"ink": "#e8ebf0", "soft": "#a3adba", "line": "#343c48", "users": "#7db3f0", "thief": "#f2938c"},
}


def config(name: Literal["light", "dark"]) -> dict[str, Any]:
    """The configuration of a theme."""
    ink = INKS[name]
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "range": {"category": CATEGORIES[name].split()},
        "axis": {
            "domainColor": ink["line"],
            "gridColor": ink["line"],
            "gridOpacity": 0.5,
            "tickColor": ink["line"],
            "labelColor": ink["soft"],
            "titleColor": ink["soft"],
            "titleFontWeight": 500,
            "titlePadding": 10,
            "labelFontSize": 11,
            "titleFontSize": 12,
        },
        "style": {
            "users": _style(ink["users"]),
            "thief": _style(ink["thief"]),
            "null": _style(ink["ink"]),
            "front": {"color": ink["ink"], "strokeWidth": 7, "opacity": 0.12, "strokeJoin": "round"},
            "faint": {"color": ink["soft"], "strokeDash": [6, 4], "fontSize": 11},
        },
    }


def _style(colour: str) -> dict[str, Any]:
    return {"color": colour, "strokeWidth": 2, "fontSize": 11, "fontWeight": 600}
