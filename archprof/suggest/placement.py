"""Which convolutions to make dynamic, and with how many experts: the best placement under budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError
from archprof.pipeline.counting import count_spec, finish
from archprof.pipeline.predicting import with_prediction
from archprof.pipeline.progress import SILENT
from archprof.pipeline.request import PredictionRequest
from archprof.records.suggestion import Suggestion
from archprof.suggest.additive import LATENCY, find_additive, totals
from archprof.suggest.clock import clock_of
from archprof.suggest.deltas import amounts, count_with, measure_deltas
from archprof.suggest.files import spec_of_text, stem_of, yaml_of
from archprof.suggest.infeasible import explain
from archprof.suggest.problem import Problem
from archprof.suggest.python_file import python_of
from archprof.suggest.solver import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.count.counted_model import CountedModel
    from archprof.pipeline.progress import Progress
    from archprof.sources.spec import Spec
    from archprof.suggest.deltas import DeltaTable
    from archprof.suggest.problem import Question
    from archprof.suggest.solver import Solution


def suggest(spec: Spec, options: Options, question: Question, progress: Progress = SILENT) -> Suggestion:
    """The best placement of experts under budgets, built and counted.

    Args:
        spec: The model.
        options: How to build and run it.
        question: What is wanted.
        progress: Is told what is being done.

    Raises:
        UsageError: Where the question makes no sense, or nothing meets the budgets.
        ArchprofError: Where the model cannot be built, or what was predicted is not what is counted.
    """
    question.check()
    timed = any(budget.metric is LATENCY for budget in question.budgets)
    clock = clock_of(options.dtype, options.device) if timed else None
    with progress.working(f"measuring {spec.name} with dynamic convolutions"):
        table = measure_deltas(spec, options, question.experts, question.only, question.never, clock)
    request = PredictionRequest(device=options.device)
    base = with_prediction(finish(table.base), request)
    solved = solved_placement(spec, options, table, question, progress)
    problem, solution, others = solved.problem, solved.solution, solved.others
    answer = with_prediction(finish(solved.counted), request)
    with progress.working("solving"):
        bounds = problem.bounds(solution, clock.predicted(answer)[0] if clock else 0)
        front = problem.front() if question.front else []
    placement = problem.experts(solution.selection)
    stem = stem_of(spec)
    predictions = [profile.prediction for profile in (base, answer)]
    return Suggestion(
        variant=base.variant,
        input=base.input,
        environment=base.environment,
        goal=problem.goal,
        maximise=problem.maximise,
        candidates=len(table.candidates),
        choices=list(question.experts),
        placement=problem.choices(solution.selection),
        bounds=bounds,
        base=totals(base),
        predicted=problem.totals(solution.selection),
        counted=totals(answer),
        goal_bound=problem.goal_total(solution.bound),
        relaxation_bound=problem.goal_total(solution.relaxation),
        proven=solution.proven,
        peak_activation_bytes=[base.totals.peak_activation_bytes, answer.totals.peak_activation_bytes],
        latency_s=[entry.seconds for entry in predictions if entry] if all(predictions) else None,
        latency_interval_s=[list(entry.interval_s) for entry in predictions if entry and entry.interval_s],
        alternatives=[problem.alternative("next best", other.selection) for other in others],
        heuristics=problem.heuristics(),
        front_metric=find_additive(question.front).name if question.front else None,
        front=front,
        excluded=list(table.excluded),
        yaml=solved.text,
        python=python_of(spec, placement, stem.replace("-", "_"), table.base.built),
        stem=stem,
    )


@dataclass(frozen=True)
class Solved:
    """An answer: its programme, itself and the next best, counted, and as a file."""

    problem: Problem
    solution: Solution
    others: Sequence[Solution]
    counted: CountedModel
    text: str | None


def solved_placement(
    spec: Spec, options: Options, table: DeltaTable, question: Question, progress: Progress, *, changed: bool = False
) -> Solved:
    """The answer, built and counted.

    The time to have memory from the system is in no sum. Where the answer's exceeds a limit by that, the limit is made
    tighter by as much, and what was proven with the wider one still holds.

    Args:
        spec: The model.
        options: How to build and run it.
        table: Its convolutions.
        question: What is asked.
        progress: Is told what is being done.
        changed: Whether its factors or rows are others than its file has.

    Raises:
        UsageError: Where nothing meets the budgets.
        ArchprofError: Where what was predicted is not what is counted.
    """
    reserve, proof = 0, None
    while True:  # each round takes a whole number from a limit, until an answer meets it or none is left
        with progress.working("solving"):
            problem = Problem(table, question, reserve)
            solution = solve(problem.programme)
            if solution is None:
                raise explain(problem.programme, problem.limits)
            solution, *others = problem.with_next_best(solution)
        proof = proof or solution
        with progress.working(f"counting {spec.name} with the placement"):
            counted, text = _counted(spec, options, problem.experts(solution.selection), changed=changed)
            profile = finish(counted)
            if totals(profile) != problem.totals(solution.selection):
                raise _disagreement(spec, options, table, problem, solution, totals(profile))
        excess = problem.excess_latency(profile)
        if excess <= 0:
            solution = replace(solution, bound=proof.bound, relaxation=proof.relaxation)
            return Solved(problem, solution, others, counted, text)
        reserve += excess


def _counted(
    spec: Spec, options: Options, placement: dict[str, int], *, changed: bool
) -> tuple[CountedModel, str | None]:
    """The model with a placement, counted; of a YAML the file that is handed out is what is built."""
    # A file's dynamic convolutions would be made plain with the model's own.
    text = None if options.static else yaml_of(spec, placement, changed=changed)
    if text is None:
        return count_with(spec, options, placement), None
    return count_spec(spec_of_text(spec, text), options), text


def _disagreement(
    spec: Spec, options: Options, table: DeltaTable, problem: Problem, solution: Solution, after: dict[str, int]
) -> ArchprofError:
    """The error of an answer that is not what was predicted, with the convolutions that cost something else alone."""
    predicted = problem.totals(solution.selection)
    metric = next(name for name in predicted if predicted[name] != after[name])
    culprits = [
        choice.module
        for choice in problem.choices(solution.selection)
        if amounts(count_with(spec, options, {choice.module: choice.experts}))[metric]
        != table.totals[metric] + choice.changes[metric]
    ]
    names = ", ".join(culprits) or "several of its convolutions together"
    amounts_text = f"{metric} {predicted[metric]:,} predicted, {after[metric]:,} counted"
    return ArchprofError(
        f"the costs do not add up: {amounts_text}; {names} interact",
        hint=f"--never {culprits[0]} leaves it out" if culprits else "--only limits the choice to a part of the model",
    )
