"""Convolutions made dynamic, as a report: a ranking, the cheapest parameters first, and the whole model."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.render import facts
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table, table_of
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.parameternet import WhatIf
    from archprof.records.what_if_report import WhatIfReport
    from archprof.render import View

_sum = partial(Column, show=units.count, number=True, adds=True)

CANDIDATES = (
    Column("module", "module", min_width=16),
    Column("in_channels", "in", number=True),
    Column("out_channels", "out", number=True),
    Column("kernel", "K", show=units.shape, raw=units.shape),
    Column("groups", "g", number=True, droppable=True),
    Column("stride", "s", show=units.shape, droppable=True, raw=units.shape),
    Column("output_size", "H'×W'", show=units.shape, droppable=True, raw=units.shape),
    _sum("parameters_difference", "+params", attrgetter("parameters.measured")),
    _sum("parameters_difference_predicted", "predicted", attrgetter("parameters.predicted"), visible=False),
    _sum("flops_difference", "+FLOPs", lambda candidate: 2 * candidate.macs.measured),
    _sum("flops_difference_predicted", "predicted", lambda candidate: 2 * candidate.macs.predicted, visible=False),
    _sum("bytes_moved_difference", "+traffic", attrgetter("bytes.measured"), show=units.size),
    _sum("bytes_moved_difference_predicted", "predicted", attrgetter("bytes.predicted"), visible=False),
    Column("parameters_per_flop", "params/FLOP", attrgetter("per_flop"), show="{:.3f}".format, number=True),
    Column(
        "parameters_per_byte",
        "params/kB",
        attrgetter("per_byte"),
        show=lambda value: units.ratio(1000 * value),
        number=True,
    ),
)

MODEL = (
    Column("quantity", "", min_width=10),
    Column("before", "before", number=True),
    Column("predicted", "predicted", number=True, absent=units.ABSENT),
    Column("measured", "measured", number=True),
    Column("ratio", "×", show=units.factor, number=True),
)


def report(record: WhatIfReport, view: View) -> Report:
    """The ranking of the convolutions, and the model with all of them dynamic."""
    what_if = record.what_if
    ranking = table_of(CANDIDATES, what_if.candidates, "module").top(view.top)
    candidates = plural(len(what_if.candidates), "convolution")
    return Report(
        title=record.variant.name,
        about=[
            *facts.about_scaled(record.variant, record.input),
            f"what if {candidates} had {plural(what_if.experts, 'expert')}",
        ],
        tables=[ranking, _model(what_if)],
        notes=notes(what_if),
        record=record,
        data=ranking,
    )


def _model(what_if: WhatIf) -> Table:
    """The model before, and with all of them dynamic."""
    before, after = what_if.before, what_if.after

    def record(name: str, key: str, show: Callable[[int], str], gain: str | None = None) -> Record:
        first, last = getattr(before, key), getattr(after, key)
        more = sum(getattr(candidate, gain).predicted for candidate in what_if.candidates) if gain else None
        return (name, show(first), None if more is None else show(first + more), show(last), last / first)

    records = (
        record("parameters", "parameters", units.count, "parameters"),
        record("MACs", "macs", units.count, "macs"),
        record("elementwise FLOPs", "elementwise_flops", units.count),
        record("memory traffic", "bytes_moved", units.size, "bytes"),
        record("weights", "weight_bytes", units.size),
    )
    return Table(MODEL, records, label="quantity")


def notes(what_if: WhatIf) -> list[str]:
    """Where predicted and measured counts differ."""
    differences = [
        f"{candidate.module}: {name} {units.count(gain.predicted)} predicted, {units.count(gain.measured)} measured"
        for candidate in what_if.candidates
        for name, gain in (("parameters", candidate.parameters), ("MACs", candidate.macs), ("bytes", candidate.bytes))
        if gain.predicted != gain.measured
    ]
    matching = differences or ["predicted and measured counts match exactly for every convolution"]
    return [*matching, *_ranking(what_if)]


def _ranking(what_if: WhatIf) -> list[str]:
    """How far this order gets, and others."""
    ranking = what_if.ranking
    if ranking is None or not ranking.optimum:
        return []

    def share(gain: int) -> str:
        return f"{100 * gain / ranking.optimum:.1f} %"

    return [
        f"within half of the added traffic the best choice gains {units.count(ranking.optimum)} parameters, "
        f"{1000 * ranking.bytes_price:.1f} more for each kB more; from the top of this ranking "
        f"{share(ranking.by_price)} of that, in the order of parameters per FLOP {share(ranking.by_flop)}; "
        "`archprof suggest` finds the best choice under any budgets"
    ]
