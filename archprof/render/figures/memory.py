"""The memory of the activations over a forward pass, operation by operation, with its peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.memory_pass import MemoryPass
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.style import LESS, TOTAL, VEGA_LITE, amounts, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.figures import Spec


class Memory(FigureKind):
    """What is held while each operation runs."""

    name = "memory"
    help = "activation memory over the forward pass, with its peak"
    source = "memory"
    absent = "no saved result holds the memory of each operation: name the model itself"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each model whose memory was followed."""
        for record in records:
            if isinstance(record, MemoryPass) and record.peak_bytes:
                yield _figure(record)


def row_name(record: MemoryPass, row: int | None, module: str) -> str:
    """The row that something ran in, or its module where it is in none."""
    return printable(module or "(the model)") if row is None else f"row {row} {printable(record.rows.get(row, ''))}"


def _figure(record: MemoryPass) -> Figure:
    moment = record.moments[record.peak_index]
    row_text = row_name(record, moment.row, moment.module)
    unit = "bytes of activations, each until its last use"
    about = [*origin.of_variant(record.variant, record.input, unit), *origin.versions(record.tool, record.environment)]
    return Figure(
        kind=Memory.name,
        title=f"Activation memory of {record.variant.name} over the pass",
        text=f"{len(record.moments):,} operations; the peak is {units.size(record.peak_bytes)}, in {row_text}.",
        spec=_spec(record, row_text),
        about=about,
        command=origin.command(Memory.name, record.variant, record.input),
    )


def _spec(record: MemoryPass, row_text: str) -> Spec:
    moments = [
        {"index": index, "bytes": moment.bytes, "row": moment.row, "name": row_name(record, moment.row, moment.module)}
        for index, moment in enumerate(record.moments)
    ]
    peak = moments[record.peak_index] | {"text": f"{units.size(record.peak_bytes)} in {row_text}"}
    late = record.peak_index > len(moments) / 2
    horizontal = {
        "field": "index",
        "type": "quantitative",
        "axis": {"title": "operation of the forward pass", "grid": False},
        "scale": {"domain": [0, max(len(moments) - 1, 1)], "nice": False},
    }
    vertical = {
        "field": "bytes",
        "type": "quantitative",
        "axis": amounts(record.peak_bytes, "B"),
        "scale": {"domain": [0, 1.15 * record.peak_bytes], "nice": False},
    }
    tooltip = [{"field": "index"}, {"field": "name"}, {"field": "bytes", "format": ",d"}]
    return {
        "$schema": VEGA_LITE,
        "height": 190,
        "data": {"values": moments},
        "encoding": {"x": horizontal, "y": vertical},
        "layer": [
            {"name": "moments", "mark": {"type": "area", "interpolate": "step-after", "color": TOTAL, "opacity": 0.75}},
            {
                "data": {"values": [peak]},
                "name": "peak",
                "mark": {"type": "point", "filled": True, "size": 60, "color": LESS, "opacity": 1},
                "encoding": {"tooltip": tooltip},
            },
            {
                "data": {"values": [peak]},
                "mark": {"type": "text", "align": "right" if late else "left", "dx": -6 if late else 6, "dy": -8},
                "encoding": {"text": {"field": "text"}},
            },
        ],
    }


FIGURES.register(Memory.name, Memory())
