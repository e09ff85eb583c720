"""What a reader of the figures of an ONNX file should know of how they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.record import Trace


def remarks(file: OnnxFile, trace: Trace, ledger: Ledger) -> list[str]:
    """The remarks of the trace, branches that values decide, wrong shapes in the file, and domains of operators."""
    sentences = list(trace.remarks)
    for choice in ledger.choices:
        if choice.low == choice.high:
            continue
        low, high, unit = choice.low.macs, choice.high.macs, "MACs"
        if low == high:
            low, high, unit = choice.low.elementwise_flops, choice.high.elementwise_flops, "elementwise FLOPs"
        sentences.append(
            f"{choice.operation.node.text} runs one of two branches, which values decide; counted is the larger, of "
            f"{high:,} {unit}; the other has {low:,}"
        )
    if not trace.inputs.axes:
        sentences += _contradictions(file, trace)
    if foreign := sorted({node.domain for node in file.graph.walk()} - {""}):
        sentences.append(f"operators that are not ONNX's own, of {', '.join(foreign)}")
    return sentences


def _contradictions(file: OnnxFile, trace: Trace) -> list[str]:
    """Where the shapes that a file with fixed inputs writes down are not those that it runs with."""
    declared = {
        info.name: tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        for info in (*file.graph.proto.value_info, *file.graph.proto.output)
        if info.type.tensor_type.HasField("shape")
        and all(dim.HasField("dim_value") for dim in info.type.tensor_type.shape.dim)
    }
    wrong = [
        f"{tensor.name!r} is {_times(tensor.shape)}, not {_times(shape)}"
        for operation in trace.operations
        for tensor in operation.made
        if tensor.shape is not None and (shape := declared.get(tensor.name, tensor.shape)) != tensor.shape
    ]
    if not wrong:
        return []
    return [f"the file has {len(wrong)} wrong shape{'s' if len(wrong) > 1 else ''} written down: {wrong[0]}"]


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a scalar"
