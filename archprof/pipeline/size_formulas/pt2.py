"""The open axes of an exported program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.input_spec import InputSpec
from archprof.builder.options import Options
from archprof.count.ledger import count
from archprof.pipeline.graph_formats.options import MEMORYLESS, refuse
from archprof.pipeline.graph_formats.pt2 import load
from archprof.pipeline.size_formulas import COUNTS
from archprof.trace.run import trace

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.pipeline.size_formulas.fit import CountAt, Counts


def open_axes(request: Request) -> tuple[list[tuple[str, int]], CountAt]:
    """The axes with their sizes, and what counts at others."""
    refuse(request.spec.reference, request.build, "an exported program")
    sized = load(request.spec, request.build, MEMORYLESS).sizes.sized
    axes = {(name, axis): symbol or f"{name}[{axis}]" for (name, axis), symbol in sized.axes.items()}
    # Torch numbers its symbols: an axis is called by its input.
    sizes = {symbol: sized.shapes[name][axis] for (name, axis), symbol in axes.items()}
    names = {symbol: f"{name}[{axis}]" for (name, axis), symbol in reversed(axes.items())}

    def count_at(values: tuple[int, ...]) -> Counts:
        chosen = dict(zip(sizes, values, strict=True))
        asked = tuple(
            InputSpec(
                name=name,
                shape=tuple(chosen.get(axes.get((name, axis), ""), size) for axis, size in enumerate(shape)),
            )
            for name, shape in sized.shapes.items()
        )
        program = load(request.spec, Options(inputs=asked), MEMORYLESS)
        ledger = count(trace(program.module, program.inputs))
        return ledger.macs, ledger.elementwise_flops

    count_at(tuple(sizes.values()))
    return [(names[symbol], size) for symbol, size in sizes.items()], count_at


COUNTS.register("pt2", open_axes)
