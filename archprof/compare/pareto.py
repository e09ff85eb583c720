"""Which of several models no other beats, in two metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.records.comparison import Front
from archprof.records.metrics import find_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.compare.model import Model
    from archprof.records.metrics import Metric

X, Y = "flops", "parameters"
"""The metrics that models are set against each other in, unless somebody names others."""

_BETTER = {"min": True, "max": False}


def axis(text: str) -> tuple[Metric, bool]:
    """A metric, and whether less of it is better: as the metric has it, unless ``:min`` or ``:max`` says otherwise.

    Raises:
        UsageError: Where there is no such metric, or another word stands behind it.
    """
    name, colon, better = text.rpartition(":")
    if colon and better in _BETTER:
        return find_metric(name), _BETTER[better]
    metric = find_metric(text)
    return metric, metric.lower_is_better


def axes(x: str, y: str) -> tuple[tuple[Metric, bool], tuple[Metric, bool]]:
    """Both axes, as :func:`axis` reads them.

    Raises:
        UsageError: As there, or where both are the same metric.
    """
    both_axes = axis(x), axis(y)
    if both_axes[0][0].name == both_axes[1][0].name:
        raise UsageError(f"--x and --y are both {both_axes[0][0].name}")
    return both_axes


def front(models: Sequence[Model], x: str, y: str) -> Front:
    """The models of which none has a rival that is better in one metric and at least as good in the other.

    Args:
        models: The models; those that lack one of the metrics are not on the front.
        x: One metric, as :func:`axis` reads it.
        y: The other.

    Raises:
        UsageError: As for :func:`axes`, or where no model has one of them, although one has more than weights.
    """
    both_axes = axes(x, y)
    points: dict[int, tuple[float, ...]] = {}
    for index, model in enumerate(models):
        values = [(model.of(metric), lower) for metric, lower in both_axes]
        if all(value is not None for value, _ in values):
            points[index] = tuple(value if lower else -value for value, lower in values if value is not None)
    for metric, _ in both_axes:
        if all(model.of(metric) is None for model in models) and not all(model.weights_only for model in models):
            hint = f"--convention {metric.convention} adds it" if metric.convention else None
            raise UsageError(f"none of these has {metric.name}", hint=hint)
    members = [index for index, point in points.items() if not any(_beats(rival, point) for rival in points.values())]
    return Front(x=x, y=y, members=members)


def _beats(point: tuple[float, ...], rival: tuple[float, ...]) -> bool:
    return point != rival and all(value <= rival_value for value, rival_value in zip(point, rival, strict=True))
