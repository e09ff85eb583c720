"""Holds a profile to its rules: exact arithmetic, no tolerance that nobody asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from archprof.budgets.budget import Level
from archprof.budgets.row_attribution import attribute
from archprof.errors import UsageError
from archprof.quantity import exact
from archprof.records.check_result import RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from archprof.budgets.baseline import Baseline
    from archprof.budgets.budget import Rule
    from archprof.records.check_result import Kind, State
    from archprof.records.profile import Profile


def judge(
    rules: Sequence[Rule],
    profile: Profile,
    baseline: Baseline | None = None,
) -> list[RuleResult]:
    """Hold a profile to rules, in their order.

    Args:
        rules: What it is held to.
        profile: Of the variant as it is.
        baseline: What it was; without one nothing can be said of growth.

    Raises:
        UsageError: Where a rule is of a metric that the profile does not have.
    """
    results = []
    for rule in rules:
        actual = rule.metric.of(profile)
        if actual is None:
            raise UsageError(f"{rule.key_path}: {profile.variant.name} has no {rule.metric.name}", hint=_missing(rule))
        base = baseline.values.get(rule.metric.name) if baseline else None
        for kind, text, limit in _limits(rule, base):
            result = _rule_result(rule, kind, text, limit, actual, base, profile)
            if result.excess and kind != "min":
                result = msgspec.structs.replace(result, attribution=attribute(rule.metric.name, profile, baseline))
            results.append(result)
    return results


def _limits(rule: Rule, base: float | None) -> Iterator[tuple[Kind, str, Fraction | None]]:
    """The bounds of a rule: how each is written, and the last value that holds, where that is known."""
    if rule.max:
        yield "max", rule.max.text, rule.max.value
    if rule.min:
        yield "min", rule.min.text, rule.min.value
    if rule.max_increase:
        upper = None
        if base is not None:
            base_value = exact(base)
            upper = base_value + max(
                quantity.of(base_value) for quantity in (rule.max_increase, rule.floor) if quantity
            )
        yield "max_increase", rule.max_increase.text, upper


def _rule_result(
    rule: Rule,
    kind: Kind,
    text: str,
    limit: Fraction | None,
    actual: float,
    base: float | None,
    profile: Profile,
) -> RuleResult:
    bound = None if limit is None else _bound(limit, actual, kind)
    exceeds = limit is not None and (exact(actual) < limit if kind == "min" else exact(actual) > limit)
    state: State = "ok" if limit is not None else "no_baseline"
    if exceeds:
        state = "warning" if rule.level is Level.warn else "failed"
    return RuleResult(
        metric=rule.metric.name,
        kind=kind,
        state=state,
        actual=actual,
        bound=bound,
        baseline=base,
        excess=abs(actual - bound) if exceeds and bound is not None else 0,
        limit=text,
        lower_bound=rule.metric.lower_bound(profile),
        message=rule.message,
        key_path=rule.key_path,
        key_line=rule.line,
    )


def _bound(limit: Fraction, actual: float, kind: Kind) -> int | float:
    """The last value that holds: of whole numbers a whole one."""
    if isinstance(actual, int):
        return math.ceil(limit) if kind == "min" else math.floor(limit)
    return float(limit)


def _missing(rule: Rule) -> str | None:
    if rule.metric.name.startswith("backward"):
        return "backward = true counts a training step"
    return None
