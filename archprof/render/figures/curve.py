"""A model with one number of experts M after another: its ratios to the static equivalent, and the paper's points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.expert_curve import ExpertCurve
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.published import claims
from archprof.render.figures.style import QUANTITIES, TOTAL, VEGA_LITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.figures import Spec


class Curve(FigureKind):
    """A line a quantity."""

    name = "curve"
    options = ("--experts",)
    help = "ParameterNet's parameters, FLOPs and memory traffic over the number of experts"
    source = "experts"
    absent = "a curve is of a model with dynamic layers: `archprof parameternet REF --experts 1,2,4,8 -o curve.json`"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each model that was rebuilt with numbers of experts, and has a static equivalent."""
        for record in records:
            if isinstance(record, ExpertCurve) and record.curve.static and record.curve.points:
                yield _figure(record)


def points_of(record: ExpertCurve) -> list[dict[str, Any]]:
    """The ratio of each quantity at each M."""
    static = record.curve.static
    assert static is not None  # asked before
    return [
        {"experts": point.experts, "quantity": quantity, "ratio": value / base, "value": value}
        for point in record.curve.points
        for quantity, value, base in (
            ("parameters", point.measured.parameters, static.parameters),
            ("FLOPs", 2 * point.measured.macs, 2 * static.macs),
            ("memory traffic", point.measured.bytes_moved, static.bytes_moved),
        )
        if base
    ]


def published_of(record: ExpertCurve) -> list[dict[str, Any]]:
    """The parameters that a paper prints of the variant at each M, over those of the static equivalent."""
    static = record.curve.static
    assert static is not None  # asked before
    by_experts = {}
    for claim in claims(record.variant):
        experts = claim.settings.get("set", {}).get("experts")
        for figure in claim.figures:
            if figure.figure == "parameters" and isinstance(experts, int):
                by_experts[experts] = float(figure.value)
    return [
        {"experts": experts, "quantity": "parameters", "ratio": value / static.parameters, "value": value}
        for experts, value in sorted(by_experts.items())
    ]


def _figure(record: ExpertCurve) -> Figure:
    points, published = points_of(record), published_of(record)
    last = record.curve.points[-1]
    ends = ", ".join(
        f"{units.factor(point['ratio'])} the {point['quantity']}"
        for point in points
        if point["experts"] == last.experts
    )
    experts = ",".join(str(point.experts) for point in record.curve.points)
    other_settings = {key: value for key, value in record.variant.settings.items() if key != "experts"}
    variant = type(record.variant)(name=record.variant.name, reference=record.variant.reference,
                                   origin=record.variant.origin, scale=record.variant.scale, nc=record.variant.nc,
                                   settings=other_settings, fused=record.variant.fused)  # fmt: skip
    unit = "ratios to the static equivalent"
    return Figure(
        kind=Curve.name,
        title=f"{record.variant.name} over the number of experts",
        text=f"With M = {last.experts}: {ends}.",
        spec=_spec(points, published),
        about=[*origin.of_variant(variant, record.input, unit), *origin.versions(record.tool, record.environment)],
        command=origin.command(Curve.name, variant, record.input, "--experts", experts),
    )


def _spec(points: list[dict[str, Any]], published: list[dict[str, Any]]) -> Spec:
    experts = sorted({point["experts"] for point in points})
    x = {
        "field": "experts",
        "type": "quantitative",
        "scale": {"domain": [0, max(experts) * 1.04], "nice": False},
        "axis": {"title": "experts M", "values": experts, "grid": False},
    }
    y = {
        "field": "ratio",
        "type": "quantitative",
        "axis": {"title": "times the static equivalent", "labelExpr": "'×' + datum.label"},
    }
    color = {"field": "quantity", "scale": {"domain": list(QUANTITIES), "range": list(QUANTITIES.values())},
             "legend": {"title": None}}  # fmt: skip
    shape = {"field": "quantity", "scale": {"domain": list(QUANTITIES)}, "legend": {"title": None}}
    tooltip = [{"field": "experts"}, {"field": "quantity"}, {"field": "value", "format": ",d"},
               {"field": "ratio", "format": ".4f"}]  # fmt: skip
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "opacity": 0.7}, "encoding": {"x": x, "y": y, "color": color}},
        {
            "name": "measured",
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "shape": shape, "tooltip": tooltip},
        },
    ]
    if published:
        first = [{**published[-1], "text": "○ published"}]
        layers += [
            {
                "data": {"values": published},
                "name": "published",
                "mark": {"type": "point", "size": 150, "shape": "circle", "color": TOTAL, "opacity": 1},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": {"values": first},
                "mark": {"type": "text", "align": "right", "dx": -12},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            },
        ]
    return {"$schema": VEGA_LITE, "height": 260, "data": {"values": points}, "layer": layers}


FIGURES.register(Curve.name, Curve())
