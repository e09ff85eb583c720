"""The memory over a pass as a report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archprof import units
from archprof.render.figures import figures_of
from archprof.render.figures.memory import row_name
from archprof.render.report import Report
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from archprof.records.memory_pass import MemoryPass
    from archprof.render import View

HELD = (
    Column("row", "row", visible=False),
    Column("place", "made in"),
    Column("operation", "by"),
    Column("shape", "tensor", show=units.shape, raw=units.shape),
    Column("dtype", "type"),
    Column("bytes", "size", show=units.size, number=True, adds=True),
)


def report(memory: MemoryPass, view: View) -> Report:
    """The memory over the pass, and what is there at its peak."""
    rows = memory.peak_tensors
    records = tuple(
        (tensor.row, row_name(memory, tensor.row, tensor.module), tensor.operation, tensor.shape, tensor.dtype,
         tensor.bytes)
        for tensor in rows
    )  # fmt: skip
    table = Table(HELD, records, label="place").with_total()
    return Report(
        title="Activation memory",
        figures=lambda: figures_of([memory], "memory"),
        tables=[replace(table, folded=f"{units.plural(len(rows), 'tensor')} at the peak")] if rows else [],
        record=memory,
    )
