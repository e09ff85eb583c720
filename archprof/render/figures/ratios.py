"""ParameterNet, layer by layer: how many times a plain layer's figures a dynamic one has, predicted and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.profile import Profile
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.style import QUANTITIES, QUIET, VEGA_LITE, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.figures import Spec

PREDICTED, MEASURED = "predicted by the paper", "measured"


class Ratios(FigureKind):
    """Two marks a layer and quantity: what the paper's formula gives, and what was counted."""

    name = "ratios"
    help = "ParameterNet's ratios of each dynamic layer, predicted and measured"
    absent = "it has no dynamic layers"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each profile with dynamic layers."""
        for profile in records:
            if isinstance(profile, Profile) and profile.parameternet and profile.parameternet.layers:
                yield _figure(profile, points_of(profile))


def points_of(profile: Profile) -> list[dict[str, Any]]:
    """Each ratio of each layer, those that there are."""
    analysis = profile.parameternet
    rows = {layer.path: layer.index for layer in profile.layers}
    points: list[dict[str, Any]] = []
    for layer in analysis.layers if analysis else ():
        traffic = layer.moved_bytes / layer.static_bytes if layer.static_bytes else None
        for quantity, predicted, measured in (
            ("parameters", layer.parameters_ratio.paper, layer.parameters_ratio.measured),
            ("FLOPs", layer.flops_ratio.paper, layer.flops_ratio.measured),
            ("memory traffic", None, traffic),
        ):
            for kind, ratio in ((PREDICTED, predicted), (MEASURED, measured)):
                if ratio:
                    row = next((rows[path] for path in rows if f"{layer.module}.".startswith(f"{path}.")), None)
                    label = {"layer": printable(layer.module or "(the model)"), "quantity": quantity, "row": row}
                    points.append({**label, "kind": kind, "ratio": ratio})
    return points


def _figure(profile: Profile, points: list[dict[str, Any]]) -> Figure:
    model = profile.parameternet.model if profile.parameternet else None
    layers = len({point["layer"] for point in points})
    whole = (
        f" The whole model has {units.factor(model.parameters_ratio.measured)} the parameters and "
        f"{units.factor(model.flops_ratio.measured)} the FLOPs of its static equivalent."
        if model
        else ""
    )
    return Figure(
        kind=Ratios.name,
        title=f"Dynamic layers of {profile.variant.name}, predicted and measured",
        text=f"Ratios of {units.plural(layers, 'dynamic layer')} to plain ones.{whole}",
        spec=_spec(points),
        about=origin.about(profile, "ratios to the plain layer"),
        command=origin.command(Ratios.name, profile.variant, profile.input),
    )


def _spec(points: list[dict[str, Any]]) -> Spec:
    kinds = [PREDICTED, MEASURED]
    most = max(point["ratio"] for point in points)
    x = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {"domain": [0, 1.08 * most], "nice": False},
        "axis": {"title": "times the plain layer", "labelExpr": "'×' + datum.label"},
    }
    color = {"field": "quantity", "scale": {"domain": list(QUANTITIES), "range": list(QUANTITIES.values())},
             "legend": {"title": None}}  # fmt: skip
    shape = {"field": "kind", "scale": {"domain": kinds, "range": ["circle", "cross"]}, "legend": {"title": None}}
    tooltip = [{"field": "layer"}, {"field": "quantity"}, {"field": "kind"}, {"field": "ratio", "format": ".4f"}]
    return {
        "$schema": VEGA_LITE,
        "height": 18 * len({point["layer"] for point in points}),
        "data": {"values": points},
        "layer": [
            {
                "data": {"values": [{"ratio": 1}]},
                "mark": {"type": "rule", "color": QUIET, "strokeDash": [4, 3]},
                "encoding": {"x": x},
            },
            *(
                {
                    "name": "predicted" if kind == PREDICTED else "measured",
                    "transform": [{"filter": {"field": "kind", "equal": kind}}],
                    "mark": {
                        "type": "point",
                        "filled": kind == MEASURED,
                        "size": size,
                        "strokeWidth": 1.6,
                        "opacity": 1,
                    },
                    "encoding": {
                        "y": {"field": "layer", "type": "nominal", "sort": None, "axis": {"title": None, "grid": True}},
                        "x": x,
                        "color": color,
                        "shape": shape,
                        "tooltip": tooltip,
                    },
                }
                for kind, size in ((PREDICTED, 90), (MEASURED, 40))
            ),
        ],
    }


FIGURES.register(Ratios.name, Ratios())
