"""Arithmetic intensity against speed: what each row could reach on a device at most, and what was measured.

The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009): below the ridge the memory's rate limits an
operation, above it that of the arithmetic.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.benchmark import Benchmark
from archprof.records.profile import Profile, arithmetic_intensity
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.distribution import command_of
from archprof.render.figures.style import LESS, PALETTE, QUIET, TOTAL, VEGA_LITE, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.latency import Latency
    from archprof.render.figures import Spec

AT_ROOF, ROW, MODEL = "row, at the roof", "row, measured", "model, measured"
KINDS = {AT_ROOF: TOTAL, ROW: LESS, MODEL: PALETTE[5]}

Point = dict[str, Any]


class Roofline(FigureKind):
    """A roof, and rows under it."""

    name = "roofline"
    help = "arithmetic intensity against speed, under the device's roof"
    absent = (
        "this computer was not calibrated, and no row was measured: `archprof calibrate` measures the computer, and "
        "`archprof bench REF --layers -o bench.json` the rows"
    )

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each profile that has a prediction, or measured parts."""
        for record in records:
            if isinstance(record, Benchmark):
                for figure in self.figures(record.profiles, choice):
                    yield replace(figure, command=command_of(record, self.name, figure.title))
            elif isinstance(record, Profile) and (points := points_of(record)) and (roof_of(record) or len(points) > 1):
                yield _figure(record, points)  # one point without a roof says no more than its latency does


def roof_of(profile: Profile) -> tuple[float, float] | None:
    """The fastest arithmetic (FLOP/s) and memory (B/s) of the device that a profile was predicted for."""
    prediction = profile.prediction
    if prediction is None or not prediction.peak_flops_per_s or not prediction.peak_bytes_per_s:
        return None
    return prediction.peak_flops_per_s, prediction.peak_bytes_per_s


def points_of(profile: Profile) -> list[Point]:
    """The rows, or the whole model, each at its intensity: under the roof, and where it was measured."""
    roof, points = roof_of(profile), []
    if roof:
        for layer in profile.layers:
            if intensity := arithmetic_intensity(layer):
                name = f"{layer.index} {printable(layer.module)}"
                speed = min(roof[0], intensity * roof[1])
                points.append(_point(AT_ROOF, name, intensity, speed) | {"row": layer.index})
    rows = {layer.path: (layer.index, f"{layer.index} {printable(layer.module)}") for layer in profile.layers}
    for breakdown in profile.breakdowns:
        for part in breakdown.parts:
            if part.intensity and part.flops_per_s:
                row, name = rows.get(part.name, (None, printable(part.name) or "(outside)"))
                measured = _point(ROW, name, part.intensity, part.flops_per_s)
                points.append(measured | {"row": row})
    points += [point for latency in profile.latency if (point := _whole(profile, latency))]
    return points


def _point(kind: str, name: str, intensity: float, speed: float) -> Point:
    return {"kind": kind, "name": name, "intensity": intensity, "speed": speed, "low": None, "high": None, "row": None}


def _whole(profile: Profile, latency: Latency) -> Point | None:
    """The model as it was measured, with the interval of its median."""
    intensity = arithmetic_intensity(profile.totals)
    flops = profile.totals.flops + profile.totals.elementwise_flops
    if not latency.median_s or not intensity or not flops:
        return None
    name = f"the model, {latency.device} {latency.backend}"
    point = _point(MODEL, name, intensity, flops / latency.median_s)
    if latency.ci95_s and all(latency.ci95_s):
        point |= {"low": flops / latency.ci95_s[1], "high": flops / latency.ci95_s[0]}
    return point


def _figure(profile: Profile, points: list[Point]) -> Figure:
    roof = roof_of(profile)
    unit = "FLOPs with elementwise ones; bytes read and written once"
    device = [f"roof of {profile.prediction.device.name}"] if roof and profile.prediction else []
    static = " (static equivalent)" if profile.variant.static else ""
    ridge = f" The ridge is at {units.ratio(roof[0] / roof[1])} FLOP/B." if roof else ""
    return Figure(
        kind=Roofline.name,
        title=f"Roofline of {profile.variant.name}{static}",
        text=f"{units.plural(len(points), 'point')} of arithmetic intensity and speed.{ridge}",
        spec=_spec(points, roof),
        about=[*origin.about(profile, unit), *device],
        command=origin.command(Roofline.name, profile.variant, profile.input),
    )


def _spec(points: list[Point], roof: tuple[float, float] | None) -> Spec:
    intensities = [point["intensity"] for point in points] + ([roof[0] / roof[1]] if roof else [])
    low, high = min(intensities) / 1.6, max(intensities) * 1.6
    logarithmic = {"type": "log", "nice": False}
    x = {
        "field": "intensity",
        "type": "quantitative",
        "scale": {**logarithmic, "domain": [low, high]},
        "axis": {
            "title": "arithmetic intensity (FLOP/B)",
            "grid": False,
            "format": "~r",
            "labelOverlap": True,
            "tickCount": 6,
        },
    }
    y = {
        "field": "speed",
        "type": "quantitative",
        "scale": logarithmic,
        "axis": {"title": "FLOP/s", "format": ".3~s", "labelOverlap": True},
    }
    kinds = [kind for kind in KINDS if any(point["kind"] == kind for point in points)]
    color = {
        "field": "kind",
        "scale": {"domain": kinds, "range": [KINDS[kind] for kind in kinds]},
        "legend": {"title": None},
    }
    shape = {"field": "kind", "scale": {"domain": kinds}, "legend": {"title": None}}
    tooltip = [{"field": "name"}, {"field": "kind"}, {"field": "intensity", "format": ".3~s"},
               {"field": "speed", "format": ".3~s", "title": "FLOP/s"}]  # fmt: skip
    layers: list[dict[str, Any]] = []
    if roof:
        ridge = roof[0] / roof[1]
        line = [{"intensity": at, "speed": min(roof[0], at * roof[1])} for at in (low, ridge, high)]
        layers.append(
            {"data": {"values": line}, "name": "roof", "mark": {"type": "line", "color": QUIET, "strokeWidth": 2},
             "encoding": {"x": x, "y": y}}
        )  # fmt: skip
    layers += [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "color": KINDS[MODEL]},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "name": "points",
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.85},
            "encoding": {"x": x, "y": y, "color": color, "shape": shape, "tooltip": tooltip},
        },
    ]
    return {"$schema": VEGA_LITE, "height": 280, "data": {"values": points}, "layer": layers}


FIGURES.register(Roofline.name, Roofline())
