"""``--fail-on``: a metric, and the change of it that is too much."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.quantity import Quantity, exact
from archprof.quantity import parse as parse_quantity
from archprof.records.metrics import find_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from archprof.records.comparison import Delta, Interval, Pair
    from archprof.records.metrics import Metric

OPERATORS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}

QUOTES = "in quotes: a shell takes > to mean a file"
MEASURED_TOGETHER = "`archprof bench A B -o bench.json` measures both, and bench.json#A bench.json#B compares them"

_CONDITION = re.compile(r"(?P<metric>.+?)\s*(?P<operator>[<>=!]=|[<>])\s*(?P<sign>[+-]?)\s*(?P<amount>[^<>=!]+)")


class CannotJudgeError(Exception):
    """The two models do not answer what a condition asks."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A change of a metric that fails: ``flops > 0``, ``parameters > 2 %``, ``weight_bytes != 0``.

    ``negative`` says that the amount is meant below nothing, as in ``flops > -5 %``: what does not save 5 % fails.
    """

    text: str
    metric: Metric
    operator: str
    amount: Quantity
    negative: bool

    def fails(self, pair: Pair) -> bool:
        """Whether the change from one model to the other is one that fails.

        A noisy metric fails only where the whole interval of its ratio does.

        Raises:
            CannotJudgeError: Where the models cannot be compared in it, with the reason.
        """
        delta = self.delta(pair)
        if delta.note is not None:
            raise CannotJudgeError(delta.note)
        if delta.before is None or delta.difference is None:
            raise CannotJudgeError(self._absent())
        if incomparable := [difference.name for difference in pair.differences if not difference.comparable]:
            raise CannotJudgeError(
                f"not the same {' and '.join(incomparable)}, so the figures are not of the same thing"
            )
        if delta.lower_bounds:
            raise CannotJudgeError("operations without a formula ran, so the figures are lower bounds")
        before = exact(delta.before)
        bound = self.amount.of(before) * (-1 if self.negative else 1)
        if self.metric.exact:
            return OPERATORS[self.operator](exact(delta.difference), bound)
        if delta.interval is None:
            raise CannotJudgeError(self._absent())
        return all(OPERATORS[self.operator](change, bound) for change in _changes(delta.interval, before))

    def delta(self, pair: Pair) -> Delta:
        """What the condition looks at; ``latency`` is the only one that there is.

        Raises:
            CannotJudgeError: Where there is none, or there are several latencies.
        """
        name = self.metric.name
        deltas = [delta for delta in pair.metrics if name in (delta.metric, delta.metric.partition("/")[0])]
        with_values = [delta for delta in deltas if delta.before is not None and delta.after is not None]
        if len(deltas) > 1 and not with_values:
            raise CannotJudgeError(f"not comparable: {' and '.join(delta.metric for delta in deltas)}")
        if len(with_values) > 1:
            raise CannotJudgeError(f"there are several: {', '.join(delta.metric for delta in with_values)}")
        deltas = with_values or deltas
        if not deltas:
            raise CannotJudgeError(self._absent())
        return deltas[0]

    def _absent(self) -> str:
        convention = self.metric.convention
        hint = f"; --convention {convention} adds it to what is not saved" if convention else ""
        if not self.metric.exact:
            hint = f"; {MEASURED_TOGETHER}"
        return f"not both have {self.metric.name}{hint}"


def parse(text: str) -> Condition:
    """A condition from what was typed: a metric, one of :data:`OPERATORS`, and an amount, in percent if need be.

    Raises:
        UsageError: Where it has another form, or there is no such metric.
    """
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--fail-on {text!r} is not a metric, a sign and an amount", hint=_form(text.strip()))
    metric = find_metric(match["metric"])
    if not metric.exact and match["operator"] in ("==", "!="):
        raise UsageError(f"--fail-on {text!r}: {metric.name} is never quite the same", hint="use > or <")
    try:
        amount = parse_quantity(match["amount"], metric.unit, percent=True)
    except ValueError as error:
        raise UsageError(f"--fail-on {text!r}: expected {error}") from None
    return Condition(text, metric, match["operator"], amount, match["sign"] == "-")


def _form(text: str) -> str:
    """How a condition is written, on the metric that was named by itself, where one was."""
    try:
        metric = find_metric(text)
    except UsageError:
        return f"write it as 'flops > 0' or 'parameters > 2 %', {QUOTES}"
    hint = f"write it as '{text} > 5 %', {QUOTES}"
    return (
        hint if metric.exact else f"{hint}\nlatencies that were measured separately get no verdict; {MEASURED_TOGETHER}"
    )


def _changes(interval: Interval, before: Fraction) -> tuple[Fraction, Fraction]:
    """The smallest and the largest change that an interval of the ratio leaves."""
    return (exact(interval.low) - 1) * before, (exact(interval.high) - 1) * before
