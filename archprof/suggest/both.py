"""Experts in the variants of a model: of each that leaves room, the best placement within the same budgets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.pipeline.counting import finish
from archprof.pipeline.predicting import with_prediction
from archprof.pipeline.request import PredictionRequest
from archprof.quantity import Quantity
from archprof.suggest.additive import ADDITIVE, LATENCY, PER_UNIT, PLACED, Budget
from archprof.suggest.clock import clock_of
from archprof.suggest.deltas import count_with, measure_deltas
from archprof.suggest.patterns import NoMatchError
from archprof.suggest.placement import solved_placement
from archprof.suggest.problem import Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.builder.options import Options
    from archprof.records.profile import Profile
    from archprof.records.variation import VariedModel
    from archprof.sources.spec import Spec
    from archprof.suggest.frames import Counter, Model
    from archprof.suggest.judging import Judge
    from archprof.suggest.vary import VariationQuestion

MOST_PLACED = 40
"""In how many variants experts are placed."""


@dataclass(frozen=True)
class Placed:
    """Variants with experts, each with its plain model, and those without; whether some were left out; remarks."""

    entries: Sequence[tuple[VariedModel, Model]]
    partial: bool
    remarks: Sequence[str]


def with_experts(
    entries: Sequence[tuple[VariedModel, Model]], question: VariationQuestion, judge: Judge, counter: Counter
) -> Placed:
    """The variants, and of each that leaves room for experts the one with the best placement.

    Args:
        entries: Variants that were counted, each with its model.
        question: What is asked.
        judge: Knows the limits.
        counter: Is told of what is counted.

    Raises:
        UsageError: Where the goal or a budget does not add up over convolutions, or a pattern matches no convolution of
            any variant.
    """
    if judge.score is not None:
        hint = "it places experts without --vary"
        raise UsageError(f"--experts with --vary: {judge.goal} does not add up over convolutions", hint=hint)
    if judge.goal not in ADDITIVE:
        raise UsageError(f"--experts with --vary: {judge.goal} does not add up over convolutions")
    for budget, _ in judge.limits:
        if budget.metric.name not in PLACED:
            raise UsageError(f"--experts with --vary: {budget.metric.name} does not add up over convolutions")
    room = [entry for entry in entries if not entry[0].error and judge.leaves_room(entry[0].totals)]
    room.sort(key=lambda entry: judge.rank(entry[0]))
    results, remarks, proven, mismatches = list(entries), dict[str, None](), True, list[NoMatchError]()
    for line, model in room[:MOST_PLACED]:
        try:
            placement = _best_placement(line, model, question, judge, counter)
        except NoMatchError as error:  # a variant of less depth has fewer convolutions
            mismatches.append(error)
            continue
        except UsageError:  # nothing of it can be made dynamic, or nothing that keeps the budgets
            continue
        if placement:
            results.append((placement[0], model))
            proven = proven and placement[1]
    if mismatches and len(mismatches) == len(room[:MOST_PLACED]):
        raise mismatches[0]
    if len(room) > MOST_PLACED:
        remarks[f"experts were placed in {MOST_PLACED} of {len(room)} variants that leave room for them"] = None
    if not proven:
        remarks["the placement of experts was not proven best in some variants"] = None
    return Placed(results, len(room) > MOST_PLACED or not proven, list(remarks))


def _best_placement(
    line: VariedModel, model: Model, question: VariationQuestion, judge: Judge, counter: Counter
) -> tuple[VariedModel, bool] | None:
    """A variant with its best placement, and whether that is proven; None where it stays plain.

    Raises:
        UsageError: Where there is none.
    """
    spec, options = model
    clock = clock_of(options.dtype, options.device) if counter.predicted else None
    counter.number += 1
    table = measure_deltas(spec, options, question.experts, question.only, question.never, clock)
    budgets = tuple(_absolute(*pair) for pair in judge.limits)
    asked = Question(experts=tuple(question.experts), budgets=budgets, goal=judge.goal, alternatives=0)
    solved = solved_placement(spec, options, table, asked, counter.progress, changed=True)
    profile = _predicted(finish(solved.counted), options)
    experts = solved.problem.experts(solved.solution.selection)
    if not experts:
        return None
    return judge.model(line.changes, profile, line.channels, experts), solved.solution.proven


def predicted_with(spec: Spec, options: Options, experts: Mapping[str, int]) -> Profile:
    """The profile of a variant with experts, with its predicted time where this computer was calibrated."""
    return _predicted(finish(count_with(spec, options, experts)), options)


def _predicted(profile: Profile, options: Options) -> Profile:
    return with_prediction(profile, PredictionRequest(device=options.device))


def _absolute(budget: Budget, limit: int) -> Budget:
    """A budget on a variant that is relative to the model that it is of."""
    per_unit = PER_UNIT[LATENCY.unit] if budget.metric is LATENCY else 1
    return Budget(budget.metric, budget.kind, 0, Quantity(Fraction(limit, per_unit), budget.text), budget.text)
