"""What a model's activations hold while it runs, operation by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.by_module import rows_of_calls
from archprof.count.memory import held, measure
from archprof.errors import UsageError
from archprof.pipeline.counting import count_spec, finish
from archprof.records.memory_pass import HeldTensor, MemoryPass, Moment

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.sources.spec import Spec


def memory_pass(spec: Spec, options: Options) -> MemoryPass:
    """Build a model, run it once, and follow the memory of its activations.

    Args:
        spec: The model.
        options: How to build and run it.

    Raises:
        ArchprofError: Where it cannot be built or run, or is a file that is a graph itself.
    """
    if spec.graph_format:
        raise UsageError(f"{spec.reference}: memory over the pass is drawn of models that torch runs")
    counted = count_spec(spec, options)
    trace = counted.ledger.trace
    profile = finish(counted, level="budgets")
    memory = measure(trace)
    bytes_held = held(memory, len(trace.operations))
    by_path: dict[str | None, int] = {layer.path: layer.index for layer in profile.layers}
    rows = [by_path.get(path) for path in rows_of_calls(trace.calls, {layer.path for layer in profile.layers})]
    paths = [call.path for call in trace.calls]
    moments = [
        Moment(operation=operation.name, module=paths[operation.call], row=rows[operation.call], bytes=size)
        for operation, size in zip(trace.operations, bytes_held, strict=True)
    ]
    peak = bytes_held.index(memory.peak_bytes) if bytes_held else 0
    tensors = [
        HeldTensor(
            shape=list(block.tensor.shape),
            dtype=str(block.tensor.dtype).removeprefix("torch."),
            bytes=block.size,
            operation=moments[block.first].operation,
            module=moments[block.first].module,
            row=moments[block.first].row,
        )
        for block in memory.blocks
        if block.size and block.first <= peak and (peak <= block.last or id(block) in memory.results)
    ]
    return MemoryPass(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        moments=moments,
        peak_bytes=memory.peak_bytes,
        peak_index=peak,
        peak_tensors=sorted(tensors, key=lambda tensor: -tensor.bytes),
        rows={layer.index: layer.module for layer in profile.layers},
    )
