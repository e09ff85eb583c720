"""Several models in two metrics, with the front of those that no other beats, and with limits drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.compare.pareto import unbeaten
from archprof.errors import UsageError
from archprof.records.metrics import find_metric
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind
from archprof.render.figures.scatter import ANSWER, NAMED, OFF, ON, scatters
from archprof.render.figures.style import LESS, QUIET, TOTAL, VEGA_LITE, amounts, times
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.records.metrics import Metric
    from archprof.render.figures import Spec
    from archprof.render.figures.scatter import Point, Scatter

COLORS = {ON: TOTAL, OFF: QUIET, ANSWER: LESS}


class Pareto(FigureKind):
    """A point a model."""

    name = "pareto"
    options = ("--x", "--y", "--limit")
    help = "models in two metrics, with the Pareto front"
    absent = "a scatter is of two models or more with both metrics, a sweep, or a suggestion with --vary or --front"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure of all the profiles together, and of each comparison of several, sweep, and suggestion."""
        for scatter in scatters(records, choice):
            if len(scatter.points) > 1:
                yield _figure(scatter, choice.limits)


def front(points: Sequence[Point], lower_is_better: Sequence[bool]) -> list[Point]:
    """Those points that no other beats, along the x axis."""
    sides = [1 if lower else -1 for lower in lower_is_better]
    members = [points[index] for index in unbeaten([(point["x"], point["y"]) for point in points], lower_is_better)]
    return sorted(members, key=lambda point: (sides[0] * point["x"], sides[1] * point["y"]))


def _figure(scatter: Scatter, limits: Mapping[str, float]) -> Figure:
    points = scatter.points
    (x, _), (y, _) = scatter.both
    members = front(points, [lower for _, lower in scatter.both])
    for member in members:
        member["front"] = True
        if member["state"] == OFF:
            member["state"] = ON
    names = ", ".join(member["model"] for member in members[:6])
    more = f" and {len(members) - 6} more" if len(members) > 6 else ""
    has_flops = any(metric.unit is Unit.flops for metric in (x, y))
    return Figure(
        kind=Pareto.name,
        title=f"{y.label[0].upper()}{y.label[1:]} against {x.label}",
        text=f"{units.plural(len(points), scatter.noun)}; on the Pareto front: {names}{more}.",
        spec=_spec(points, members, scatter.both, _limits(limits, x, y), scatter.named),
        about=[*scatter.about, *(["FLOPs are 2 × multiply-accumulates"] if has_flops else [])],
        command=_with_limits(scatter.command, limits),
    )


def _with_limits(command: str, limits: Mapping[str, float]) -> str:
    """The command with the limits that are drawn in, before the file that it writes."""
    drawing, output, file = command.rpartition(" -o ")
    return drawing + "".join(f" --limit {name}={value:.15g}" for name, value in limits.items()) + output + file


def _limits(limits: Mapping[str, float], x: Metric, y: Metric) -> dict[str, float]:
    """The limit on each axis that has one.

    Raises:
        UsageError: Where one is of another metric.
    """
    for name in limits:
        if name not in (x.name, y.name):
            raise UsageError(f"a limit on {name!r}, which is on no axis", hint=f"the axes are {x.name} and {y.name}")
    return {axis: limits[metric.name] for axis, metric in (("x", x), ("y", y)) if metric.name in limits}


def _axis(metric: Metric, largest: float) -> dict[str, Any]:
    if metric.unit is Unit.seconds:
        return times(largest, metric.label)
    unit = str(metric.unit) if metric.unit in (Unit.flops, Unit.macs, Unit.bytes) else ""
    axis = amounts(largest, unit)
    title = metric.label if metric.unit in (Unit.flops, Unit.macs) else f"{metric.label} ({axis['title'] or ''})"
    return {**axis, "title": (axis["title"] if metric.label == unit else title).replace(" ()", "")}


def _spec(
    points: list[Point],
    members: list[Point],
    both: tuple[tuple[Metric, bool], tuple[Metric, bool]],
    limits: Mapping[str, float],
    named: int,
) -> Spec:
    (x_metric, _), (y_metric, _) = both

    def channel(name: str, metric: Metric) -> dict[str, Any]:
        values = [point[name] for point in points] + [value for key, value in limits.items() if key == name]
        low, high = min(values), max(values)
        room = 0.12 * (high - low) or 0.5 * high or 1
        scale = {
            "domain": [max(0.0, low - room) if low >= 0 else low - room, high + room],
            "nice": False,
            "zero": False,
        }
        return {"field": name, "type": "quantitative", "scale": scale, "axis": _axis(metric, high)}

    x, y = channel("x", x_metric), channel("y", y_metric)
    shown = points if len(points) <= named else members if len(members) <= NAMED else []
    middle = sum(x["scale"]["domain"]) / 2
    tooltip = [{"field": "model"}, {"field": "x", "format": ",", "title": x_metric.label},
               {"field": "y", "format": ",", "title": y_metric.label}, {"field": "state"}]  # fmt: skip
    states = [state for state in COLORS if any(point["state"] == state for point in points)]
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "datum.front"}],
            "name": "front",
            "mark": {"type": "line", "interpolate": "step-after", "color": TOTAL, "opacity": 0.6, "aria": False},
            "encoding": {"x": x, "y": y, "order": {"field": "x", "sort": "ascending" if both[0][1] else "descending"}},
        },
        {
            "name": "models",
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "color": {"field": "state", "scale": {"domain": states, "range": [COLORS[state] for state in states]},
                          "legend": {"title": None}},
                "shape": {"field": "state", "scale": {"domain": states}, "legend": {"title": None}},
                "tooltip": tooltip,
            },
        },
        *(
            {
                "data": {"values": [point for point in shown if (point["x"] > middle) is late]},
                "mark": {"type": "text", "align": "right" if late else "left", "dx": -7 if late else 7, "dy": -7},
                "encoding": {"x": x, "y": y, "text": {"field": "model"}},
            }
            for late in (False, True)
        ),
        *(
            {
                "data": {"values": [{name: value}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": LESS, "strokeWidth": 1.5},
                "encoding": {name: x if name == "x" else y},
            }
            for name, value in limits.items()
        ),
    ]  # fmt: skip
    return {
        "$schema": VEGA_LITE,
        "height": 300,
        "data": {"values": [_value(point) for point in points]},
        "transform": [{"calculate": f"datum.state || '{OFF}'", "as": "state"}],
        "layer": layers,
    }


def _value(point: Point) -> Point:
    """A point as data: of thousands, most are beaten by another, and their state would be most of the bytes."""
    return {key: value for key, value in point.items() if (key, value) != ("state", OFF)}


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """``flops=8G`` -> the limit by metric.

    Raises:
        UsageError: Where there is no such metric, or no such amount.
    """
    from archprof.quantity import parse

    limits = {}
    for text in texts:
        name, _, amount = text.partition("=")
        metric = find_metric(name)
        try:
            limits[metric.name] = float(parse(amount, metric.unit).value)
        except ValueError as error:
            raise UsageError(f"--limit {text!r}: expected {error}", hint="for example --limit flops=8G") from None
    return limits


FIGURES.register(Pareto.name, Pareto())
