"""ParameterNet's figures -> text: a table of the dynamic layers, the model below it, and what broke where."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render import csv, header, markdown, twin_time
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archprof.records.parameternet import DynamicLayer, Figures, ParameterNet, Ratio, Whole
    from archprof.records.profile import Profile
    from archprof.render import View


def _ratios(name: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            f"{name}_{key}",
            title,
            lambda value: f"{value:.3f}",
            number=True,
            spare=key == "approximation",
            absent=units.ABSENT,
        )
        for key, title in (
            ("paper", "params×" if name == "parameters" else "FLOPs×"),
            ("approximation", "approx"),
            ("as_built", "built"),
            ("measured", "measured"),
        )
    )


LAYERS = (
    Column("module", "module", shrinks=12),
    Column("kind", "kind", printed=False),
    Column("experts", "M", number=True),
    Column("chosen", "top", number=True),
    Column("in_channels", "in", number=True),
    Column("out_channels", "out", number=True),
    Column("kernel", "K", units.shape),
    Column("groups", "g", number=True, spare=True),
    Column("stride", "s", units.shape, printed=False),
    Column("output_size", "H'×W'", units.shape, spare=True),
    Column("batch", "batch", number=True, printed=False),
    *_ratios("parameters"),
    *_ratios("FLOPs"),
    Column("parameters", "parameters", number=True, printed=False),
    Column("macs", "MACs", number=True, printed=False),
    Column("mixing_bytes", "mixing", number=True, printed=False),
    Column("moved_bytes", "moved", number=True, printed=False),
    Column("static_bytes", "static", number=True, printed=False),
    Column("intensity", "FLOPs/B", number=True, printed=False),
    Column("static_intensity", "static", number=True, printed=False),
)

MEMORY = (
    Column("module", "module", shrinks=12),
    Column("mixing_bytes", "mixing", units.size, number=True),
    Column("moved_bytes", "moved in all", units.size, number=True),
    Column("static_bytes", "static", units.size, number=True),
    Column("bytes_ratio", "×", units.factor, number=True),
    Column("intensity", "FLOPs/B", units.ratio, number=True),
    Column("static_intensity", "static", units.ratio, number=True),
)


WHOLE = (
    Column("quantity", "", shrinks=10),
    Column("dynamic", "as it is", number=True, absent=units.ABSENT),
    Column("static", "static twin", number=True, absent=units.ABSENT),
    *(
        Column(key, title, units.factor, number=True, absent=units.ABSENT)
        for key, title in (
            ("paper", "paper"),
            ("approximation", "approx"),
            ("as_built", "built"),
            ("measured", "measured"),
        )
    ),
)


def text(profile: Profile, view: View, twin: Profile | None = None) -> str:
    """For a terminal; ``twin`` is the profile of the static twin, where one was made to predict its time."""
    style = painter(view.color)
    lines = [
        style(profile.variant.name, "name"),
        *textwrap.wrap(_about(profile), view.width, initial_indent="  ", subsequent_indent="  "),
        "",
    ]
    if found := profile.parameternet:
        for table in _tables(profile, found, twin):
            lines += [*lay_out(table, view.width, style), ""]
    for sentence in sentences(profile, twin):
        lines += textwrap.wrap(sentence, view.width, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def as_markdown(profile: Profile, view: View, twin: Profile | None = None) -> str:
    """For GitHub."""
    lines = [f"### {markdown.escaped(profile.variant.name)}", "", markdown.escaped(_about(profile)), ""]
    if found := profile.parameternet:
        for table in _tables(profile, found, twin):
            lines += [*markdown.table_lines(table), ""]
    return "\n".join([*lines, *(f"- {markdown.escaped(sentence)}" for sentence in sentences(profile, twin))]) + "\n"


def as_csv(profile: Profile, view: View, twin: Profile | None = None) -> str:
    """One line a dynamic layer."""
    found = profile.parameternet
    return csv.several([], _table(found) if found else Table(LAYERS, (), label="module"), view)


def as_json(profile: Profile, view: View, twin: Profile | None = None) -> str:
    """What the profile says of it; ``parameternet`` is null where nothing is dynamic."""
    said = {
        "variant": profile.variant,
        "input": profile.input,
        "parameternet": profile.parameternet,
        "predicted": profile.predicted,
        "static_predicted": twin.predicted if twin else None,
        "environment": profile.environment,
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Profile, View, Profile | None], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def sentences(profile: Profile, twin: Profile | None = None) -> list[str]:
    """What the tables say, in words."""
    found = profile.parameternet
    if found is None:
        return ["It has no dynamic convolutions: every weight is a parameter, or depends on no input."]
    return [
        *_equal(found),
        *_tokens(profile, found),
        *found.model.remarks,
        *_grouped((layer.module, note) for layer in found.layers for note in layer.notes),
        *_grouped(
            (layer.module, f"the paper is over 5 % off: {'; '.join(layer.broken)}")
            for layer in found.layers
            if layer.broken
        ),
        _memory(found),
        *twin_time.sentences(profile, twin),
    ]


def _grouped(said: Iterable[tuple[str, str]]) -> list[str]:
    """What is said of modules, once for all that it is said of."""
    modules: dict[str, list[str]] = {}
    for module, sentence in said:
        modules.setdefault(sentence, []).append(module or "(model)")
    return [f"{', '.join(named)}: {sentence}" for sentence, named in modules.items()]


def _equal(found: ParameterNet) -> list[str]:
    """Said where it is so; where it is not, the layers' own notes say why."""
    pairs = [figures for layer in found.layers for figures in (layer.parameters, layer.macs)]
    equal = all(figures.as_built == figures.measured for figures in pairs)
    return ["as built and measured are the same whole numbers in every layer"] if equal else []


