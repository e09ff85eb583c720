"""The model as a whole against its static twin, by the formulas and as both were built and run."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.count.workload import demand
from archprof.errors import RunError
from archprof.parameternet.twin import static_copy
from archprof.records.parameternet import Figures, MeasuredTotals, ModelTotals, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory
    from archprof.records.parameternet import DynamicLayer
    from archprof.trace.run import RunSpec

Papers = tuple[Fraction | None, ...]
"""By the paper's formulas: parameters exact and approximate, FLOPs exact and approximate."""


def model_totals(
    ledger: Ledger, memory: Memory, layers: Sequence[DynamicLayer], papers: Sequence[Papers], run_spec: RunSpec
) -> ModelTotals:
    """A counted model against its static twin.

    Args:
        ledger: The model's pass, counted.
        memory: What it moved.
        layers: Its dynamic layers.
        papers: What the paper has for each.
        run_spec: How it was run.
    """
    dynamic = measured_totals(ledger, memory)
    parameters, parameters_ratio = _figures_and_ratio(
        [layer.parameters for layer in layers], dynamic.parameters, [values[:2] for values in papers]
    )
    macs, flops_ratio = _figures_and_ratio(
        [layer.macs for layer in layers], dynamic.macs, [values[2:] for values in papers]
    )
    remarks: list[str] = []
    static = workload = None
    try:
        twin = static_copy(ledger.trace, values=run_spec.values)
        remarks += twin.remarks
        run = count(run_spec(twin.module))
        twin_memory = measure(run.trace)
        static, workload = measured_totals(run, twin_memory), demand(run, twin_memory)
        remarks += _formula_differences(static, parameters, macs)
    except (RunError, TypeError, RuntimeError) as error:  # the last two from copying what the user's own modules hold
        remarks.append(f"its static equivalent could not be built: {error}")
    return ModelTotals(
        parameters=parameters,
        macs=macs,
        parameters_ratio=parameters_ratio,
        flops_ratio=flops_ratio,
        dynamic=dynamic,
        static=static,
        static_demand=workload,
        remarks=remarks,
    )


def ratio(figures: Figures, paper: Fraction | None, approximation: Fraction | None) -> Ratio:
    """How often the plain figure each other one is, beside what the paper has."""
    return Ratio(
        paper=None if paper is None else float(paper),
        paper_approximation=None if approximation is None else float(approximation),
        as_built=figures.as_built / figures.static,
        measured=figures.measured / figures.static,
    )


def measured_totals(ledger: Ledger, memory: Memory) -> MeasuredTotals:
    """What the totals of a profile say of a counted model."""
    parameters = list(ledger.trace.model.parameters())
    return MeasuredTotals(
        parameters=sum(parameter.numel() for parameter in parameters),
        macs=ledger.macs,
        elementwise_flops=ledger.elementwise_flops,
        weight_bytes=sum(parameter.numel() * parameter.element_size() for parameter in parameters),
        activation_bytes=memory.activation_bytes,
        bytes_read=memory.bytes_read,
        bytes_written=memory.bytes_written,
    )


def _formula_differences(static: MeasuredTotals, parameters: Figures, macs: Figures) -> list[str]:
    """Where the twin as it was built is not what the formulas give."""
    pairs = ((static.parameters, parameters.static, "parameters"), (static.macs, macs.static, "MACs"))
    return [
        f"the static equivalent has {value:,} {unit}, {value - expected:+,} from the formulas"
        for value, expected, unit in pairs
        if value != expected
    ]


def _figures_and_ratio(figures: list[Figures], measured: int, papers: list[Papers]) -> tuple[Figures, Ratio]:
    """One quantity of the whole model, the rest of it being the same in its static twin."""
    rest = measured - sum(entry.measured for entry in figures)
    total = Figures(
        static=rest + sum(entry.static for entry in figures),
        as_built=rest + sum(entry.as_built for entry in figures),
        measured=measured,
    )
    by_paper: list[Fraction | None] = []
    for ratios in zip(*papers, strict=True):
        scaled = [ratio * entry.static for ratio, entry in zip(ratios, figures, strict=True) if ratio is not None]
        by_paper.append((rest + sum(scaled)) / Fraction(total.static) if len(scaled) == len(figures) else None)
    return total, ratio(total, *by_paper)
