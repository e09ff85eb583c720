"""Why nothing meets some budgets: which of them binds, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.suggest.additive import show
from archprof.suggest.solver import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.suggest.additive import Budget
    from archprof.suggest.programme import Programme


def explain(programme: Programme, budgets: Sequence[tuple[Budget, int]]) -> UsageError:
    """The error of budgets that nothing meets.

    For each budget, the least load of its constraint that the others allow, and what that is beyond its limit.

    Args:
        programme: What has no answer.
        budgets: The budget of each of its constraints, with its limit.
    """
    reasons = []
    for index, ((budget, limit), row) in enumerate(zip(budgets, programme.rows, strict=True)):
        least = solve(programme.without_row(index, tuple(-weight for weight in row.weights)))
        if least is None or -least.value <= row.limit:
            continue
        metric, excess = budget.metric, -least.value - row.limit
        nearest = limit + excess if budget.kind == "max" else limit - excess
        side = "above" if budget.kind == "max" else "below"
        among = "" if len(budgets) == 1 else " that meets the others"
        reasons.append(
            f"{budget}: the nearest placement{among} has {show(metric, nearest)}, "
            f"{show(metric, excess)} {side} the limit of {show(metric, limit)}"
        )
    if not reasons:
        names = " and ".join(dict.fromkeys(str(budget) for budget, _ in budgets))
        return UsageError(f"no placement meets {names}: several of them exclude each other", hint="loosen two of them")
    return UsageError(f"no placement meets the budgets: {reasons[0]}", hint="\n".join(reasons[1:]) or None)
