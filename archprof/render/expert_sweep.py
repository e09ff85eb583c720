"""A model with one number of experts after another, as a report: one line each, the static equivalent first."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.records.parameternet import Point
from archprof.render import facts
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.expert_curve import ExpertCurve
    from archprof.records.parameternet import MeasuredTotals
    from archprof.render import View


def report(curve: ExpertCurve, view: View) -> Report:
    """One line a number of experts; ratios are to the static equivalent."""
    first = curve.curve.static
    points = [*([Point(experts=0, layers=0, measured=first)] if first else []), *curve.curve.points]
    about = [piece for piece in facts.about_scaled(curve.variant, curve.input) if not piece.startswith("experts ")]
    notes = [] if first else ["no dynamic layers, so the number of experts changes nothing"]
    return Report(
        title=curve.variant.name,
        about=about,
        figures=lambda: figures_of([curve], "curve"),
        tables=[table_of(_columns(points[0].measured), points, "experts")],
        notes=notes,
        record=curve,
    )


def _columns(static: MeasuredTotals) -> list[Column]:
    def ratio(name: str, title: str) -> Column:
        def value(point: Point) -> float:
            quotient: float = getattr(point.measured, name) / getattr(static, name)
            return quotient

        return Column(f"{name}_ratio", f"{title} ×", value, show=units.factor, number=True)

    def figure(name: str, title: str, show: Callable[[int], str] = units.count, *, visible: bool = True) -> Column:
        return Column(name, title, attrgetter(f"measured.{name}"), show=show, number=True, visible=visible)

    return [
        Column("experts", "M", lambda point: str(point.experts or "static")),
        Column("dynamic_layers", "layers", attrgetter("layers"), number=True, visible=False),
        figure("parameters", "parameters"),
        ratio("parameters", "params"),
        figure("macs", "MACs"),
        ratio("macs", "MACs"),
        Column("torchprofile_macs", "torchprofile M", show=units.millions, number=True, droppable=True),
        figure("elementwise_flops", "elementwise FLOPs", visible=False),
        figure("bytes_moved", "memory traffic", units.size),
        ratio("bytes_moved", "traffic"),
    ]
