"""Several profiles in one table, a line each: their totals, and what conventions report of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archprof import units
from archprof.records.metrics import METRICS
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile

VISIBLE = ("modules", "layers", "parameters", "trainable_parameters", "flops", "elementwise_flops")
"""The metrics that are printed, besides those of conventions that were asked for."""


def totals_table(profiles: Sequence[Profile]) -> Table:
    """One line a profile.

    Where an operation of any of them has no formula, the columns say that they are lower bounds, and how much
    of each is covered.
    """
    lower = any(profile.coverage.unknown for profile in profiles)
    reported = {name for profile in profiles for name in profile.reported}
    columns = [
        Column("model", "model", visible=False),
        Column("scale", "scale", absent=units.ABSENT),
        *(
            Column(
                metric.column,
                f"{'>= ' if lower and metric.counted else ''}{_TITLES.get(metric.name, metric.label)}",
                show=_giga if metric.convention else partial(units.measure, unit=metric.unit),
                number=True,
                visible=metric.name in VISIBLE or metric.name in reported,
                absent=units.ABSENT,
                aliases=(metric.name, *metric.aliases),
            )
            for metric in METRICS.values()
        ),
        Column("coverage", "covered", show=units.coverage, number=True, visible=lower),
    ]

    def record(profile: Profile) -> tuple[object, ...]:
        values = [metric.of(profile) for metric in METRICS.values()]
        return (profile.variant.name, profile.variant.scale, *values, profile.coverage.share)

    return Table(tuple(columns), tuple(map(record, profiles)), label="scale")


def _giga(value: float) -> str:
    """Billions with the one decimal that counters print."""
    return units.ratio(value / 10**9)


_TITLES = {
    "parameters": "params",
    "trainable_parameters": "trainable",
    "elementwise_flops": "elementwise",
    **{metric.name: f"{metric.name} (G)" for metric in METRICS.values() if metric.convention},
}
"""What stands over a column where its metric's label is longer than its figures."""
