"""Which variants of a sweep no other beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.compare import pareto
from archprof.errors import UsageError
from archprof.records.comparison import Front

if TYPE_CHECKING:
    from archprof.records.sweep import Sweep


def with_front(sweep: Sweep, x: str, y: str) -> Sweep:
    """The sweep with its Pareto front in two metrics.

    Args:
        sweep: The variants; those that lack one of the metrics are not on the front.
        x: One metric, as :func:`archprof.compare.pareto.axis` reads it.
        y: The other.

    Raises:
        UsageError: Where there is no such metric, or no variant has it.
    """
    axes = pareto.axes(x, y)
    for metric, _ in axes:
        if all(row.value(metric.name) is None for row in sweep.rows):
            raise UsageError(f"no variant of the sweep has {metric.name}", hint=metric.adds or None)
    points = [(row.value(axes[0][0].name), row.value(axes[1][0].name)) for row in sweep.rows]
    members = pareto.unbeaten(points, [lower for _, lower in axes])
    return msgspec.structs.replace(sweep, front=Front(x=x, y=y, members=members))
