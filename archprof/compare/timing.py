"""Two latencies -> what may be said of them: a verdict only where both were measured in one paired experiment."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from archprof.records.comparison import Delta, Interval

if TYPE_CHECKING:
    from archprof.compare.model import Model
    from archprof.records.metrics import Metric


def compare_latencies(metric: Metric, before: Model, after: Model) -> Delta:
    """A latency of two models.

    Args:
        metric: A latency, of one device and backend.
        before: The first model.
        after: The other one.
    """
    old, new = before.of(metric), after.of(metric)
    delta = Delta(metric=metric.name, unit=metric.unit, before=old, after=new, difference=None, ratio=None)
    if old is None or new is None:
        return delta
    from msgspec.structs import replace

    if reason := not_comparable(metric, before, after):
        return replace(delta, note=f"not comparable: {reason}")
    delta = replace(delta, difference=new - old, ratio=new / old if old else None)
    if interval := _interval(metric, before, after):
        return replace(delta, interval=interval)
    names = " ".join(shlex.quote(model.variant.reference) for model in (before, after))
    same_experiment = before.experiment and after.experiment and before.experiment.name == after.experiment.name
    reason = "measured together, but without an interval of this pair" if same_experiment else "measured separately"
    return replace(delta, note=f"{reason}; `archprof bench {names}` measures them together")


def not_comparable(metric: Metric, before: Model, after: Model) -> str | None:
    """Why two latencies answer different questions, in words; None where they do not."""
    old, new = before.conditions(metric), after.conditions(metric)
    if old is None or new is None:
        return None
    return ", ".join(f"{name} {old[name]} and {new[name]}" for name in old if old[name] != new[name]) or None


def _interval(metric: Metric, before: Model, after: Model) -> Interval | None:
    """Where the ratio lies, of two models of one experiment."""
    _, *rest = metric.name.split("/")
    if before.experiment is None or after.experiment is None or len(rest) < 2:
        return None
    ratio = before.experiment.ratio(after.experiment, rest[0], rest[1])
    if ratio is None or ratio.interval[1] is None:
        return None
    low, high = ratio.bounds
    return Interval(low=low, high=high, confidence=ratio.confidence, verdict=ratio.verdict)
