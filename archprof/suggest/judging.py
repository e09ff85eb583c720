"""How variants that were counted are judged: their goal, their budgets, and what the nearest of them is short of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from archprof.errors import ArchprofError, UsageError
from archprof.records.metrics import TRAFFIC
from archprof.records.variation import VariedModel
from archprof.sources.usercode import own_lines
from archprof.suggest.additive import LIMITED, amount_in, show
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archprof.records.profile import Profile
    from archprof.suggest.additive import Budget

SHOWN = ("parameters", "flops", TRAFFIC.name, "weight_bytes", "peak_activation_bytes")
"""The figures of a variant that are shown whatever is limited: FLOPs alone would mislead."""


def shown_metrics(names: Iterable[str]) -> list[str]:
    """Those, and the metrics of some names."""
    return list(dict.fromkeys([*SHOWN, *(name for name in names if name in LIMITED)]))


BEYOND = 1e30
"""More than any goal is."""


@dataclass(frozen=True)
class Judge:
    """Says of a variant whether it fits, and how good it is.

    Attributes:
        limits: Each budget with its limit in whole units.
        goal: The metric of which the most is wanted, or the name of the score.
        maximise: Whether the most of it is wanted; else the least.
        score: The user's own function of a profile.
        metrics: The names of the figures that are kept.
    """

    limits: Sequence[tuple[Budget, int]]
    goal: str
    maximise: bool
    score: Callable[[Profile], Any] | None
    metrics: Sequence[str]

    def totals(self, profile: Profile) -> dict[str, int]:
        """A profile's figures by metric."""
        return {name: amount_in(profile, LIMITED[name]) for name in self.metrics}

    def model(
        self,
        changes: Mapping[str, Any],
        outcome: Profile | ArchprofError,
        channels: Mapping[str, int] | None = None,
        experts: Mapping[str, int] | None = None,
    ) -> VariedModel:
        """A variant's line: its figures, its goal, and whether it fits; or why it cannot be counted.

        Raises:
            UsageError: Where the score is no number.
        """
        variant = VariedModel(changes=dict(changes), channels=dict(channels or {}), experts=dict(experts or {}))
        if isinstance(outcome, ArchprofError):
            return replace(variant, error=outcome.message)
        totals = self.totals(outcome)
        value = self._scored(outcome) if self.score else float(amount_in(outcome, LIMITED[self.goal]))
        return replace(variant, goal=value, totals=totals, fits=self.fits(totals))

    def fits(self, totals: Mapping[str, int]) -> bool:
        """Whether figures are within every budget, as far as they are known."""
        return all(_excess(totals, *pair) <= 0 for pair in self.limits)

    def leaves_room(self, totals: Mapping[str, int]) -> bool:
        """Whether figures are within every upper limit; experts only add to them."""
        return all(_excess(totals, *pair) <= 0 for pair in self.limits if pair[0].kind == "max")

    def rank(self, model: VariedModel) -> tuple[bool, float]:
        """What the best variant has the least of."""
        goal = model.goal or 0.0
        return (not model.fits, -goal if self.maximise else goal)

    def fitness(self, model: VariedModel) -> float:
        """How good a variant is: its goal where it fits; else below all that fit, the more so the further it is off."""
        if not model.fits:
            return -BEYOND * (1 + min(self.shortfall(model), BEYOND))
        goal = model.goal or 0.0
        return goal if self.maximise else -goal

    def shortfall(self, model: VariedModel) -> float:
        """By what share of a limit a variant is beyond it, where that is most; infinite without figures."""
        shares = (_excess(model.totals, *pair) / max(pair[1], 1) for pair in self.limits)
        return math.inf if model.error else max(shares, default=0.0)

    def _scored(self, profile: Profile) -> float:
        """What the user's function says of a profile.

        Raises:
            UsageError: Where it raises, or gives no number.
        """
        assert self.score is not None
        try:
            value = self.score(profile)
        except (Exception, SystemExit) as error:
            message = f"--goal {self.goal} raised {type(error).__name__}: {error}"
            raise UsageError(message, hint=own_lines(error)) from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            hint = "it gets the profile of a variant"
            raise UsageError(f"--goal {self.goal} gave {value!r}, which is not a number", hint=hint)
        return float(value)

    def none_fits(
        self, models: Sequence[VariedModel], size: int, exclusions: Sequence[str] = (), sample: int | None = None
    ) -> UsageError:
        """The error of budgets that no variant meets: the variant that comes nearest, and what it is short of.

        Args:
            models: The best of those that were counted.
            size: How many there are.
            exclusions: What was left out, and why.
            sample: How many were counted, where others may meet them; None where it is proven that none does.
        """
        counted = [model for model in models if not model.error]
        if not counted:
            return UsageError(f"none of {plural(len(models), 'variant')} can be built: {models[0].error}")
        nearest = min(counted, key=self.shortfall)
        short = [pair for pair in self.limits if _excess(nearest.totals, *pair) > 0]
        texts = []
        for budget, limit in sorted(short, key=lambda pair: -_excess(nearest.totals, *pair) / max(pair[1], 1)):
            amount = nearest.totals[budget.metric.name]
            side = "above" if budget.kind == "max" else "below"
            difference = show(budget.metric, abs(amount - limit))
            texts.append(f"{show(budget.metric, amount)}, {difference} {side} {budget}")
        all_texts = " and ".join(texts)
        number = plural(size, "variant") if sample is None else f"the {sample:,} counted among {size:,} variants"
        more = f" and {len(exclusions) - 1:,} more" if len(exclusions) > 1 else ""
        return UsageError(
            f"none of {number} meets the budgets: the nearest ({nearest.text}) has {all_texts}",
            hint=f"left out: {exclusions[0]}{more}" if exclusions else None,
        )


def _excess(totals: Mapping[str, int], budget: Budget, limit: int) -> int:
    """By how much figures are beyond a limit; negative within it, and 0 where there is no such figure yet."""
    amount = totals.get(budget.metric.name, limit)
    return amount - limit if budget.kind == "max" else limit - amount
