"""The best variant under budgets among those of other width, depth, image size or scale: all of them are counted."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.errors import ArchprofError, UsageError
from archprof.pipeline import Request, profile_all
from archprof.pipeline.progress import SILENT
from archprof.records.variation import Variation, VariedModel
from archprof.sources.spec import VariantSpec
from archprof.suggest.additive import LIMITED, TRAFFIC
from archprof.suggest.axes import parse_axes, size_of, variants, varied, with_factors
from archprof.suggest.files import stem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec
    from archprof.suggest.additive import Budget

MOST = 400
"""How many variants are counted; of more a random part, and then nothing is proven."""

SHOWN = ("parameters", "flops", TRAFFIC.name, "weight_bytes", "peak_activation_bytes")


def vary(
    spec: Spec,
    options: Options,
    text: str,
    budgets: Sequence[Budget],
    goal: str,
    score: Callable[[Profile], Any] | None,
    config: ExecutionConfig,
    progress: Progress = SILENT,
) -> Variation:
    """Count the variants of a model, and choose the one with the most of the goal among those that fit.

    Args:
        spec: The model.
        options: How to build and run it.
        text: What is varied, as :func:`archprof.suggest.axes.parse_axes` takes it.
        budgets: What must be kept.
        goal: The metric to have the most of, or the name of the score.
        score: The user's own function of a profile.
        config: How variants may be counted.
        progress: Is told what is being done.

    Raises:
        UsageError: Where the axes make no sense, no variant fits, or the score gives no number.
    """
    axes = parse_axes(text, spec)
    if score is None and goal not in LIMITED:
        raise UsageError(f"unknown metric {goal!r}", hint=f"metrics: {', '.join(LIMITED)}")
    size = size_of(axes)
    changes = list(variants(axes)) if size <= MOST else _sample(axes, size)
    models = [varied(spec, options, change) for change in changes]
    outcomes = profile_all(
        [Request(spec, options, level="budgets"), *(Request(*model, level="budgets") for model in models)],
        config,
        progress,
    )
    base, *counted = outcomes
    if isinstance(base, ArchprofError):
        raise base
    limits = [(budget, budget.limit(int(budget.metric.of(base) or 0))) for budget in budgets]
    rows = [_row(change, outcome, limits, goal, score) for change, outcome in zip(changes, counted, strict=True)]
    if not any(row.fits for row in rows):
        raise _none_fits(rows, limits)
    order = sorted(range(len(rows)), key=lambda index: (not rows[index].fits, -(rows[index].goal or 0), index))
    best = models[order[0]][0]
    return Variation(
        variant=base.variant,
        input=base.input,
        goal=goal,
        budgets=[str(budget) for budget in budgets],
        size=size,
        counted=len(rows),
        proven=len(rows) == size,
        base=_totals(base, limits),
        models=[rows[index] for index in order],
        yaml=with_factors(best, best.factors) if isinstance(best, VariantSpec) else None,
        stem=stem_of(best),
    )


def _sample(axes: dict[str, list[Any]], size: int) -> list[dict[str, Any]]:
    """Some variants, the same each time."""
    wanted = set(random.Random(0).sample(range(size), MOST))
    return [change for index, change in enumerate(variants(axes)) if index in wanted]


def _totals(profile: Profile, limits: Sequence[tuple[Budget, int]]) -> dict[str, int]:
    names = dict.fromkeys([*SHOWN, *(budget.metric.name for budget, _ in limits)])
    return {name: int(LIMITED[name].of(profile) or 0) for name in names}


def _row(
    change: dict[str, Any],
    outcome: Profile | ArchprofError,
    limits: Sequence[tuple[Budget, int]],
    goal: str,
    score: Callable[[Profile], Any] | None,
) -> VariedModel:
    if isinstance(outcome, ArchprofError):
        return VariedModel(changes=change, error=outcome.message)
    totals = _totals(outcome, limits)
    value = _score(score, outcome, goal) if score else float(LIMITED[goal].of(outcome) or 0)
    fits = all(
        totals[budget.metric.name] <= limit if budget.kind == "max" else totals[budget.metric.name] >= limit
        for budget, limit in limits
    )
    return VariedModel(changes=change, goal=value, totals=totals, fits=fits)


def _score(score: Callable[[Profile], Any], profile: Profile, name: str) -> float:
    """What the user's function says of a profile.

    Raises:
        UsageError: Where it raises, or gives no number.
    """
    try:
        value = score(profile)
    except Exception as error:
        raise UsageError(f"--goal {name} raised {type(error).__name__}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UsageError(f"--goal {name} gave {value!r}, which is no number", hint="it gets the profile of a variant")
    return float(value)


def _none_fits(rows: Sequence[VariedModel], limits: Sequence[tuple[Budget, int]]) -> UsageError:
    """The error of budgets that no variant meets: the variant that comes nearest, and what it is short of."""
    if not (counted := [row for row in rows if not row.error]):
        return UsageError(f"none of {len(rows)} variants can be built: {rows[0].error}")

    def excess(row: VariedModel, budget: Budget, limit: int) -> float:
        amount = row.totals[budget.metric.name]
        return (amount - limit if budget.kind == "max" else limit - amount) / max(limit, 1)

    nearest = min(counted, key=lambda row: max(excess(row, *pair) for pair in limits))
    budget, limit = max(limits, key=lambda pair: excess(nearest, *pair))
    amount = nearest.totals[budget.metric.name]
    side = "above" if budget.kind == "max" else "below"
    changes = ", ".join(f"{name} {value}" for name, value in nearest.changes.items())
    return UsageError(
        f"none of {len(rows)} variants meets the budgets: the nearest ({changes}) has "
        f"{units.measure(amount, budget.metric.unit)}, "
        f"{units.measure(abs(amount - limit), budget.metric.unit)} {side} {budget}"
    )
