"""A curve over numbers of experts -> text, JSON, Markdown or CSV: one line each, the static twin first."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render import csv, header, markdown
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.records.parameternet import Curve, Measured, Point
    from archprof.records.profile import Profile
    from archprof.render import View

POINTS = (
    Column("experts", "M"),
    Column("layers", "layers", number=True, printed=False),
    Column("parameters", "parameters", units.count, number=True),
    Column("parameters_ratio", "×twin", units.factor, number=True),
    Column("macs", "MACs", units.count, number=True),
    Column("macs_ratio", "×twin", units.factor, number=True),
    Column("torchprofile_macs", "torchprofile", lambda macs: f"{units.millions(macs)} M", number=True),
    Column("elementwise_flops", "elementwise", units.count, number=True, printed=False),
    Column("bytes_moved", "moved", units.size, number=True),
    Column("bytes_ratio", "×twin", units.factor, number=True),
)


def table(curve: Curve) -> Table:
    """One line a number of experts."""
    twin = curve.static
    first = [_record("static", 0, twin, None, twin)] if twin else []
    return Table(POINTS, (*first, *(_point(point, twin) for point in curve.points)), label="experts")


def _point(point: Point, twin: Measured | None) -> Record:
    return _record(str(point.experts), point.layers, point.measured, point.torchprofile_macs, twin or point.measured)


def _record(label: str, layers: int, one: Measured, printed: int | None, twin: Measured) -> Record:
    return (
        label,
        layers,
        one.parameters,
        one.parameters / twin.parameters,
        one.macs,
        one.macs / twin.macs,
        printed,
        one.elementwise_flops,
        one.bytes_moved,
        one.bytes_moved / twin.bytes_moved,
    )


def text(profile: Profile, curve: Curve, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    about = textwrap.wrap(_about(profile), view.width, initial_indent="  ", subsequent_indent="  ")
    lines = [style(profile.variant.name, "name"), *about, "", *lay_out(table(curve), view.width, style)]
    for sentence in sentences(curve):
        lines += ["", *textwrap.wrap(sentence, view.width, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def as_markdown(profile: Profile, curve: Curve, view: View) -> str:
    """For GitHub."""
    lines = [f"### {markdown.escaped(profile.variant.name)}", "", markdown.escaped(_about(profile)), ""]
    lines += markdown.table_lines(table(curve))
    for sentence in sentences(curve):
        lines += ["", markdown.escaped(sentence)]
    return "\n".join(lines) + "\n"


def as_csv(profile: Profile, curve: Curve, view: View) -> str:
    """One line a number of experts."""
    return csv.several([], table(curve), view)


def as_json(profile: Profile, curve: Curve, view: View) -> str:
    """The curve with what it is of."""
    said = {"variant": profile.variant, "input": profile.input, "curve": curve}
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Profile, Curve, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def sentences(curve: Curve) -> list[str]:
    """What the table says, in words."""
    if curve.static is None:
        return ["It has no dynamic layers, so that the number of experts changes nothing."]
    return []


def _about(profile: Profile) -> str:
    pieces = [piece for piece in header.title(profile) if not piece.startswith("experts ")]
    return " · ".join(pieces)
