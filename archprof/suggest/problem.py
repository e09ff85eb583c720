"""A question about the convolutions of a model, as an integer programme, and answers of the programme as placements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.records.metrics import TRAFFIC
from archprof.records.suggestion import Alternative, Bound, ExpertChoice, FrontPoint
from archprof.sources.settings import MOST_EXPERTS
from archprof.suggest.additive import ADDITIVE, LATENCY, MAXIMISED, find_additive
from archprof.suggest.programme import Programme, Row
from archprof.suggest.solver import FEW_NODES, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.metrics import Metric
    from archprof.records.profile import Profile
    from archprof.suggest.additive import Budget
    from archprof.suggest.deltas import DeltaTable
    from archprof.suggest.programme import Selection
    from archprof.suggest.solver import Solution

GOAL = "parameters"

EXPERTS = (2, 4, 8)
"""The numbers of experts that a convolution may get unless somebody asks for others."""

ALTERNATIVES = 2
"""How many of the next best answers are shown unless somebody asks for others."""

POINTS = 8
"""Points of a front."""

RULES = ("flops", TRAFFIC.name)
"""What heuristics divide the goal by: rankings that people use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a model.

    Attributes:
        experts: The numbers of experts that a convolution may have.
        budgets: What may not be exceeded, or fallen below.
        goal: The metric to have the most of; the least, where less of it is better.
        only: Patterns of the convolutions that may be made dynamic.
        never: Patterns of those that may not.
        front: The metric of a budget over which a Pareto front is wanted.
        alternatives: How many of the next best answers are wanted.
    """

    experts: tuple[int, ...]
    budgets: tuple[Budget, ...]
    goal: str = GOAL
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    front: str | None = None
    alternatives: int = ALTERNATIVES

    def check(self) -> None:
        """See to it that the question makes sense.

        Raises:
            UsageError: Where it does not.
        """
        if not self.budgets:
            raise UsageError("no budget: without one, every convolution gets the most experts", hint="--max bytes=+5%")
        check_experts(self.experts)
        limited = {budget.metric.name for budget in self.budgets if budget.kind == "max"}
        if self.front and find_additive(self.front).name not in limited:
            raise UsageError(f"--front {self.front}: there is no --max {self.front}", hint="it is where the front ends")
        metric = find_additive(self.goal).name
        if metric not in MAXIMISED and not any(budget.kind == "min" for budget in self.budgets):
            raise UsageError(
                f"--goal {self.goal}: the unchanged model has the least, and nothing asks for more of anything",
                hint="add a lower limit, as --min parameters=+50%",
            )


def check_experts(numbers: Sequence[int]) -> None:
    """See to it that a convolution may have such numbers of experts.

    Raises:
        UsageError: Where it may not.
    """
    for number in numbers:
        if not 1 <= number <= MOST_EXPERTS:
            raise UsageError(f"--experts {number}: a convolution takes 1 to {MOST_EXPERTS}", hint="--experts 2,4,8")


class Problem:
    """A question about measured convolutions, as a programme.

    Args:
        table: The convolutions.
        question: What is asked.
        reserve: What of a limit on the latency is kept for what no sum has: memory from the system at a higher peak.
    """

    def __init__(self, table: DeltaTable, question: Question, reserve: int = 0) -> None:
        self._table, self._question = table, question
        self.goal = find_additive(question.goal).name
        self.maximise = self.goal in MAXIMISED
        self._sign = 1 if self.maximise else -1
        self._options = [(candidate, number) for candidate in table.candidates for number in question.experts]
        changes = [candidate.changes[number] for candidate, number in self._options]
        count = len(question.experts)
        rows, self._owners = list[Row](), list[int]()
        for owner, budget in enumerate(question.budgets):
            sign = 1 if budget.kind == "max" else -1
            for names in self._sums_of(budget):
                slack = self.limit(budget) - sum(table.totals[name] for name in names)
                if budget.metric is LATENCY:
                    slack -= table.fresh_memory + reserve
                weights = tuple(sign * sum(change[name] for name in names) for change in changes)
                rows.append(Row(weights, sign * slack))
                self._owners.append(owner)
        self.programme = Programme(
            groups=tuple(tuple(range(first, first + count)) for first in range(0, len(self._options), count)),
            values=tuple(self._sign * change[self.goal] for change in changes),
            rows=tuple(rows),
        )

    def _sums_of(self, budget: Budget) -> tuple[tuple[str, ...], ...]:
        """The sums of amounts that a budget limits."""
        if budget.metric is LATENCY:
            assert self._table.clock is not None
            return self._table.clock.parts
        return ((budget.metric.name,),)

    def base(self, metric: Metric) -> int:
        """The model's own amount."""
        return self._table.latency if metric is LATENCY else self._table.totals[metric.name]

    def limit(self, budget: Budget) -> int:
        """What a budget allows."""
        return budget.limit(self.base(budget.metric))

    def excess_latency(self, profile: Profile) -> int:
        """By how much the predicted time of a placement exceeds what budgets allow; 0 or less where it does not."""
        clock = self._table.clock
        limits = [self.limit(budget) for budget in self._question.budgets if budget.metric is LATENCY]
        return clock.predicted(profile)[0] - min(limits) if clock and limits else 0

    @property
    def limits(self) -> list[tuple[Budget, int]]:
        """The budget of each row of the programme, with its limit."""
        budgets = [self._question.budgets[owner] for owner in self._owners]
        return [(budget, self.limit(budget)) for budget in budgets]

    def experts(self, selection: Selection) -> dict[str, int]:
        """The number of experts by path, in the order of the model."""
        return {self._options[index][0].path: self._options[index][1] for index in sorted(selection)}

    def totals(self, selection: Selection) -> dict[str, int]:
        """What the model has with a selection, by metric."""
        result = {name: self._table.totals[name] for name in ADDITIVE}
        for index in selection:
            candidate, number = self._options[index]
            for name in result:
                result[name] += candidate.changes[number][name]
        return result

    def goal_total(self, value: int) -> int:
        """A value of the programme as a total of the goal."""
        return self._table.totals[self.goal] + self._sign * value

    def choices(self, selection: Selection) -> list[ExpertChoice]:
        """The answer, a convolution each."""
        choices = []
        for index in sorted(selection):
            candidate, number = self._options[index]
            module, run = candidate.plain.module, candidate.plain.runs[0]
            choices.append(
                ExpertChoice(
                    module=candidate.path,
                    experts=number,
                    in_channels=module.in_channels,
                    out_channels=module.out_channels,
                    kernel=list(module.kernel_size),
                    groups=module.groups,
                    stride=list(module.stride),
                    output_size=list(run.outputs[0].shape[2:]),
                    changes={name: candidate.changes[number][name] for name in ADDITIVE},
                )
            )
        return choices

    def bounds(self, solution: Solution, latency: int = 0) -> list[Bound]:
        """The budgets, with what a looser one buys.

        Args:
            solution: The answer.
            latency: Its predicted time.
        """
        after = {**self.totals(solution.selection), LATENCY.name: latency}
        bounds = []
        for owner, budget in enumerate(self._question.budgets):
            name, base = budget.metric.name, self.base(budget.metric)
            rows = [index for index, other in enumerate(self._owners) if other == owner]
            programme = self.programme
            for index in rows:
                programme = programme.with_limit(index, programme.rows[index].limit + max(base // 100, 1))
            looser = solve(programme, nodes=FEW_NODES)
            bounds.append(
                Bound(
                    metric=name,
                    kind=budget.kind,
                    text=budget.text,
                    limit=budget.limit(base),
                    base=base,
                    predicted=after[name],
                    gain=max(looser.value - solution.value, 0) if looser else None,
                    marginal=float(sum(solution.prices[index] for index in rows)),
                )
            )
        return bounds

    def with_next_best(self, solution: Solution) -> list[Solution]:
        """An answer and the next best ones, each found with the earlier ones forbidden; the best first."""
        answers = [solution]
        for _ in range(self._question.alternatives):
            following = solve(self.programme, [answer.selection for answer in answers], FEW_NODES)
            if following is None:
                break
            answers.append(following)
        answers.sort(key=lambda answer: -answer.value)
        # What bounds the answer bounds all of them; the others were found under more constraints.
        return [replace(answers[0], bound=solution.bound, relaxation=solution.relaxation), *answers[1:]]

    def heuristics(self) -> list[Alternative]:
        """What rankings by the goal for each unit of one metric give, taken from the top as long as it fits."""
        answers = []
        for name in RULES:

            def ratio(index: int, name: str = name) -> float:
                candidate, number = self._options[index]
                return self.programme.values[index] / max(candidate.changes[number][name], 1)

            selection = self.programme.greedy(ratio)
            if self.programme.feasible(selection):
                answers.append(self.alternative(f"{self.goal} per {name}", selection))
        return answers

    def front(self) -> list[FrontPoint]:
        """The best answers at limits from nothing to the budget, evenly spaced."""
        metric = find_additive(self._question.front or "").name
        index = next(
            row
            for row, owner in enumerate(self._owners)
            for budget in [self._question.budgets[owner]]
            if budget.metric.name == metric and budget.kind == "max"
        )
        slack, points, best = self.programme.rows[index].limit, list[FrontPoint](), frozenset[int]()
        for step in range(1, POINTS + 1):
            limit = slack * step // POINTS
            solution = solve(self.programme.with_limit(index, limit), nodes=FEW_NODES)
            if solution is None:
                continue
            # What was found at a tighter limit may still be better, where the search ended before its proof.
            best = max((best, solution.selection), key=self.programme.value) if points else solution.selection
            after = self.totals(best)
            points.append(
                FrontPoint(
                    limit=self._table.totals[metric] + limit,
                    used=after[metric],
                    goal=after[self.goal],
                    bound=self.goal_total(solution.bound),
                    experts=self.experts(best),
                )
            )
        return points

    def alternative(self, method: str, selection: Selection) -> Alternative:
        """Another answer."""
        after = self.totals(selection)
        return Alternative(method=method, experts=self.experts(selection), goal=after[self.goal], totals=after)
