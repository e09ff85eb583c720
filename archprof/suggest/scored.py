"""The placement of experts that a function of the user's own likes most.

A function of a whole profile does not add up over convolutions, so nothing bounds it: placements are counted. Budgets
on metrics that do add up are known before, and a placement beyond one is not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from archprof.pipeline.counting import finish
from archprof.pipeline.progress import SILENT
from archprof.records.variation import Variation, VariedModel
from archprof.suggest.additive import ADDITIVE, LATENCY, amount_in
from archprof.suggest.both import predicted_with
from archprof.suggest.deltas import count_with, measure_deltas
from archprof.suggest.evolution import VARIANTS, evolve
from archprof.suggest.files import stem_of, yaml_of
from archprof.suggest.judging import Judge, shown_metrics
from archprof.suggest.no_calibration import require_prediction
from archprof.suggest.problem import RULES, Problem, Question, check_experts
from archprof.suggest.programme import Row
from archprof.suggest.python_file import python_of
from archprof.suggest.solver import FEW_NODES, solve
from archprof.suggest.vary import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.builder.options import Options
    from archprof.pipeline.progress import Progress
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec
    from archprof.suggest.additive import Budget
    from archprof.suggest.deltas import DeltaTable
    from archprof.suggest.evolution import Genes

STEPS = 8
"""At how many limits on each cost the most parameters are placed, for the search to begin with."""


@dataclass(frozen=True, kw_only=True)
class ScoredQuestion:
    """What is asked of a model's placements.

    Attributes:
        score: The user's own function of a profile, of which the most is wanted.
        name: What it is called.
        experts: The numbers of experts that a convolution may have.
        budgets: What must be kept, on any metric.
        only: Patterns of the convolutions that may be made dynamic.
        never: Patterns of those that may not.
    """

    score: Callable[[Profile], Any]
    name: str
    experts: tuple[int, ...]
    budgets: tuple[Budget, ...]
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def in_sums(self) -> Question:
        """The same with the budgets that add up, for the most parameters."""
        budgets = tuple(budget for budget in self.budgets if budget.metric.name in ADDITIVE)
        return Question(experts=self.experts, budgets=budgets, only=self.only, never=self.never)


class _Space:
    """The placements of a model; a gene for each convolution: 0 where it stays plain, else one more than its choice.

    Args:
        spec: The model.
        options: How to build and run it.
        table: Its convolutions.
        question: What is asked.
    """

    def __init__(self, spec: Spec, options: Options, table: DeltaTable, question: ScoredQuestion) -> None:
        self._spec, self._options, self._table, self._question = spec, options, table, question
        self._predicted = any(budget.metric is LATENCY for budget in question.budgets)
        self._problem = Problem(table, question.in_sums())
        self.sizes = [len(question.experts) + 1] * len(table.candidates)
        self.base = self._finished({})
        if self._predicted:
            require_prediction(self.base, options.device)
        limits = [(budget, budget.limit(amount_in(self.base, budget.metric))) for budget in question.budgets]
        metrics = shown_metrics(budget.metric.name for budget in question.budgets)
        self.judge = Judge(limits, question.name, True, question.score, metrics)
        self.counted = 0

    @property
    def size(self) -> int:
        """How many there are."""
        return math.prod(self.sizes)

    def experts(self, genes: Genes) -> dict[str, int]:
        """The number of experts by path."""
        pairs = zip(self._table.candidates, genes, strict=True)
        return {candidate.path: self._question.experts[gene - 1] for candidate, gene in pairs if gene}

    def model(self, genes: Genes) -> VariedModel:
        """A placement, counted; without a goal where its sums exceed a budget.

        Raises:
            UsageError: Where the score is no number.
        """
        selection = frozenset(
            index * len(self._question.experts) + gene - 1 for index, gene in enumerate(genes) if gene
        )
        experts = self.experts(genes)
        totals = self._problem.totals(selection)
        if not self.judge.fits(totals):
            kept = {name: totals[name] for name in self.judge.metrics if name in totals}
            return VariedModel(changes={}, experts=experts, totals=kept)
        self.counted += 1
        return self.judge.model({}, self._finished(experts) if experts else self.base, experts=experts)

    def models(self, generation: Sequence[Genes]) -> list[VariedModel]:
        """Several of them."""
        return [self.model(genes) for genes in generation]

    def all(self) -> Iterator[Genes]:
        """Each of them."""
        return product(*map(range, self.sizes))

    def seeds(self) -> list[Genes]:
        """The model as it is, and the placements with the most parameters at several limits on FLOPs and on traffic."""
        programme, choices = self._problem.programme, len(self._question.experts)
        changes = [
            candidate.changes[number] for candidate in self._table.candidates for number in self._question.experts
        ]
        selections = [frozenset[int]()]
        for metric in RULES:
            weights = tuple(change[metric] for change in changes)
            most = sum(max(weights[group[0] : group[-1] + 1]) for group in programme.groups)
            for step in range(1, STEPS + 1):
                limited = programme.with_row(Row(weights, most * step // STEPS))
                if solution := solve(limited, nodes=FEW_NODES):
                    selections.append(solution.selection)
        seeds = []
        for selection in dict.fromkeys(selections):
            genes = [0] * len(self._table.candidates)
            for index in selection:
                genes[index // choices] = index % choices + 1
            seeds.append(tuple(genes))
        return seeds

    def predictions(self, experts: Mapping[str, int]) -> list[Prediction]:
        """Those of the model and of a placement; none unless this computer was calibrated."""
        profiles = [predicted_with(self._spec, self._options, {})]
        if experts and profiles[0].prediction:
            profiles.append(predicted_with(self._spec, self._options, experts))
        predictions = [profile.prediction for profile in profiles if profile.prediction]
        return predictions if len(predictions) > 1 else []

    def _finished(self, experts: Mapping[str, int]) -> Profile:
        if self._predicted:
            return predicted_with(self._spec, self._options, experts)
        return finish(count_with(self._spec, self._options, experts), level="budgets")


def best_scored(spec: Spec, options: Options, question: ScoredQuestion, progress: Progress = SILENT) -> Variation:
    """The placement that the score likes most, within budgets.

    Args:
        spec: The model.
        options: How to build and run it.
        question: What is wanted.
        progress: Is told what is being done.

    Raises:
        UsageError: Where the question makes no sense, no placement fits, or the score gives no number.
        ArchprofError: Where the model cannot be built.
    """
    check_experts(question.experts)
    with progress.working(f"measuring {spec.name} with dynamic convolutions"):
        table = measure_deltas(spec, options, question.experts, question.only, question.never)
    space = _Space(spec, options, table, question)
    few = space.size <= VARIANTS
    with progress.working(f"counting placements of experts in {spec.name}"):
        if few:
            models = space.models(list(space.all()))
        else:
            models = list(evolve(space.sizes, space.models, space.judge.fitness, space.seeds()).values())
    models.sort(key=space.judge.rank)
    if not models[0].fits:
        raise space.judge.none_fits(models, space.size, sample=None if few else len(models))
    best, stem = models[0], stem_of(spec)
    predictions = space.predictions(best.experts)
    return Variation(
        variant=space.base.variant,
        input=space.base.input,
        environment=space.base.environment,
        goal=question.name,
        budgets=[str(budget) for budget in question.budgets],
        limited=[budget.metric.name for budget in question.budgets],
        size=space.size if space.size < 2**63 else float(space.size),
        counted=space.counted,
        method="all" if few else "search",
        proven=few,
        base=space.judge.totals(space.base),
        models=models if few else models[:KEPT],
        latency_s=[entry.seconds for entry in predictions] or None,
        latency_interval_s=[list(entry.interval_s) for entry in predictions if entry.interval_s],
        exclusions=[f"{exclusion.module}, which {exclusion.cause}" for exclusion in table.excluded],
        yaml=yaml_of(spec, best.experts),
        python=python_of(spec, best.experts, stem.replace("-", "_"), table.base.built) if best.experts else None,
        stem=stem,
    )
