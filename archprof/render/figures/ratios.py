"""ParameterNet, layer by layer: how many times a plain layer's figures a dynamic one has, predicted and measured.

Parameters and FLOPs are predicted by the paper's formulas, a layer's memory traffic by our own, for the paper has none.
A layer's latency is predicted by the roofline: the longer of its arithmetic and its memory traffic at the device's best
rates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.benchmark import Benchmark
from archprof.records.dynamic_report import DynamicReport
from archprof.records.profile import Profile
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.distribution import command_of
from archprof.render.figures.style import PALETTE, QUANTITIES, QUIET, VEGA_LITE, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.records.parameternet import DynamicLayer, ParameterNet, Ratio
    from archprof.records.prediction import Prediction
    from archprof.render.figures import Spec

PREDICTED, MEASURED = "predicted", "measured"
MODEL = "the whole model"
LATENCY = "latency"
COLORS = {**QUANTITIES, LATENCY: PALETTE[4]}

Point = dict[str, Any]


class Ratios(FigureKind):
    """Two marks a layer and quantity: what a formula gives, and what was counted or timed."""

    name = "ratios"
    help = "ParameterNet's ratios of each dynamic layer, predicted and measured"
    absent = "ratios are of a model with dynamic layers: `archprof parameternet REF -o parameternet.json`"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each result with dynamic layers; of a benchmark, one for each model beside its equivalent."""
        for record in records:
            if isinstance(record, Benchmark):
                for dynamic, static in _timed_pairs(record):
                    for figure in _figures(DynamicReport.of(dynamic, static), dynamic, rows_timed(dynamic, static)):
                        yield replace(figure, command=command_of(record, self.name))
            elif isinstance(record, Profile):
                yield from _figures(DynamicReport.of(record), record)
            elif isinstance(record, DynamicReport):
                yield from _figures(record)


def _timed_pairs(benchmark: Benchmark) -> Iterator[tuple[Profile, Profile]]:
    """Models with dynamic layers whose static equivalents were timed row by row, too."""
    static = {profile.variant.reference: profile for profile in benchmark.profiles if profile.variant.static}
    for profile in benchmark.profiles:
        equivalent = static.get(profile.variant.reference)
        if profile.parameternet and equivalent and profile.breakdowns and equivalent.breakdowns:
            yield profile, equivalent


def _figures(result: DynamicReport, profile: Profile | None = None, timed: Sequence[Point] = ()) -> Iterator[Figure]:
    if result.parameternet and result.parameternet.layers:
        rows = {layer.path: layer.index for layer in profile.layers} if profile else {}
        yield _figure(result, result.parameternet, [*points_of(result, rows), *timed])


def points_of(result: DynamicReport, rows: Mapping[str, int]) -> list[Point]:
    """Each ratio of each layer and of the whole model, those that there are.

    Args:
        result: The dynamic layers.
        rows: By path, the index of each row of the file.
    """
    analysis, prediction = result.parameternet, result.prediction
    points: list[Point] = []
    for layer in analysis.layers if analysis else ():
        row = next((rows[path] for path in rows if f"{layer.module}.".startswith(f"{path}.")), None)
        sizes = layer.predicted_bytes, layer.moved_bytes
        traffic = [size / layer.static_bytes if size and layer.static_bytes else None for size in sizes]
        points += _points(
            layer.module or "(the model)", row,
            _counted(layer.parameters_ratio, layer.flops_ratio)
            | {"memory traffic": (traffic[0], traffic[1]), LATENCY: (roofline_ratio(layer, prediction), None)},
        )  # fmt: skip
    return points + _of_model(result)


def _of_model(result: DynamicReport) -> list[Point]:
    model = result.parameternet.model if result.parameternet else None
    if model is None:
        return []
    traffic = (
        model.dynamic.bytes_moved / model.static.bytes_moved if model.static and model.static.bytes_moved else None
    )
    prediction, timed = result.prediction, model.latency
    static = result.static_prediction.seconds if result.static_prediction else prediction and prediction.static_s
    latency = (
        prediction.seconds / static if prediction and static else None,
        timed.comparison.result.ratio if timed and timed.comparison else None,
    )
    counted = _counted(model.parameters_ratio, model.flops_ratio)
    return _points(MODEL, None, counted | {"memory traffic": (None, traffic), LATENCY: latency})


