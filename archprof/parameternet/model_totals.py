"""The model as a whole against its static equivalent, by the formulas and as both were built and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.count.workload import demand
from archprof.errors import RunError
from archprof.parameternet.ratios import figures_and_ratio, formula_differences
from archprof.parameternet.twin import static_copy
from archprof.records.parameternet import MeasuredTotals, ModelTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory
    from archprof.parameternet.ratios import Papers
    from archprof.records.parameternet import DynamicLayer
    from archprof.trace.run import RunSpec


def model_totals(
    ledger: Ledger, memory: Memory, layers: Sequence[DynamicLayer], papers: Sequence[Papers], run_spec: RunSpec
) -> ModelTotals:
    """A counted model against its static equivalent.

    Args:
        ledger: The model's pass, counted.
        memory: What it moved.
        layers: Its dynamic layers.
        papers: What the paper has for each.
        run_spec: How it was run.
    """
    dynamic = measured_totals(ledger, memory)
    parameters, parameters_ratio = figures_and_ratio(
        [layer.parameters for layer in layers], dynamic.parameters, [values[:2] for values in papers]
    )
    macs, flops_ratio = figures_and_ratio(
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
        remarks += formula_differences(static, parameters, macs)
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
