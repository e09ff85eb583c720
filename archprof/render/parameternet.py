"""ParameterNet's figures as a report: a table of the dynamic layers, the model below it, and what differs where."""

from __future__ import annotations

import math
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.records.dynamic_report import DynamicReport
from archprof.records.failure import Failure
from archprof.render import facts, several, static_latency
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archprof.records.parameternet import Figures, ModelTotals, ParameterNet, Ratio
    from archprof.records.profile import Profile
    from archprof.render import View

FORMULAS = {
    "paper": ("paper", "paper"),
    "paper_approximation": ("approximation", "approx"),
    "as_built": ("as_built", "analytical"),
    "measured": ("", "measured"),
}
"""What a ratio is from, as its record calls it: the end of its column's name, and its title."""


def _ratios(name: str, title: str) -> tuple[Column, ...]:
    """The columns of a ratio; the measured one is called as in every other table."""
    return tuple(
        Column(
            f"{name}_ratio{'_' if end else ''}{end}",
            f"{title}×" if source == "paper" else heading,
            attrgetter(f"{name}_ratio.{source}"),
            show="{:.3f}".format,
            number=True,
            droppable=end == "approximation",
            absent=units.ABSENT,
        )
        for source, (end, heading) in FORMULAS.items()
    )


def _bytes(visible: bool) -> tuple[Column, ...]:
    """What a layer moves, and what the plain one does."""
    size = partial(Column, number=True, visible=visible, show=units.size)
    intensity = partial(Column, number=True, visible=visible, show=units.ratio, droppable=True)
    return (
        size("mixing_bytes", "mixing"),
        size("predicted_bytes_moved", "analytical traffic", attrgetter("predicted_bytes"), absent=units.ABSENT),
        size("bytes_moved", "measured", attrgetter("moved_bytes")),
        size("static_bytes_moved", "static", attrgetter("static_bytes")),
        size("bytes_moved_ratio", "×", lambda layer: layer.moved_bytes / layer.static_bytes, show=units.factor),
        intensity("flops_per_byte", "FLOP/B", attrgetter("intensity")),
        intensity("static_flops_per_byte", "static FLOP/B", attrgetter("static_intensity")),
    )


MODULE = Column("module", "module", lambda layer: layer.module or "(model)", min_width=12)

LAYERS = (
    MODULE,
    Column("kind", "kind", visible=False),
    Column("experts", "M", number=True),
    Column("top_k", "top", lambda layer: layer.top_k or None, number=True),
    Column("in_channels", "in", number=True, droppable=True),
    Column("out_channels", "out", number=True, droppable=True),
    Column("kernel", "K", lambda layer: layer.kernel or None, show=units.shape, raw=units.shape, droppable=True),
    Column("groups", "g", number=True, droppable=True),
    Column("stride", "s", lambda layer: layer.stride or None, show=units.shape, visible=False, raw=units.shape),
    Column(
        "output_size",
        "H'×W'",
        lambda layer: layer.output_size or None,
        show=units.shape,
        droppable=True,
        raw=units.shape,
    ),
    Column("batch", "batch", number=True, visible=False),
    *_ratios("parameters", "params"),
    *_ratios("flops", "FLOPs"),
    Column("parameters", "parameters", attrgetter("parameters.measured"), number=True, visible=False),
    Column("macs", "MACs", attrgetter("macs.measured"), number=True, visible=False),
    *_bytes(visible=False),
)

MEMORY = (MODULE, *_bytes(visible=True))

MODEL = (
    Column("quantity", ""),
    Column("dynamic", "dynamic model", number=True, absent=units.ABSENT),
    Column("static", "static equivalent", number=True, absent=units.ABSENT),
    *(
        Column(source, heading, show=units.factor, number=True, absent=units.ABSENT, droppable=end == "approximation")
        for source, (end, heading) in FORMULAS.items()
    ),
)


TOTALS = (
    Column("dynamic_layers", "dynamic layers", number=True, absent=units.ABSENT),
    Column("experts", "M", number=True, absent=units.ABSENT),
    *(
        Column(
            f"{name}_ratio{'_' if FORMULAS[source][0] else ''}{FORMULAS[source][0]}",
            f"{title}×" if source == "paper" else FORMULAS[source][1],
            show="{:.3f}".format,
            number=True,
            absent=units.ABSENT,
            droppable=source == "as_built",
        )
        for name, title in (("parameters", "params"), ("flops", "FLOPs"))
        for source in ("paper", "as_built", "measured")
    ),
)
"""What a line says of one of several models."""


def report(result: DynamicReport, view: View) -> Report:
    """The dynamic layers of a model."""
    analysis, variant = result.parameternet, result.variant
    layers = table_of(LAYERS, analysis.layers if analysis else (), "module")
    return Report(
        title=variant.name,
        about=facts.about_scaled(variant, result.input),
        tables=[
            layers.without_empty(),
            table_of(MEMORY, analysis.layers, "module"),
            _model(analysis.model, result),
        ]
        if analysis
        else [],
        figures=lambda: figures_of([result], "ratios"),
        notes=notes(result),
        record=result,
        data=layers,
    )


