"""What a device was measured to do, as a report: overheads, memory by working set, then kernels by kind."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from archprof import units
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.records.calibration import Calibration, Grid
    from archprof.render import View
    from archprof.render.report import Fact

COLUMNS = (
    Column("kernel", "kernel"),
    Column("sizes", "sizes", number=True),
    Column("slowest", "slowest", number=True, saved=False),
    Column("slowest_flops_per_s", "", visible=False),
    Column("slowest_per_s", "", visible=False),
    Column("fastest", "fastest", number=True, saved=False),
    Column("fastest_flops_per_s", "", visible=False),
    Column("fastest_per_s", "", visible=False),
    Column("fastest_at", "fastest at", min_width=8),
)


def report(calibration: Calibration, view: View) -> Report:
    """One device."""
    device = calibration.device
    return Report(
        title=device.name,
        about=[
            *([device.host] if device.host else []),
            plural(device.cpus, "CPU"),
            *units.threads(calibration.threads),
            device.dtype,
            f"torch {device.torch}",
            *(f"{name}={value}" for name, value in device.settings.items()),
        ],
        facts=_facts(calibration),
        tables=[Table(COLUMNS, tuple(map(_record, calibration.grids)), label="kernel")],
        record=calibration,
    )


def _facts(calibration: Calibration) -> list[Fact]:
    memory, fresh = calibration.memory, calibration.fresh_memory
    return [
        (
            "overhead",
            [
                f"{units.seconds(calibration.operation_s)} per operation",
                f"{units.seconds(calibration.view_s)} per view",
                f"{units.seconds(calibration.module_s)} per call of a module",
            ],
        ),
        (
            "memory",
            [
                f"{units.size(round(rate))}/s in {units.binary_size(working_set)}"
                for working_set, rate in zip(memory.ticks[0], memory.rates, strict=True)
            ]
            + ([f"{units.size(round(fresh))}/s where it is new from the system"] if fresh else []),
        ),
        (
            "networks",
            [
                f"kernels take {units.factor(calibration.in_sequence)} what each takes by itself",
                f"its own {plural(len(calibration.networks), 'network')} predicted within "
                f"{units.percent(calibration.worst_error)} %",
            ],
        ),
        *_held_out(calibration),
        ("measured", [f"{_rounds(calibration.rounds)} in {calibration.duration_s:.0f} s", calibration.measured_at]),
    ]


def _held_out(calibration: Calibration) -> list[Fact]:
    """How far predictions of models are off that nothing was fitted to, and the interval that follows."""
    ratios, error, coverage = calibration.held_out, calibration.error, calibration.coverage
    if error is None or coverage is None:
        return []
    low, high = min(ratios.values()), max(ratios.values())
    models = plural(len(ratios), "held-out model")
    return [
        (
            "predictions",
            [
                f"{models} took {units.factor(low)} to {units.factor(high)} the predicted time",
                f"so the {units.whole_percent(coverage)} interval divides and multiplies by {error:.3f}",
            ],
        )
    ]


def _rounds(count: int) -> str:
    return plural(count, "round") if count else "part of a round"


def _record(grid: Grid) -> Record:
    sizes = dict(zip(product(*grid.ticks), grid.rates, strict=True))
    best = max(sizes, key=lambda key: sizes[key])
    varied = [
        f"{size} {axis.replace('_', ' ')}"
        for axis, size, ticks in zip(grid.axes, best, grid.ticks, strict=True)
        if len(ticks) > 1
    ]
    slowest, fastest = min(grid.rates), max(grid.rates)
    return (grid.kind, prod(map(len, grid.ticks)), *_rate(slowest, grid), *_rate(fastest, grid), ", ".join(varied))


def _rate(rate: float, grid: Grid) -> tuple[str, float | None, float | None]:
    """A rate as it is printed, and as raw FLOP/s or products a second."""
    if grid.macs:
        return units.amount(round(2 * rate), "FLOP/s"), 2 * rate, None
    return f"{units.amount(round(rate))}/s", None, rate