def _counted(parameters: Ratio, flops: Ratio) -> dict[str, tuple[float | None, float | None]]:
    return {"parameters": (parameters.paper, parameters.measured), "FLOPs": (flops.paper, flops.measured)}


def _points(name: str, row: int | None, ratios: Mapping[str, tuple[float | None, float | None]]) -> list[Point]:
    label = printable(name)
    return [
        {"layer": label, "quantity": quantity, "row": row, "kind": kind, "ratio": ratio}
        for quantity, pair in ratios.items()
        for kind, ratio in zip((PREDICTED, MEASURED), pair, strict=True)
        if ratio
    ]


def roofline_ratio(layer: DynamicLayer, prediction: Prediction | None) -> float | None:
    """How many times the plain layer's time a dynamic one takes at best; None where the device's rates are not known.

    The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009): a layer takes at least the time of its
    arithmetic and that of its memory traffic.
    """
    if prediction is None or not prediction.peak_flops_per_s or not prediction.peak_bytes_per_s:
        return None
    flops_per_s, bytes_per_s = prediction.peak_flops_per_s, prediction.peak_bytes_per_s
    dynamic, static = (
        max(2 * macs / flops_per_s, size / bytes_per_s)
        for macs, size in (
            (layer.macs.measured, layer.moved_bytes),
            (layer.macs.static, layer.static_bytes),
        )
    )
    return dynamic / static if static else None


def rows_timed(dynamic: Profile, static: Profile) -> list[Point]:
    """Measured ratios of times on the first device: of the whole model, and of each row that has dynamic layers."""
    medians = [profile.latency[0].median_s if profile.latency else None for profile in (dynamic, static)]
    whole = _points(MODEL, None, {LATENCY: (None, medians[0] / medians[1])}) if medians[0] and medians[1] else []
    seconds = {part.name: part.seconds for part in static.breakdowns[0].parts}
    modules = [layer.module for layer in dynamic.parameternet.layers] if dynamic.parameternet else []
    times = {part.name: part.seconds for part in dynamic.breakdowns[0].parts}
    return whole + [
        point
        for layer in dynamic.layers
        if seconds.get(layer.path) and any(f"{module}.".startswith(f"{layer.path}.") for module in modules)
        for point in _points(
            f"row {layer.index} {layer.module}", layer.index,
            {LATENCY: (None, times.get(layer.path, 0.0) / seconds[layer.path])},
        )
    ]  # fmt: skip


def _figure(result: DynamicReport, analysis: ParameterNet, points: list[Point]) -> Figure:
    model = analysis.model
    predicted = ["parameters and FLOPs by the paper's formulas"]
    if any(layer.predicted_bytes for layer in analysis.layers):
        predicted.append("a layer's memory traffic by archprof's own")
    if any(point["quantity"] == LATENCY and point["kind"] == PREDICTED for point in points):
        predicted.append("a layer's latency by the roofline of the calibrated device")
    model_sentence = (
        f"The whole model has {units.factor(model.parameters_ratio.measured)} the parameters and "
        f"{units.factor(model.flops_ratio.measured)} the FLOPs of its static equivalent"
    )
    return Figure(
        kind=Ratios.name,
        title=f"Dynamic layers of {result.variant.name}, predicted and measured",
        text=f"Ratios of {units.plural(len(analysis.layers), 'dynamic layer')} to plain ones. {model_sentence}. "
        f"Predicted are {' and '.join(predicted)}.",
        spec=_spec(points),
        about=[
            *origin.of_variant(result.variant, result.input, "ratios to the plain layer"),
            *origin.versions(result.tool, result.environment),
            *([f"predicted for {result.prediction.device.name}"] if result.prediction else []),
        ],
        command=origin.command(Ratios.name, result.variant, result.input),
    )


def _spec(points: list[Point]) -> Spec:
    kinds = [PREDICTED, MEASURED]
    most = max(point["ratio"] for point in points)
    x = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {"domain": [0, 1.08 * most], "nice": False},
        "axis": {"title": "times the plain layer", "labelExpr": "'×' + datum.label"},
    }
    quantities = [quantity for quantity in COLORS if any(point["quantity"] == quantity for point in points)]
    color = {"field": "quantity", "scale": {"domain": quantities, "range": [COLORS[name] for name in quantities]},
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
