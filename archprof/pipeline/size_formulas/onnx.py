"""The open axes of an ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.onnx_operators.ledger import count
from archprof.errors import RunError
from archprof.pipeline.graph_formats.options import refuse, sizes_of
from archprof.pipeline.size_formulas import COUNTS
from archprof.sources.input_axes import InputSizes
from archprof.trace.onnx_graph.follow import follow
from archprof.trace.onnx_graph.inputs import size_inputs
from archprof.trace.onnx_graph.reader import read

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.pipeline.size_formulas.fit import CountAt, Counts


def open_axes(request: Request) -> tuple[list[tuple[str, int]], CountAt]:
    """The axes with their sizes, and what counts at others."""
    refuse(request.spec.reference, request.build, "an ONNX file")
    assert request.spec.path is not None
    file = read(request.spec.path)
    inputs = size_inputs(file.graph.inputs, sizes_of(request.build), file.path)
    shapes = {tensor.name: tensor.shape for tensor in inputs.tensors if tensor.shape is not None}
    axes = {(name, axis): symbol or f"{name}[{axis}]" for (name, axis), symbol in inputs.axes.items()}
    sizes = {symbol: shapes[name][axis] for (name, axis), symbol in axes.items()}

    def count_at(values: tuple[int, ...]) -> Counts:
        chosen = dict(zip(sizes, values, strict=True))
        asked = {
            name: tuple(chosen.get(axes.get((name, axis), ""), size) for axis, size in enumerate(shape))
            for name, shape in shapes.items()
        }
        trace = follow(file, size_inputs(file.graph.inputs, InputSizes(shapes=asked), file.path))
        if (operation := trace.unresolved()) is not None:
            raise RunError(f"what {operation.node.text} gives depends on values", path=file.path)
        ledger = count(trace)
        return ledger.macs, ledger.elementwise_flops

    count_at(tuple(sizes.values()))  # raises what is wrong at the size itself
    return list(sizes.items()), count_at


COUNTS.register("onnx", open_axes)
