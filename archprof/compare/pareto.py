"""Which of several models no other beats, in two metrics."""

from __future__ import annotations

import math
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from archprof.errors import UsageError
from archprof.records.comparison import Front
from archprof.records.metrics import find_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.compare.model import Model
    from archprof.records.metrics import Metric, Value

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


Axes: TypeAlias = "tuple[tuple[Metric, bool], tuple[Metric, bool]]"
"""The metric of each axis, and whether less of it is better."""


def axes(x: str | None, y: str | None) -> Axes:
    """Both axes, as :func:`axis` reads them; of one that is not named the usual metric.

    Raises:
        UsageError: As there, or where both are the same metric.
    """
    both_axes = axis(x or X), axis(y or Y)
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
    for metric, _ in both_axes:
        if all(model.of(metric) is None for model in models) and not all(model.weights_only for model in models):
            raise UsageError(f"none of these has {metric.name}", hint=metric.adds or None)
    (x_metric, _), (y_metric, _) = both_axes
    points = [(model.of(x_metric), model.of(y_metric)) for model in models]
    return Front(x=x, y=y, members=unbeaten(points, [lower for _, lower in both_axes]))


def unbeaten(points: Sequence[tuple[Value | None, Value | None]], lower_is_better: Sequence[bool]) -> list[int]:
    """The indices of the points that no other beats; those that lack a value are not among them.

    Args:
        points: Two values each.
        lower_is_better: Whether less is better, of the first values and of the second.
    """
    signs = [1 if lower else -1 for lower in lower_is_better]
    known = [
        (signs[0] * x, signs[1] * y, index) for index, (x, y) in enumerate(points) if x is not None and y is not None
    ]
    members: list[int] = []
    least = math.inf  # the best second value among points that are better in the first
    for _, group in groupby(sorted(known), key=itemgetter(0)):
        equal = list(group)
        best = equal[0][1]
        if best < least:
            members += [index for _, y, index in equal if y == best]
            least = best
    return sorted(members)
