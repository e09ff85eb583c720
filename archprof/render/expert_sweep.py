"""A model with one number of experts after another, as a report: one line each, the static equivalent first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.render import facts
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from archprof.records.parameternet import Curve, Measured
    from archprof.records.profile import Profile
    from archprof.render import View

POINTS = (
    Column("experts", "M"),
    Column("dynamic_layers", "layers", number=True, printed=False),
    Column("parameters", "parameters", units.count, number=True),
    Column("parameters_ratio", "params ×", units.factor, number=True),
    Column("macs", "MACs", units.count, number=True),
    Column("macs_ratio", "MACs ×", units.factor, number=True),
    Column("torchprofile_macs", "torchprofile", lambda macs: f"{units.millions(macs)} M", number=True, droppable=True),
    Column("elementwise_flops", "elementwise FLOPs", units.count, number=True, printed=False),
    Column("bytes_moved", "memory traffic", units.size, number=True),
    Column("bytes_moved_ratio", "traffic ×", units.factor, number=True),
)


def report(profile: Profile, curve: Curve, view: View) -> Report:
    """One line a number of experts; ratios are to the static equivalent."""
    static = curve.static
    records = [_record("static", 0, static, None, static)] if static else []
    records += [
        _record(str(point.experts), point.layers, point.measured, point.torchprofile_macs, static or point.measured)
        for point in curve.points
    ]
    about = [piece for piece in facts.about(profile) if not piece.startswith("experts ")]
    notes = [] if static else ["no dynamic layers, so the number of experts changes nothing"]
    return Report(
        title=profile.variant.name,
        about=about,
        tables=[Table(POINTS, tuple(records), label="experts")],
        notes=notes,
        record={"variant": profile.variant, "input": profile.input, "curve": curve},
    )


def _record(label: str, layers: int, measured: Measured, torchprofile: int | None, static: Measured) -> Record:
    return (
        label,
        layers,
        measured.parameters,
        measured.parameters / static.parameters,
        measured.macs,
        measured.macs / static.macs,
        torchprofile,
        measured.elementwise_flops,
        measured.bytes_moved,
        measured.bytes_moved / static.bytes_moved,
    )
