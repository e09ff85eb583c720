"""How figures look: colours, fonts, widths; and how a specification is made to fit where it is drawn."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.render.figures import Figure, Spec

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v6.json"
VEGA = "https://vega.github.io/schema/vega/v6.json"

TOTAL = "#3465a8"
"""What stands for a whole; the blue, orange and yellow differ in lightness too, so that they differ in grey."""

LESS = "#e07f37"
"""What is taken off, or left out."""

MORE = "#f3d673"
"""What is added."""

PALETTE = (TOTAL, LESS, MORE, "#9cc9e6", "#5b3a70", "#1f8a70")
"""Colours of things without an order of their own; every two differ for colour-blind readers."""

QUANTITIES = {"parameters": TOTAL, "FLOPs": LESS, "memory traffic": PALETTE[5]}
"""The colour of each quantity of ParameterNet's."""

OTHER = "#c4c4c4"
"""What has no colour of its own."""

QUIET = "#808080"
"""Lines that are no data; they are seen on white and on black."""

INK = "#1a1a1a"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

WIDTHS = {"column": 252, "page": 516}
"""Points: a column and the page of a paper in two columns, as ACM's and IEEE's are."""

READABLE = 640
"""The width, in points, of a figure for the screen."""


def config(ink: str, size: int, background: str | None = None) -> dict[str, Any]:
    """What a specification leaves open.

    Args:
        ink: The colour of text; "currentColor" is that of the page around.
        size: The size of text in points.
        background: What is behind it; None for what is there.
    """
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": size, "titleFontSize": size}
    lines = {"gridColor": QUIET, "gridOpacity": 0.25, "domainColor": QUIET, "tickColor": QUIET}
    return {
        "background": background,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {**text, **lines, "titleFontWeight": "normal", "labelLimit": 190},
        "legend": {**text, "titleFontWeight": "normal", "orient": "bottom", "columns": 3, "labelLimit": 190,
                   "layout": {"bottom": {"direction": "vertical", "anchor": "start"}}},
        "title": {"color": ink, "subtitleColor": ink, "fontSize": size + 2, "subtitleFontSize": size, "anchor": "start",
                  "frame": "bounds", "offset": 12},
        "text": {"color": ink, "fill": ink, "fontSize": size},
        "rule": {"color": ink},
    }  # fmt: skip


def for_page(figure: Figure) -> Spec:
    """The specification for a page: as wide as there is room, in the colour of the page's text."""
    spec = {**figure.spec, "config": config("currentColor", 12)}
    if figure.spec["$schema"] == VEGA_LITE:
        return {**spec, "width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
    resize = {"events": {"source": "window", "type": "resize"}, "update": "containerSize()[0]"}
    spec.pop("width", None)
    return {
        **spec,
        "autosize": {"type": "fit", "contains": "padding"},
        "signals": [{"name": "width", "init": "containerSize()[0]", "on": [resize]}, *figure.spec.get("signals", ())],
    }


def for_file(figure: Figure, width: int, *, size: int = 9, title: bool = False, inline: bool = False) -> Spec:
    """The specification for a picture that stands by itself.

    Args:
        figure: The figure.
        width: How wide it is, in points.
        size: The size of its text, in points.
        title: Whether its title and what one must know to quote it stand above it.
        inline: Whether it becomes a part of a page, and takes that page's colour of text and background.
    """
    settings = config("currentColor", size) if inline else config(INK, size, "white")
    spec = {**figure.spec, "width": width, "config": settings, "padding": 4}
    spec["signals"] = [without_input(signal) for signal in spec.get("signals", ())]
    spec["autosize"] = {"type": "fit" if "vega-lite" not in spec["$schema"] else "fit-x", "contains": "padding"}
    if not spec["signals"]:
        del spec["signals"]
    if title:
        about = wrapped([printable(piece, 160) for piece in figure.about], int(1.75 * width / size))
        spec["title"] = {"text": printable(figure.title, 100), "subtitle": about}
    return spec


def without_input(signal: dict[str, Any]) -> dict[str, Any]:
    """A signal without the control that a reader of a page sets it with."""
    return {key: value for key, value in signal.items() if key != "bind"}


def wrapped(pieces: Iterable[str], length: int) -> list[str]:
    """Pieces on lines of some length, broken between pieces, and between words where a piece is longer than a line."""
    lines = [""]
    for piece in (line for text in pieces for line in textwrap.wrap(text, length)):
        longer = f"{lines[-1]} · {piece}" if lines[-1] else piece
        if len(longer) > length and lines[-1]:
            lines.append(piece)
        else:
            lines[-1] = longer
    return lines


def printable(text: str, length: int = 60) -> str:
    """A stranger's text as a label: one line of signs that can be printed, cut to a length."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line if len(line) <= length else f"{line[: length - 1]}…"


_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def prefix(largest: float) -> tuple[float, str]:
    """The decimal prefix that suits amounts up to a largest, and how much it stands for."""
    return next((pair for pair in _PREFIXES if largest >= pair[0]), _PREFIXES[-1])


def amounts(largest: float, unit: str) -> dict[str, Any]:
    """An axis for amounts up to a largest."""
    factor, sign = prefix(largest)
    words = f"{unit} ({sign})" if sign and unit.islower() else f"{sign}{unit}"
    return {"title": words or None, "labelExpr": f"format(datum.value / {factor:.0f}, ',~r')", "tickCount": 5}


_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def times(largest: float, title: str) -> dict[str, Any]:
    """The same for seconds."""
    factor, unit = next((pair for pair in _TIMES if largest >= pair[0]), _TIMES[-1])
    label = f"format(datum.value * {1 / factor:.0f}, ',~r')"
    return {"title": f"{title} ({unit})", "labelExpr": label, "tickCount": 5}