def report_several(results: Sequence[Profile | Failure]) -> Report:
    """Several models: one line each, with their ratios as predicted and as measured."""
    profiles = [result for result in results if not isinstance(result, Failure)]
    names = several.names_of(results)
    columns = (*several.identity_columns(results), *TOTALS, several.ERROR)

    def record(name: str, result: Profile | Failure) -> Record:
        if isinstance(result, Failure):
            return (name, result.scale, *[None] * len(TOTALS), result.error)
        analysis = result.parameternet
        if analysis is None:
            return (name, result.variant.scale, 0, *[None] * len(TOTALS))
        ratios = analysis.model.parameters_ratio, analysis.model.flops_ratio
        experts = ", ".join(map(str, sorted({layer.experts for layer in analysis.layers})))
        figures = [figure for ratio in ratios for figure in (ratio.paper, ratio.as_built, ratio.measured)]
        return (name, result.variant.scale, len(analysis.layers), experts, *figures, None)

    title, about = several.heading(results, [facts.about_all(profile) for profile in profiles])
    return Report(
        title=title,
        about=about,
        tables=[Table(columns, tuple(map(record, names, results)), label="model")],
        notes=several.reasons(results),
        record=[result if isinstance(result, Failure) else DynamicReport.of(result) for result in results],
    )


def notes(result: DynamicReport) -> list[str]:
    """What a reader of the tables should know."""
    analysis = result.parameternet
    if analysis is None:
        return ["no dynamic layers: no layer computes its weights from its input"]
    return [
        *_exact_match(analysis),
        *_tokens(result, analysis),
        *analysis.model.remarks,
        *_grouped((layer.module, note) for layer in analysis.layers for note in layer.notes),
        *_grouped(
            (layer.module, f"the paper is over 5 % off: {'; '.join(layer.broken_assumptions)}")
            for layer in analysis.layers
            if layer.broken_assumptions
        ),
        _memory(analysis),
        *static_latency.notes(result),
    ]


def _grouped(remarks: Iterable[tuple[str, str]]) -> list[str]:
    """Remarks on modules, each once with all modules that it is on."""
    modules: dict[str, list[str]] = {}
    for module, remark in remarks:
        modules.setdefault(remark, []).append(module or "(model)")
    return [f"{', '.join(names)}: {remark}" for remark, names in modules.items()]


def _exact_match(analysis: ParameterNet) -> list[str]:
    """Told where it is so; where it is not, the layers' own notes say why."""
    pairs = [figures for layer in analysis.layers for figures in (layer.parameters, layer.macs)]
    equal = all(figures.as_built == figures.measured for figures in pairs)
    return ["analytical and measured counts match exactly in every layer"] if equal else []


def _tokens(result: DynamicReport, analysis: ParameterNet) -> list[str]:
    """What a token costs, where tokens go in and choose among experts."""
    top_k = sorted({layer.top_k for layer in analysis.layers if layer.top_k})
    if result.input.kind != "tokens" or not top_k:
        return []
    tokens = math.prod(result.input.shapes[0])
    macs = analysis.model.macs
    experts = ", ".join(map(str, sorted({layer.experts for layer in analysis.layers})))
    return [
        f"a token meets {' or '.join(map(str, top_k))} of {experts} experts (top-{top_k[-1]}) and "
        f"costs {units.amount(2 * macs.measured // tokens, 'FLOPs')}, "
        f"{units.amount(2 * macs.static // tokens, 'FLOPs')} in the static equivalent, "
        f"in a text of {units.plural(tokens, 'token')}"
    ]


def _memory(analysis: ParameterNet) -> str:
    """Why the time does not follow the FLOPs."""
    layers = analysis.layers
    mixing = sum(layer.mixing_bytes for layer in layers)
    traffic, plain = (sum(getattr(layer, name) for layer in layers) for name in ("moved_bytes", "static_bytes"))
    measured, static = (sum(getattr(layer.macs, name) for layer in layers) for name in ("measured", "static"))
    return (
        f"memory traffic: {units.size(traffic)} in these layers ({units.size(mixing)} of it to mix kernels), "
        f"{units.size(plain)} in plain ones; arithmetic intensity {units.ratio(2 * measured / traffic)} FLOP/B "
        f"instead of {units.ratio(2 * static / plain)} FLOP/B: where memory is the limit they take "
        f"{units.factor(traffic / plain)} the time, whatever their FLOPs"
    )


def _model(model: ModelTotals, result: DynamicReport) -> Table:
    """The model against its static equivalent, one line a quantity."""
    equivalent = model.static

    def formula(name: str, figures: Figures, ratio: Ratio) -> Record:
        return (name, units.count(figures.measured), units.count(figures.static), *_values(ratio))

    def counted(name: str, show: Callable[[int], str], key: str) -> Record:
        dynamic, static = getattr(model.dynamic, key), getattr(equivalent, key) if equivalent else None
        ratio = dynamic / static if static else None
        return (name, show(dynamic), None if static is None else show(static), None, None, None, ratio)

    records = (
        formula("parameters", model.parameters, model.parameters_ratio),
        formula("MACs", model.macs, model.flops_ratio),
        counted("elementwise FLOPs", units.count, "elementwise_flops"),
        counted("memory traffic", units.size, "bytes_moved"),
        counted("activation writes", units.size, "activation_bytes"),
        counted("weights", units.size, "weight_bytes"),
        *static_latency.records(result),
    )
    return Table(MODEL, records, label="quantity")


def _values(ratio: Ratio) -> tuple[float | None, ...]:
    return ratio.paper, ratio.paper_approximation, ratio.as_built, ratio.measured