def _tokens(profile: Profile, found: ParameterNet) -> list[str]:
    """What a token costs, where tokens go in and choose among experts."""
    chosen = sorted({layer.chosen for layer in found.layers if layer.chosen})
    if profile.input.kind != "tokens" or not chosen:
        return []
    tokens = math.prod(profile.input.shapes[0])
    macs = found.model.macs
    return [
        f"a token meets {' or '.join(map(str, chosen))} of {_experts(found)} experts (top-{chosen[-1]}) and costs "
        f"{units.amount(2 * macs.measured // tokens, 'FLOPs')}, {units.amount(2 * macs.static // tokens, 'FLOPs')} "
        f"in the static twin, in a text of {units.count(tokens)} tokens"
    ]


def _experts(found: ParameterNet) -> str:
    return ", ".join(map(str, sorted({layer.experts for layer in found.layers})))


def _memory(found: ParameterNet) -> str:
    """Why the time does not follow the FLOPs."""
    mixing = sum(layer.mixing_bytes for layer in found.layers)
    moved, plain = (sum(getattr(layer, name) for layer in found.layers) for name in ("moved_bytes", "static_bytes"))
    measured, static = (sum(getattr(layer.macs, name) for layer in found.layers) for name in ("measured", "static"))
    return (
        f"memory: these layers move {units.size(moved)} ({units.size(mixing)} of it to mix kernels) where plain ones "
        f"move {units.size(plain)}, {units.ratio(2 * measured / moved)} FLOPs a byte instead of "
        f"{units.ratio(2 * static / plain)}: where memory is the limit they take "
        f"{units.factor(moved / plain)} the time, whatever their FLOPs"
    )


def _about(profile: Profile) -> str:
    return " · ".join(header.title(profile))


def _table(found: ParameterNet) -> Table:
    return Table(LAYERS, tuple(map(_record, found.layers)), label="module")


def _tables(profile: Profile, found: ParameterNet, twin: Profile | None) -> Iterator[Table]:
    """The layers' ratios, what they move, and the whole model."""
    yield _present(_table(found))
    yield Table(MEMORY, tuple(map(_moves, found.layers)), label="module")
    yield _whole(found.model, profile, twin)


def _moves(layer: DynamicLayer) -> Record:
    return (
        layer.module or "(model)",
        layer.mixing_bytes,
        layer.moved_bytes,
        layer.static_bytes,
        layer.moved_bytes / layer.static_bytes,
        layer.intensity,
        layer.static_intensity,
    )


def _present(table: Table) -> Table:
    """The table without columns that are empty from top to bottom; a dash says something too."""
    columns = zip(table.columns, zip(*table.records, strict=True), strict=True)
    places = [place for place, (column, values) in enumerate(columns) if column.absent or any(values)]
    records = tuple(tuple(record[place] for place in places) for record in table.records)
    return Table(tuple(table.columns[place] for place in places), records, label=table.label)


def _whole(model: Whole, profile: Profile, twin: Profile | None) -> Table:
    """The model against its static twin, one line a quantity."""
    other = model.static

    def formula(name: str, figures: Figures, ratio: Ratio) -> Record:
        return (name, units.count(figures.measured), units.count(figures.static), *_values(ratio))

    def counted(name: str, show: Callable[[int], str], key: str) -> Record:
        mine, theirs = getattr(model.dynamic, key), getattr(other, key) if other else None
        ratio = mine / theirs if theirs else None
        return (name, show(mine), None if theirs is None else show(theirs), None, None, None, ratio)

    return Table(
        WHOLE,
        (
            formula("parameters", model.parameters, model.parameters_ratio),
            formula("MACs", model.macs, model.flops_ratio),
            counted("elementwise", units.count, "elementwise_flops"),
            counted("bytes moved", units.size, "bytes_moved"),
            counted("activations", units.size, "activation_bytes"),
            counted("weights", units.size, "weight_bytes"),
            *twin_time.records(profile, twin),
        ),
        label="quantity",
    )


def _record(layer: DynamicLayer) -> Record:
    return (
        layer.module or "(model)",
        layer.kind,
        layer.experts,
        layer.chosen or None,
        layer.in_channels,
        layer.out_channels,
        layer.kernel or None,
        layer.groups,
        layer.stride or None,
        layer.output_size or None,
        layer.batch,
        *_values(layer.parameters_ratio),
        *_values(layer.flops_ratio),
        layer.parameters.measured,
        layer.macs.measured,
        layer.mixing_bytes,
        layer.moved_bytes,
        layer.static_bytes,
        layer.intensity,
        layer.static_intensity,
    )


def _values(ratio: Ratio) -> tuple[float | None, ...]:
    return ratio.paper, ratio.paper_approximation, ratio.as_built, ratio.measured
