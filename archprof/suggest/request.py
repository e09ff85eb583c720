"""What the command and Python ask: one question, and the search that answers it. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.errors import UsageError
from archprof.pipeline.progress import SILENT
from archprof.suggest.additive import LIMITED, PLACED, parse_budgets
from archprof.suggest.channels import MULTIPLE
from archprof.suggest.problem import ALTERNATIVES, EXPERTS, GOAL, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile
    from archprof.records.suggestion import Suggestion
    from archprof.records.variation import Variation
    from archprof.sources.spec import Spec
    from archprof.suggest.additive import Budget
    from archprof.suggest.frames import Model


@dataclass(frozen=True)
class Answer:
    """What a search found.

    Attributes:
        record: The answer.
        model: The best variant: of one with dynamic convolutions, its plain equivalent.
        experts: The number of experts of those that are dynamic, by path.
    """

    record: Suggestion | Variation
    model: Model
    experts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class SuggestionRequest:
    """A question about one model.

    Attributes:
        experts: The numbers of experts that convolutions may have; where None, 2, 4 and 8, or none beside axes.
        maxima: Upper limits, as "flops=+0.1%".
        minima: Lower limits.
        goal: The metric to have the most or the least of, or the name of the score.
        score: The user's own function of a profile, to have the most of instead.
        only: Patterns of the convolutions, or of the rows, that may change.
        never: Patterns of those that may not.
        front: The metric of an upper limit over which a Pareto front is wanted.
        alternatives: How many of the next best answers are wanted.
        vary: What is varied instead of making convolutions dynamic.
        multiple: What varied channels are multiples of.
    """

    experts: tuple[int, ...] | None = None
    maxima: tuple[str, ...] = ()
    minima: tuple[str, ...] = ()
    goal: str = GOAL
    score: Callable[[Profile], Any] | None = None
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    front: str | None = None
    alternatives: int = ALTERNATIVES
    vary: str | None = None
    multiple: int = MULTIPLE

    def check(self) -> None:
        """See to it that nothing is asked of one search that only another answers, and that budgets can be read.

        Raises:
            UsageError: Where it is not so.
        """
        if self.vary is None and self.multiple != MULTIPLE:
            raise UsageError("--multiple is for the channels of --vary", hint="add --vary channels=0.5:1:0.25")
        other = "--vary" if self.vary is not None else "a function as the goal" if self.score else None
        for option, value, default in (("--front", self.front, None), ("--next", self.alternatives, ALTERNATIVES)):
            if other and value != default:
                message = f"{option} is for the placement of experts without {other}"
                raise UsageError(message, hint=f"leave out {option}, or {other}")
        self._budgets()

    def answer(self, spec: Spec, options: Options, config: ExecutionConfig, progress: Progress = SILENT) -> Answer:
        """The answer for a model, with the question in it.

        Args:
            spec: The model.
            options: How to build and run it.
            config: How variants may be counted.
            progress: Is told what is being done.

        Raises:
            UsageError: Where the question makes no sense, nothing meets the budgets, or the score gives no number.
            ArchprofError: Where the model cannot be built.
        """
        answer = self._answer(spec, options, config, progress)
        return replace(answer, record=msgspec.structs.replace(answer.record, question=self.options))

    @property
    def options(self) -> list[str]:
        """The question as options of the command line, without those that are as they are by themselves."""
        pairs = [
            ("--vary", self.vary),
            ("--multiple", None if self.multiple == MULTIPLE else str(self.multiple)),
            ("--experts", ",".join(map(str, self.experts)) if self.experts else None),
            *(("--max", text) for text in self.maxima),
            *(("--min", text) for text in self.minima),
            ("--goal", None if self.goal == GOAL else self.goal),
            *(("--only", text) for text in self.only),
            *(("--never", text) for text in self.never),
            ("--front", self.front),
            ("--next", None if self.alternatives == ALTERNATIVES else str(self.alternatives)),
        ]
        return [piece for name, value in pairs if value is not None for piece in (name, value)]

    def _answer(self, spec: Spec, options: Options, config: ExecutionConfig, progress: Progress) -> Answer:
        budgets = self._budgets()
        if self.vary is not None:
            from archprof.suggest.vary import VariationQuestion, best_variant

            variation_question = VariationQuestion(
                axes=self.vary,
                budgets=budgets,
                goal=self.goal,
                score=self.score,
                multiple=self.multiple,
                only=self.only,
                never=self.never,
                experts=self.experts or (),
            )
            variation, best = best_variant(spec, options, variation_question, config, progress)
            return Answer(variation, best, variation.best.experts)
        with progress.working("loading torch"):
            from archprof.suggest.placement import suggest
            from archprof.suggest.scored import ScoredQuestion, best_scored
        if self.score is not None:
            scored_question = ScoredQuestion(
                score=self.score,
                name=self.goal,
                experts=self.experts or EXPERTS,
                budgets=budgets,
                only=self.only,
                never=self.never,
            )
            variation = best_scored(spec, options, scored_question, progress)
            return Answer(variation, (spec, options), variation.best.experts)
        question = Question(
            experts=self.experts or EXPERTS,
            budgets=budgets,
            goal=self.goal,
            only=self.only,
            never=self.never,
            front=self.front,
            alternatives=self.alternatives,
        )
        suggestion = suggest(spec, options, question, progress)
        return Answer(suggestion, (spec, options), suggestion.experts)

    def _budgets(self) -> tuple[Budget, ...]:
        """The budgets: on what adds up, where the answer is a sum; on any metric, where every variant is counted."""
        counted = self.vary is not None or self.score is not None
        return tuple(parse_budgets(self.maxima, self.minima, LIMITED if counted else PLACED))
