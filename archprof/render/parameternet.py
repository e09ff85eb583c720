"""ParameterNet's figures -> text: a table of the dynamic layers, the model below it, and what broke where."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from archprof.render import csv, header, markdown, units
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.parameternet.report import DynamicLayer, ParameterNet, Ratio
    from archprof.profiles import Profile
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
    Column("mixing_bytes", "mixing", units.size, number=True, spare=True),
    Column("intensity", "FLOPs/B", units.ratio, number=True, spare=True),
    Column("static_intensity", "static", units.ratio, number=True, spare=True),
)


def text(profile: Profile, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    lines = [
        style(profile.variant.name, "name"),
        *textwrap.wrap(_about(profile), view.width, initial_indent="  ", subsequent_indent="  "),
        "",
    ]
    if found := profile.parameternet:
        lines += [*lay_out(_table(found), view.width, style), ""]
    for sentence in sentences(profile):
        lines += textwrap.wrap(sentence, view.width, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def as_markdown(profile: Profile, view: View) -> str:
    """For GitHub."""
    lines = [f"### {markdown.escaped(profile.variant.name)}", "", markdown.escaped(_about(profile)), ""]
    if found := profile.parameternet:
        lines += [*markdown.table_lines(_table(found)), ""]
    return "\n".join([*lines, *(f"- {markdown.escaped(sentence)}" for sentence in sentences(profile))]) + "\n"


def as_csv(profile: Profile, view: View) -> str:
    """One line a dynamic layer."""
    found = profile.parameternet
    return csv.several([], _table(found) if found else Table(LAYERS, (), label="module"), view)


def as_json(profile: Profile, view: View) -> str:
    """What the profile says of it; ``parameternet`` is null where nothing is dynamic."""
    said = {"variant": profile.variant, "input": profile.input, "parameternet": profile.parameternet}
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Profile, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def sentences(profile: Profile) -> list[str]:
    """What the table says, in words."""
    found = profile.parameternet
    if found is None:
        return ["It has no dynamic convolutions: every weight is a parameter, or depends on no input."]
    model = found.model
    return [
        f"model: {units.count(model.parameters.measured)} parameters, {units.count(model.parameters.static)} "
        f"with plain layers: {_four(model.parameters_ratio)}",
        f"model: {units.count(model.macs.measured)} MACs, {units.count(model.macs.static)} with plain layers: "
        f"{_four(model.flops_ratio)}",
        *_equal(found),
        *(f"{layer.module}: {note}" for layer in found.layers for note in layer.notes),
        *(
            f"{layer.module}: the paper is over 5 % off: {'; '.join(layer.broken)}"
            for layer in found.layers
            if layer.broken
        ),
        _memory(found),
    ]


def _four(ratio: Ratio) -> str:
    paper = ""
    if ratio.paper is not None and ratio.paper_approximation is not None:
        paper = f"paper {units.factor(ratio.paper)}, approximately {units.factor(ratio.paper_approximation)}, "
    return f"{paper}as built {units.factor(ratio.as_built)}, measured {units.factor(ratio.measured)}"


def _equal(found: ParameterNet) -> list[str]:
    """Said where it is so; where it is not, the layers' own notes say why."""
    pairs = [figures for layer in found.layers for figures in (layer.parameters, layer.macs)]
    equal = all(figures.as_built == figures.measured for figures in pairs)
    return ["as built and measured are the same whole numbers in every layer"] if equal else []


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


def _record(layer: DynamicLayer) -> Record:
    return (
        layer.module or "(model)",
        layer.kind,
        layer.experts,
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
        layer.intensity,
        layer.static_intensity,
    )


def _values(ratio: Ratio) -> tuple[float | None, ...]:
    return ratio.paper, ratio.paper_approximation, ratio.as_built, ratio.measured
