"""What a variant was: its figures, and what each of its rows had of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.budgets.latency_rules import times_of
from archprof.budgets.row_attribution import FIGURES, figures
from archprof.budgets.row_label import label
from archprof.records.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.budgets.latency_rules import Time
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """One case as it was.

    Attributes:
        values: By the metric's name.
        labels: The rows as they were written, where that is known.
        rows: What each of them had of a metric, by its name.
        times: What it took, by device and backend.
    """

    values: Mapping[str, int | float]
    labels: Sequence[str] = ()
    rows: Mapping[str, Sequence[int]] = msgspec.field(default_factory=dict)
    times: Mapping[str, Time] = msgspec.field(default_factory=dict)


def of_profile(profile: Profile, spec: Spec | None = None) -> Baseline:
    """What a profile says that a variant is; with the spec, what its rows say too."""
    values = {name: metric.of(profile) for name, metric in METRICS.items()}
    return Baseline(
        values={name: value for name, value in values.items() if value is not None},
        labels=labels_of(spec),
        rows={name: figures(name, profile) for name in FIGURES} if profile.layers else {},
        times=times_of(profile),
    )


def labels_of(spec: Spec | None) -> list[str]:
    """The rows of a spec as they are written; none for what has no rows."""
    return [label(row) for row in spec.rows] if spec else []
