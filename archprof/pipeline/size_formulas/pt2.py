"""The open axes of an exported program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from archprof.builder.program.build import build_program
from archprof.count.ledger import count
from archprof.pipeline.graph_formats.options import MEMORYLESS, refuse, sizes_of
from archprof.pipeline.size_formulas import COUNTS
from archprof.sources.input_axes import InputSizes
from archprof.sources.program_file.reader import read
from archprof.trace.run import trace

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.pipeline.size_formulas.fit import CountAt, Counts


def open_axes(request: Request) -> tuple[list[tuple[str, int]], CountAt]:
    """The axes with their sizes, and what counts at others."""
    refuse(request.spec.reference, request.build, "an exported program")
    assert request.spec.path is not None
    file, device = read(request.spec.path), torch.device(MEMORYLESS)
    sized = build_program(file, sizes_of(request.build), device).sizes.sized
    axes = {(name, axis): symbol or f"{name}[{axis}]" for (name, axis), symbol in sized.axes.items()}
    # Torch numbers its symbols: an axis is called by its input.
    sizes = {symbol: sized.shapes[name][axis] for (name, axis), symbol in axes.items()}
    names = {symbol: f"{name}[{axis}]" for (name, axis), symbol in reversed(axes.items())}

    def count_at(values: tuple[int, ...]) -> Counts:
        chosen = dict(zip(sizes, values, strict=True))
        shapes = {
            name: tuple(chosen.get(axes.get((name, axis), ""), size) for axis, size in enumerate(shape))
            for name, shape in sized.shapes.items()
        }
        program = build_program(file, InputSizes(shapes=shapes), device)
        ledger = count(trace(program.module, program.inputs))
        return ledger.macs, ledger.elementwise_flops

    count_at(tuple(sizes.values()))
    return [(names[symbol], size) for symbol, size in sizes.items()], count_at


COUNTS.register("pt2", open_axes)
