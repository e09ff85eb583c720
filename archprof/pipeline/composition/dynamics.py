"""The dynamic layers of a variant and its static equivalent, put together from those of its rows. Free of torch."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from archprof.builder.wiring import IMAGE
from archprof.parameternet.ratios import figures_and_ratio, formula_differences
from archprof.pipeline.composition.passes import NotComposableError, Pass
from archprof.pipeline.composition.records import TOTALS
from archprof.records.parameternet import MeasuredTotals, ModelTotals, ParameterNet
from archprof.records.workload import Demand
from archprof.records.workload import Work as WorkRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archprof.pipeline.composition.records import RowRecord, Work
    from archprof.pipeline.composition.variant import Plan
    from archprof.records.parameternet import DynamicLayer

_FIRST_ROW = re.compile(r"\bmodel\.0\b")
"""The path of the row in the network of one in which it was counted."""


def parameternet(plan: Plan, pass_: Pass) -> ParameterNet:
    """The dynamic layers of a variant, and the whole of it against its static equivalent.

    Args:
        plan: Its rows.
        pass_: What they cost, with details.

    Raises:
        NotComposableError: Where a row may hold a part of another's router.
    """
    if any(record.chooses for record in pass_.records):
        raise NotComposableError("a row chooses by numbers that routers may be behind")
    parts = [(index, record.dynamics) for index, record in enumerate(pass_.records) if record.dynamics]
    layers = [_moved(layer, index) for index, dynamics in parts for layer in dynamics.layers]
    papers = [
        tuple(None if paper is None else Fraction(*paper) for paper in ratios)
        for _, dynamics in parts
        for ratios in dynamics.papers
    ]
    dynamic = _totals(pass_.records)
    parameters, parameters_ratio = figures_and_ratio(
        [layer.parameters for layer in layers], dynamic.parameters, [values[:2] for values in papers]
    )
    macs, flops_ratio = figures_and_ratio(
        [layer.macs for layer in layers], dynamic.macs, [values[2:] for values in papers]
    )
    static_pass = _static_pass(plan, pass_)
    static = _totals(static_pass.records)
    works = [
        record.dynamics.static_work if record.dynamics else details.work
        for record, details in zip(pass_.records, pass_.details, strict=True)
    ]
    return ParameterNet(
        layers=layers,
        model=ModelTotals(
            parameters=parameters,
            macs=macs,
            parameters_ratio=parameters_ratio,
            flops_ratio=flops_ratio,
            dynamic=dynamic,
            static=static,
            static_demand=Demand(
                work=merged(works),
                module_calls=1 + sum(record.calls for record in static_pass.records),
                peak_activation_bytes=static_pass.liveness.peak(static_pass.results()),
            ),
            remarks=formula_differences(static, parameters, macs),
        ),
    )


def merged(works: Iterable[Sequence[Work]]) -> list[WorkRecord]:
    """The operations of several rows by kinds of kernels and sizes, in the order in which they first run."""
    calls: Counter[tuple[str, tuple[int, ...], int]] = Counter()
    for work in works:
        for kind, sizes, moved, number in work:
            calls[kind, sizes, moved] += number
    return [
        WorkRecord(kind=kind, sizes=list(sizes), bytes=moved, calls=number)
        for (kind, sizes, moved), number in calls.items()
    ]


def _static_pass(plan: Plan, pass_: Pass) -> Pass:
    """The same pass through rows of which those with dynamic layers are their static equivalents."""
    result = Pass(outputs={IMAGE: pass_.outputs[IMAGE]})
    for row, record in zip(plan.rows, pass_.records, strict=True):
        _, inputs = result.inputs(row)
        result.add(row, record.dynamics.static if record.dynamics else record, inputs)
    return result


def totals_of(records: Sequence[RowRecord]) -> dict[str, int]:
    """What rows have together, by the names of :data:`TOTALS`."""
    return dict(zip(TOTALS, map(sum, zip(*(record.totals for record in records), strict=True)), strict=True))


def _totals(records: Sequence[RowRecord]) -> MeasuredTotals:
    sums = totals_of(records)
    return MeasuredTotals(**{name: sums[name] for name in MeasuredTotals.__struct_fields__})


def _moved(layer: DynamicLayer, index: int) -> DynamicLayer:
    """A layer of the row of an index, with paths as they are there."""

    def moved(text: str) -> str:
        return _FIRST_ROW.sub(f"model.{index}", text)

    return msgspec.structs.replace(
        layer,
        module=moved(layer.module),
        notes=[*map(moved, layer.notes)],
        broken_assumptions=[*map(moved, layer.broken_assumptions)],
    )
