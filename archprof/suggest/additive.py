"""The metrics that add up over the parts of a model, and budgets on them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from archprof.errors import UsageError
from archprof.quantity import EXAMPLES, parse
from archprof.records.metrics import BY_NAME, METRICS, TRAFFIC, Metric, by_name, hint_for
from archprof.units import Unit, measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.quantity import Quantity
    from archprof.records.profile import Profile

LATENCY = Metric(
    name="latency",
    label="predicted latency",
    unit=Unit.seconds,
    of=lambda profile: profile.prediction.seconds if profile.prediction else None,
    exact=False,
)
"""What a forward pass should take on this computer, where it was calibrated."""

PER_UNIT = {Unit.seconds: 10**12}
"""What amounts are whole numbers of, where that is no single unit: picoseconds, since operations take nanoseconds."""

_NAMES = (
    *("parameters", "trainable_parameters", "macs", "flops", "elementwise_flops", "weight_bytes", "activation_bytes"),
    *("bytes_read", "bytes_written"),
)

ADDITIVE: Mapping[str, Metric] = {**{name: METRICS[name] for name in _NAMES}, TRAFFIC.name: TRAFFIC}
"""Metrics whose total is the sum over the modules, by name."""

LIMITED: Mapping[str, Metric] = {
    **{name: metric for name, metric in METRICS.items() if metric.exact and metric.convention is None},
    TRAFFIC.name: TRAFFIC,
    LATENCY.name: LATENCY,
}
"""The metrics that may be limited where every variant is counted, so that they need not add up."""

MAXIMISED = ("parameters", "trainable_parameters")
"""Goals of which more is better; of every other, less."""


PLACED: Mapping[str, Metric] = {**ADDITIVE, LATENCY.name: LATENCY}
"""The metrics that may be limited where convolutions are made dynamic."""


def find_additive(name: str, metrics: Mapping[str, Metric] = ADDITIVE) -> Metric:
    """The metric of a name or an alias.

    Args:
        name: The name.
        metrics: Those that may be named.

    Raises:
        UsageError: Where there is none, or it is none of these.
    """
    if metric := by_name(metrics.values()).get(name.lower()):
        return metric
    if name.lower() in by_name(LIMITED.values()):
        message = f"{name} does not add up over convolutions, so no bound can be proved with it"
        raise UsageError(message, hint=f"metrics that do: {', '.join(metrics)}")
    if name.lower() in BY_NAME:
        raise UsageError(f"variants are not chosen by {name}", hint=f"metrics to name: {', '.join(metrics)}")
    raise UsageError(f"no metric {name!r}", hint=hint_for(name, [*metrics.values()]))


def amount_in(profile: Profile, metric: Metric) -> int:
    """A profile's amount of a metric in whole numbers: of picoseconds, where it is a time; 0 where it has none."""
    return round((metric.of(profile) or 0) * PER_UNIT.get(metric.unit, 1))


def show(metric: Metric, amount: float) -> str:
    """An amount as :func:`amount_in` gives it, in print."""
    return measure(amount / PER_UNIT[metric.unit] if metric.unit in PER_UNIT else amount, metric.unit)


def totals(profile: Profile) -> dict[str, int]:
    """A profile's totals by metric."""
    return {name: int(metric.of(profile) or 0) for name, metric in ADDITIVE.items()}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on one metric.

    Attributes:
        metric: What is limited.
        kind: Whether it may not be more, or not be less.
        sign: 1 or -1 where the amount is added to the model's own or taken from it; 0 where it is the amount itself.
        quantity: The amount.
        text: What the user wrote.
    """

    metric: Metric
    kind: Literal["max", "min"]
    sign: int
    quantity: Quantity
    text: str

    def limit(self, base: int) -> int:
        """The limit in whole numbers, as :func:`amount_in` gives them: rounded so that it is never exceeded.

        Args:
            base: The model's own amount.
        """
        absolute = 1 if self.quantity.percent else PER_UNIT.get(self.metric.unit, 1)
        amount = self.quantity.of(Fraction(base)) * absolute
        limit = base + self.sign * amount if self.sign else amount
        return limit.__floor__() if self.kind == "max" else limit.__ceil__()

    def __str__(self) -> str:
        return f"--{self.kind} {self.text}"


def parse_budget(text: str, kind: Literal["max", "min"], metrics: Mapping[str, Metric] = PLACED) -> Budget:
    """``flops=+0.1%``, ``bytes=-10%``, ``weights=20MB``, ``parameters=+1M`` -> a budget.

    Args:
        text: A metric, and an amount of it: relative to the model's own with a sign, else absolute.
        kind: Whether it is an upper or a lower limit.
        metrics: The metrics that may be limited, by name; those that add up by default.

    Raises:
        UsageError: Where it has another form, or the metric cannot be limited.
    """
    name, separator, amount = text.partition("=")
    example = f"--{kind} flops=+0.1% or --{kind} weights=20MB"
    if not separator or not name.strip() or not amount.strip():
        raise UsageError(f"--{kind} {text!r}: expected METRIC=AMOUNT", hint=f"for example {example}")
    metric = find_additive(name.strip(), metrics)
    if metric is LATENCY and kind == "min":
        raise UsageError("--min latency: nobody wants a slower model", hint="for example --max latency=+3%")
    amount = amount.strip()
    sign = {"+": 1, "-": -1, "\N{MINUS SIGN}": -1}.get(amount[0], 0)
    try:
        quantity = parse(amount[1:] if sign else amount, metric.unit, percent=bool(sign))
    except ValueError:
        hint = f"an amount such as {EXAMPLES[metric.unit]}, or relative to the model's own with a sign: +5% or -10%"
        raise UsageError(f"--{kind} {text!r}: {amount!r} is not a valid amount of {metric.label}", hint=hint) from None
    return Budget(metric, kind, sign, quantity, text)


def parse_budgets(maxima: Sequence[str], minima: Sequence[str], metrics: Mapping[str, Metric] = PLACED) -> list[Budget]:
    """The budgets of ``--max`` and ``--min``.

    Args:
        maxima: Upper limits.
        minima: Lower limits.
        metrics: The metrics that may be limited, by name; those that add up by default.

    Raises:
        UsageError: As :func:`parse_budget`, or where two are upper, or lower, limits on one metric.
    """
    budgets = [
        *(parse_budget(text, "max", metrics) for text in maxima),
        *(parse_budget(text, "min", metrics) for text in minima),
    ]
    seen: set[tuple[str, str]] = set()
    for budget in budgets:
        if (budget.kind, budget.metric.name) in seen:
            raise UsageError(f"--{budget.kind} names {budget.metric.name} twice", hint="give the tighter one alone")
        seen.add((budget.kind, budget.metric.name))
    return budgets
