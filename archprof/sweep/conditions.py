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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.records.sweep import SweepRow

_CONDITION = re.compile(r"(?P<name>[^<>=!]+?)\s*(?P<comparison><=|>=|==|!=|<|>)\s*(?P<amount>[^<>=!].*)")

EXAMPLE = "as --where 'flops < 8 G' or --where 'imgsz >= 480'"


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

    def holds_at(self, point: Mapping[str, Any]) -> bool:
        """Whether a point may be counted: one on a metric excludes nothing before it is."""
        return self.metric or self._holds(point.get(self.name))

    def excludes(self, lower_bounds: Mapping[str, int]) -> bool:
        """Whether a variant cannot meet it, given the least that some of its metrics may be."""
        bound = lower_bounds.get(self.name) if self.metric else None
        comparison = {"<": "<", "<=": "<=", "==": "<="}.get(self.comparison)
        return bound is not None and comparison is not None and not OPERATORS[comparison](Fraction(bound), self.limit)

    def holds(self, row: SweepRow) -> bool:
        """Whether a row that was counted meets it; one without figures meets no condition on a metric."""
        return self._holds(row.value(self.name)) if self.metric else self.holds_at(row.point)

    def check(self, rows: Sequence[SweepRow]) -> None:
        """Refuse one on a metric that no variant has, which all would be left out by.

        Raises:
            UsageError: Where variants have figures, and none has this one.
        """
        counted = [row for row in rows if row.error is None]
        if self.metric and counted and all(row.value(self.name) is None for row in counted):
            message = f"--where {self.text!r}: no variant of the sweep has {self.name}"
            raise UsageError(message, hint=find_metric(self.name).adds or None)

    def _holds(self, value: Any) -> bool:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and isinstance(self.limit, (int, Fraction)):
            # As it was typed: 0.1 equals "0.1".
            amount = exact(value) if math.isfinite(value) else value
            return OPERATORS[self.comparison](amount, Fraction(self.limit))
        if self.comparison in ("==", "!="):
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
        raise UsageError(f"--where {text!r}: expected NAME < AMOUNT", hint=EXAMPLE)
    name, amount = " ".join(match["name"].split()), match["amount"].strip()
    if name in axes:
        return Condition(text, name, match["comparison"], _plain(amount), metric=False)
    if name.lower() not in (*BY_NAME, LATENCY):
        metrics = [*NAMED, LATENCY]
        hint = did_you_mean(name, [*axes, *BY_NAME, LATENCY])
        hint = hint or f"axes: {', '.join(axes)}; metrics: {', '.join(metrics)}"
        raise UsageError(f"--where {text!r}: {name!r} is neither a metric nor an axis of this sweep", hint=hint)
    metric = find_metric(name)
    try:
        limit = parse_quantity(amount, metric.unit).value
    except ValueError as error:
        raise UsageError(f"--where {text!r}: {amount!r} is not {error}", hint=EXAMPLE) from None
    return Condition(text, metric.name, match["comparison"], limit, metric=True)


def _plain(text: str) -> Any:
    """A number where it is one, else the text."""
    try:
        return plain_number(text)
    except ValueError:
        return text.strip("\"'")
