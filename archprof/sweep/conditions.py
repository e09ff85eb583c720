"""``--where 'flops < 8 G'``: a condition on a metric, or on an axis, which is known before anything is counted."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archprof.compare.condition import OPERATORS
from archprof.errors import UsageError, did_you_mean
from archprof.quantity import exact, plain_number
from archprof.quantity import parse as parse_quantity
from archprof.records.metrics import BY_NAME, LATENCY, NAMED, find_metric
from archprof.sweep.values import parse_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.records.sweep import SweepRow

_CONDITION = re.compile(r"(?P<name>[^<>=!]+)(?P<comparison><=|>=|==|!=|<|>)(?P<amount>[^<>=!].*)")

EQUALITY = ("==", "!=")
"""The comparisons with something that is no number."""

EXAMPLE = "as 'flops < 8 G' or 'imgsz >= 480'"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        text: How it was written.
        name: A metric, or an axis.
        comparison: One of :data:`~archprof.compare.condition.OPERATORS`.
        limit: What the value is compared with.
        metric: Whether the name is a metric.
    """

    text: str
    name: str
    comparison: str
    limit: Any
    metric: bool

    @property
    def on_latency(self) -> bool:
        """Whether it is about what is measured after everything is counted."""
        return self.metric and self.name == LATENCY

    def holds_at(self, point: Mapping[str, Any]) -> bool:
        """Whether a point may be counted: one on a metric excludes nothing before it is."""
        return self.metric or (self.name in point and self._holds(point[self.name]))

    def excludes(self, lower_bounds: Mapping[str, int]) -> bool:
        """Whether a variant cannot meet it, given the least that some of its metrics may be."""
        bound = lower_bounds.get(self.name) if self.metric else None
        comparison = {"<": "<", "<=": "<=", "==": "<="}.get(self.comparison)
        return bound is not None and comparison is not None and not OPERATORS[comparison](Fraction(bound), self.limit)

    def holds(self, row: SweepRow) -> bool:
        """Whether a row that was counted meets it; one without figures meets no condition on a metric."""
        if not self.metric:
            return self.holds_at(row.point)
        value = row.value(self.name)
        return value is not None and self._holds(value)

    def _holds(self, value: Any) -> bool:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and isinstance(self.limit, Fraction):
            # As it was typed: 0.1 equals "0.1".
            amount = exact(value) if math.isfinite(value) else value
            return OPERATORS[self.comparison](amount, self.limit)
        if self.comparison in EQUALITY:
            return (str(value) == str(self.limit)) is (self.comparison == "==")
        return False


def parse(text: str, axes: Sequence[str]) -> Condition:
    """A condition as it is typed.

    Args:
        text: ``NAME < AMOUNT``, with one of the six signs of comparison.
        axes: The axes that are varied.

    Raises:
        UsageError: Where it is of another form, or names neither a metric nor an axis.
    """
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"where {text!r}: expected NAME < AMOUNT", hint=EXAMPLE)
    name, amount = " ".join(match["name"].split()), match["amount"].strip()
    if name in axes:
        plain = _plain(name, amount)
        if match["comparison"] not in EQUALITY and not isinstance(plain, Fraction):
            message = f"where {text!r}: {amount!r} is not a number"
            raise UsageError(message, hint="only == and != compare with something else")
        return Condition(text, name, match["comparison"], plain, metric=False)
    if name.lower() not in (*BY_NAME, LATENCY):
        hint = did_you_mean(name, [*axes, *BY_NAME, LATENCY])
        hint = hint or f"axes: {', '.join(axes)}; metrics: {', '.join([*NAMED, LATENCY])}"
        raise UsageError(f"where {text!r}: {name!r} is neither a metric nor an axis of this sweep", hint=hint)
    metric = find_metric(name)
    try:
        limit = parse_quantity(amount, metric.unit).value
    except ValueError as error:
        raise UsageError(f"where {text!r}: {amount!r} is not {error}", hint=EXAMPLE) from None
    return Condition(text, metric.name, match["comparison"], limit, metric=True)


def check_metrics(conditions: Sequence[Condition], rows: Sequence[SweepRow]) -> None:
    """See to it that what conditions are about was counted.

    Raises:
        UsageError: Where there are figures, and no variant has a metric.
    """
    if not any(row.figures for row in rows):
        return
    for condition in conditions:
        if condition.metric and all(row.value(condition.name) is None for row in rows):
            message = f"where {condition.text!r}: no variant of the sweep has {condition.name}"
            raise UsageError(message, hint=find_metric(condition.name).adds or None)


def _plain(name: str, text: str) -> Any:
    """A number where it is one, else a literal as the values of axes are, else the text."""
    try:
        return plain_number(text)
    except ValueError:
        pass
    try:
        return parse_literal(name, text)
    except UsageError:
        return text
