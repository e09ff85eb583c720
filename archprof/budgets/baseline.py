"""What a variant was: its figures, and what each of its rows had of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from archprof.budgets.latency_rules import times_of
from archprof.budgets.row_attribution import FIGURES, figures
from archprof.budgets.row_label import labels_of
from archprof.records.metrics import NAMED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.budgets.latency_rules import Time
    from archprof.records.profile import Profile, TopLevelKey


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """One case as it was.

    Attributes:
        values: By the metric's name.
        labels: The rows as they are written in a line, where that is known.
        light_head: Of each row, what :attr:`archprof.records.profile.Layer.light_head` says.
        top_level: The top-level keys of the YAML, with the scale that was used.
        rows: What each of them had of a metric, by its name.
        times: What it took, by device and backend.
    """

    values: Mapping[str, int | float]
    labels: Sequence[str] = ()
    light_head: Sequence[Literal["gives", "takes"] | None] = ()
    top_level: Mapping[str, TopLevelKey] = msgspec.field(default_factory=dict)
    rows: Mapping[str, Sequence[int]] = msgspec.field(default_factory=dict)
    times: Mapping[str, Time] = msgspec.field(default_factory=dict)


def of_profile(profile: Profile) -> Baseline:
    """What a profile says that a variant is."""
    values = {name: metric.of(profile) for name, metric in NAMED.items()}
    return Baseline(
        values={name: value for name, value in values.items() if value is not None},
        labels=labels_of(profile),
        light_head=[layer.light_head for layer in profile.layers],
        top_level=profile.variant.top_level,
        rows={name: figures(name, profile) for name in FIGURES} if profile.layers else {},
        times=times_of(profile),
    )
