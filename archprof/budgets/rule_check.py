"""Holds a profile to its rules: exact arithmetic, no tolerance that nobody asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from archprof.budgets.budget import Level
from archprof.budgets.row_attribution import attribute
from archprof.errors import UsageError
from archprof.quantity import exact
from archprof.records.check_result import Judgement

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
) -> list[Judgement]:
    """Hold a profile to rules, in their order.

    Args:
        rules: What it is held to.
        profile: Of the variant as it is.
        baseline: What it was; without one nothing can be said of growth.

    Raises:
        UsageError: Where a rule is of a metric that the profile does not have.
    """
    judgements = []
    for rule in rules:
        found = rule.metric.of(profile)
        if found is None:
            raise UsageError(f"{rule.place}: {profile.variant.name} has no {rule.metric.name}", hint=_missing(rule))
        base = baseline.values.get(rule.metric.name) if baseline else None
        for kind, written, limit in _limits(rule, base):
            one = _judgement(rule, kind, written, limit, found, base, profile)
            if one.excess and kind != "min":
                one = msgspec.structs.replace(one, attribution=attribute(rule.metric.name, profile, baseline))
            judgements.append(one)
    return judgements


def _limits(rule: Rule, base: float | None) -> Iterator[tuple[Kind, str, Fraction | None]]:
    """The bounds of a rule: how each is written, and the last value that holds, where that is known."""
    if rule.max:
        yield "max", rule.max.text, rule.max.value
    if rule.min:
        yield "min", rule.min.text, rule.min.value
    if rule.max_increase:
        most = None
        if base is not None:
            was = exact(base)
            most = was + max(one.of(was) for one in (rule.max_increase, rule.floor) if one)
        yield "max_increase", rule.max_increase.text, most


def _judgement(
    rule: Rule,
    kind: Kind,
    written: str,
    limit: Fraction | None,
    found: float,
    base: float | None,
    profile: Profile,
) -> Judgement:
    bound = None if limit is None else _bound(limit, found, kind)
    beyond = limit is not None and (exact(found) < limit if kind == "min" else exact(found) > limit)
    state: State = "ok" if limit is not None else "unjudged"
    if beyond:
        state = "warning" if rule.level is Level.warn else "failed"
    return Judgement(
        metric=rule.metric.name,
        kind=kind,
        state=state,
        found=found,
        bound=bound,
        base=base,
        excess=abs(found - bound) if beyond and bound is not None else 0,
        limit=written,
        lower_bound=rule.metric.lower_bound(profile),
        message=rule.message,
        place=rule.place,
        place_line=rule.line,
    )


def _bound(limit: Fraction, found: float, kind: Kind) -> int | float:
    """The last value that holds: of whole numbers a whole one."""
    if isinstance(found, int):
        return math.ceil(limit) if kind == "min" else math.floor(limit)
    return float(limit)


def _missing(rule: Rule) -> str | None:
    if rule.metric.name.startswith("backward"):
        return "backward = true counts a training step"
    return None
