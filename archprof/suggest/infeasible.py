"""Why nothing meets some budgets: which of them binds, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.errors import UsageError
from archprof.suggest.solver import solve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.suggest.additive import Budget
    from archprof.suggest.programme import Programme


def explain(programme: Programme, budgets: Sequence[Budget], totals: Mapping[str, int]) -> UsageError:
    """The error of budgets that nothing meets.

    For each budget, the least load of its constraint that the others allow, and what that is beyond its limit.

    Args:
        programme: What has no answer.
        budgets: One for each of its constraints.
        totals: The model's own amounts.
    """
    reasons = []
    for index, (budget, row) in enumerate(zip(budgets, programme.rows, strict=True)):
        least = solve(programme.without_row(index, tuple(-weight for weight in row.weights)))
        if least is None or -least.value <= row.limit:
            continue
        base, unit = totals[budget.metric.name], budget.metric.unit
        nearest = base - least.value if budget.kind == "max" else base + least.value
        short = units.measure(-least.value - row.limit, unit)
        side = "above" if budget.kind == "max" else "below"
        among = "" if len(budgets) == 1 else " that meets the others"
        reasons.append(
            f"{budget}: the nearest placement{among} has {units.measure(nearest, unit)}, "
            f"{short} {side} the limit of {units.measure(budget.limit(base), unit)}"
        )
    if not reasons:
        names = " and ".join(map(str, budgets))
        return UsageError(f"no placement meets {names}: several of them exclude each other", hint="loosen two of them")
    return UsageError(f"no placement meets the budgets: {reasons[0]}", hint="\n".join(reasons[1:]) or None)
