"""What a device was measured to do -> text: overheads, memory by working set, then kernels by kind."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table
from archprof.render.text import fact_lines, title_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.records.calibration import Calibration, Grid
    from archprof.render import View

COLUMNS = (
    Column("kind", "kernel"),
    Column("points", "sizes", number=True),
    Column("slowest", "slowest", number=True),
    Column("fastest", "fastest", number=True),
    Column("at", "fastest at", shrinks=8),
)


def text(calibration: Calibration, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    device = calibration.device
    about = [
        *([device.host] if device.host else []),
        f"{device.cpus} processors" if device.cpus > 1 else "1 processor",
        *units.threads(calibration.threads),
        device.dtype,
        f"torch {device.torch}",
        *(f"{name}={value}" for name, value in device.settings.items()),
    ]
    memory, anew = calibration.memory, calibration.fresh_memory
    facts = [
        (
            "overhead",
            [
                f"{units.seconds(calibration.operation_s)} an operation",
                f"{units.seconds(calibration.view_s)} a view",
                f"{units.seconds(calibration.module_s)} the call of a module",
            ],
        ),
        (
            "memory",
            [
                f"{units.size(round(rate))}/s in {units.binary_size(working_set)}"
                for working_set, rate in zip(memory.ticks[0], memory.rates, strict=True)
            ]
            + ([f"{units.size(round(anew))}/s of it anew from the system"] if anew else []),
        ),
        (
            "networks",
            [
                f"kernels take {units.factor(calibration.in_sequence)} what each does by itself",
                f"its own {len(calibration.networks)} are predicted within {units.percent(calibration.apart)} %",
            ],
        ),
        ("measured", [f"{_rounds(calibration.rounds)} in {calibration.duration_s:.0f} s", calibration.measured_at]),
    ]
    table = Table(COLUMNS, tuple(_record(grid) for grid in calibration.grids), label="kind")
    lines = [
        *title_lines(device.name, about, view.width, style),
        *fact_lines(facts, view.width, style),
        "",
        *lay_out(table, view.width, style),
    ]
    return "\n".join(lines) + "\n"


def _rounds(count: int) -> str:
    return {0: "part of a round", 1: "1 round"}.get(count, f"{count} rounds")


def _record(grid: Grid) -> Record:
    sizes = dict(zip(product(*grid.ticks), grid.rates, strict=True))
    best = max(sizes, key=lambda key: sizes[key])
    varied = [
        f"{size} {axis.replace('_', ' ')}"
        for axis, size, ticks in zip(grid.axes, best, grid.ticks, strict=True)
        if len(ticks) > 1
    ]
    return (
        grid.kind,
        prod(map(len, grid.ticks)),
        _rate(min(grid.rates), grid),
        _rate(max(grid.rates), grid),
        ", ".join(varied),
    )


def _rate(rate: float, grid: Grid) -> str:
    return f"{units.amount(round(2 * rate), 'FLOP/s')}" if grid.macs else f"{units.amount(round(rate))}/s"


def as_json(calibration: Calibration, view: View) -> str:
    """All of it."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Calibration, View], str]] = {"text": text, "json": as_json}
