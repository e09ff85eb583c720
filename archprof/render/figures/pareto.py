"""Several models in two metrics, with the front of those that no other beats, and with limits drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.compare.pareto import axes, unbeaten
from archprof.errors import UsageError
from archprof.records.comparison import Comparison
from archprof.records.metrics import BY_NAME, find_metric
from archprof.records.profile import Profile
from archprof.records.suggestion import Suggestion
from archprof.records.sweep import Sweep
from archprof.render import several
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind
from archprof.render.figures.style import LESS, QUIET, TOTAL, VEGA_LITE, amounts, printable, times
from archprof.suggest.additive import find_additive
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.records.metrics import Metric
    from archprof.render.figures import Spec

ON, OFF = "on the front", "beaten by another"

NAMED = 24
"""Models that are named beside their points; of more, those on the front."""

Point = dict[str, Any]


class Pareto(FigureKind):
    """A point a model."""

    name = "pareto"
    help = "models in two metrics, with the Pareto front"
    absent = "a scatter is of two models or more that have both metrics"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure of all the profiles together, and one of each comparison of more than two models."""
        profiles = [record for record in records if isinstance(record, Profile)]
        names = several.names_of(profiles)
        if len(set(names)) < len(names):
            scales = [profile.variant.scale or "" for profile in profiles]
            names = [f"{name} {scale}".rstrip() for name, scale in zip(names, scales, strict=True)]
        both = axes(choice.x, choice.y)
        values = [[metric.of(profile) for metric, _ in both] for profile in profiles]
        points = _points(names, values)
        references = [profile.variant.reference for profile in profiles]
        if len(points) > 1:
            inputs = {" + ".join(map(units.shape, profile.input.shapes)) for profile in profiles}
            kinds = {profile.input.dtype for profile in profiles}
            versions = {f"archprof {profile.tool.version}" for profile in profiles}
            about = [*sorted(inputs), *sorted(kinds), *sorted(versions)]
            yield _figure(points, both, choice.limits, about, " ".join(dict.fromkeys(references)))
        for record in records:
            if isinstance(record, Sweep):
                yield from _of_sweep(record, choice)
            if isinstance(record, Suggestion) and record.front_metric:
                yield from _of_suggestion(record, record.front_metric, choice)
            if isinstance(record, Comparison) and len(record.models) > 2:
                both = axes(record.front.x, record.front.y)
                names = [side.name for side in record.models]
                values = [[side.metrics.get(metric.name) for metric, _ in both] for side in record.models]
                points = _points(names, values)
                if len(points) > 1:
                    yield _figure(points, both, choice.limits, [f"archprof {record.tool.version}"], " ".join(names))


def _of_sweep(sweep: Sweep, choice: Choice) -> Iterator[Figure]:
    """The variants of a sweep, in the metrics of its own front where it has one."""
    front = sweep.front
    both = axes(front.x, front.y) if front else axes(choice.x, choice.y)
    names = [", ".join(f"{name} {units.literal(value)}" for name, value in row.point.items()) for row in sweep.rows]
    points = _points(names, [[row.figures.get(metric.name) for metric, _ in both] for row in sweep.rows])
    if len(points) > 1:
        about = [str(sweep.setup.get("reference", "")), f"archprof {sweep.tool.version}"]
        yield _figure(points, both, choice.limits, about, "sweep.json", named=0)


def _of_suggestion(suggestion: Suggestion, metric: str, choice: Choice) -> Iterator[Figure]:
    """The best answers over one budget, and the answer that was given."""
    both = (find_additive(metric), True), (find_additive(suggestion.goal), not suggestion.maximise)
    chosen = (suggestion.predicted.get(metric), suggestion.predicted[suggestion.goal])
    values = [(point.used, point.goal) for point in suggestion.front if (point.used, point.goal) != chosen]
    names = [str(len(point.experts)) for point in suggestion.front if (point.used, point.goal) != chosen]
    points = _points([*names, f"{len(suggestion.placement)} (answer)"], [*values, chosen])
    if len(points) > 1:
        about = [suggestion.variant.name, "numbers of dynamic convolutions", f"archprof {suggestion.tool.version}"]
        yield _figure(points, both, choice.limits, about, "suggestion.json")


def _points(labels: Sequence[str], values: Sequence[Sequence[float | None]]) -> list[Point]:
    return [
        {"model": printable(label), "x": x, "y": y, "state": OFF}
        for label, (x, y) in zip(labels, values, strict=True)
        if x is not None and y is not None
    ]


def front(points: Sequence[Point], lower_is_better: Sequence[bool]) -> list[Point]:
    """Those points that no other beats, along the x axis."""
    sides = [1 if lower else -1 for lower in lower_is_better]
    members = [points[index] for index in unbeaten([(point["x"], point["y"]) for point in points], lower_is_better)]
    return sorted(members, key=lambda point: (sides[0] * point["x"], sides[1] * point["y"]))


def _figure(
    points: list[Point],
    both: tuple[tuple[Metric, bool], tuple[Metric, bool]],
    limits: Mapping[str, float],
    about: Sequence[str],
    references: str,
    named: int = NAMED,
) -> Figure:
    (x, _), (y, _) = both
    members = front(points, [lower for _, lower in both])
    for member in members:
        member["state"] = ON
    names = ", ".join(member["model"] for member in members[:6])
    options = f"--x {x.name} --y {y.name}"
    return Figure(
        kind=Pareto.name,
        title=f"{y.label[0].upper()}{y.label[1:]} against {x.label}",
        text=f"{units.plural(len(points), 'model')}; on the Pareto front: {names}.",
        spec=_spec(points, members, both, _limits(limits, x, y), named),
        about=[*about, "FLOPs are 2 × multiply-accumulates"],
        command=f"archprof plot pareto {references} {options} -o pareto.svg",
    )


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
    shown = points if len(points) <= named else members
    middle = sum(x["scale"]["domain"]) / 2
    tooltip = [{"field": "model"}, {"field": "x", "format": ",", "title": x_metric.label},
               {"field": "y", "format": ",", "title": y_metric.label}, {"field": "state"}]  # fmt: skip
    states = [state for state in (ON, OFF) if any(point["state"] == state for point in points)]
    colors = {ON: TOTAL, OFF: QUIET}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": members},
            "name": "front",
            "mark": {"type": "line", "interpolate": "step-after", "color": TOTAL, "opacity": 0.6},
            "encoding": {"x": x, "y": y},
        },
        {
            "name": "models",
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "color": {"field": "state", "scale": {"domain": states, "range": [colors[state] for state in states]},
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
    return {"$schema": VEGA_LITE, "height": 300, "data": {"values": points}, "layer": layers}


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """``flops=8G`` -> the limit by metric.

    Raises:
        UsageError: Where there is no such metric, or no such amount.
    """
    from archprof.quantity import parse

    limits = {}
    for text in texts:
        name, _, amount = text.partition("=")
        metric = BY_NAME.get(name) or find_metric(name)
        try:
            limits[metric.name] = float(parse(amount, metric.unit).value)
        except ValueError as error:
            raise UsageError(f"--limit {text!r}: expected {error}", hint="for example --limit flops=8G") from None
    return limits


FIGURES.register(Pareto.name, Pareto())
