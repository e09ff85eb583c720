"""The best assignment of a sum of tables under limits on other such sums: enumerated, and pruned by bounds.

The limits are sold at a price. At any prices the best sum is a bound that no assignment within the limits exceeds
(Lagrangian relaxation); the prices that make it least are found by cutting planes (Kelley 1960). Partial assignments
are completed as long as their own bound leaves room for something better, and every limit can still be kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.latency.output_capture import output_discarded
from archprof.suggest.factors import Elimination, Table, elimination_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archprof.suggest.factors import Assignment, Scope

NODES = 200_000
"""After how many partial assignments the search ends: the same answer on every computer, unlike a time limit."""

CUTS = 60
"""After how many cutting planes prices are good enough; the bound holds at any."""

HIGHEST_PRICE = 1e6
"""Of a limit, where a whole one buys all of the goal."""

ROUNDING = 2.0**-50
"""Relative error of a sum of a few hundred numbers."""


@dataclass(frozen=True)
class Limit:
    """The sum of some tables, one for each scope of a problem, is this at most."""

    tables: tuple[Any, ...]
    most: int


@dataclass(frozen=True)
class TableProblem:
    """Maximise a sum of tables under limits on others.

    Attributes:
        sizes: How many choices each variable has.
        scopes: The variables of each table.
        goal: The tables of what is maximised: arrays of whole numbers as float64, minus infinity where forbidden.
        limits: What may not be exceeded.
    """

    sizes: tuple[int, ...]
    scopes: tuple[Scope, ...]
    goal: tuple[Any, ...]
    limits: tuple[Limit, ...]

    def value(self, tables: Sequence[Any], assignment: Assignment) -> int | None:
        """The sum of tables at an assignment; None where it is forbidden."""
        values = [Table(scope, table).at(assignment) for scope, table in zip(self.scopes, tables, strict=True)]
        return None if -math.inf in values else sum(map(int, values))


@dataclass(frozen=True)
class Answers:
    """The best assignments with their values, the best first. None within the limits exceeds ``bound``.

    Without ``is_complete`` the search ended early, and where it has no entries, there may be some all the same.
    """

    entries: tuple[tuple[int, Assignment], ...]
    bound: int
    is_complete: bool


def search(
    problem: TableProblem,
    floor: int | None = None,
    number: int = 1,
    accept: Callable[[Assignment], bool | None] | None = None,
) -> Answers:
    """The best assignments within the limits.

    Args:
        problem: What to solve.
        floor: Only what is better than this is of interest.
        number: How many are wanted.
        accept: Whether an assignment is within limits that are no sums of tables, too; None once it will not say any
            more.

    Raises:
        TooWideError: Where its tables hang together too closely.
    """
    return _Search(problem, _below(problem) if floor is None else floor, number, accept).run()


class _Search:
    def __init__(
        self,
        problem: TableProblem,
        floor: int,
        number: int,
        accept: Callable[[Assignment], bool | None] | None,
    ) -> None:
        self._problem, self._number, self._accept = problem, number, accept
        self._order = elimination_order(problem.sizes, problem.scopes)
        self._loads = [self._elimination([-table for table in limit.tables]) for limit in problem.limits]
        self._floor = self._enough = floor  # what an answer has to exceed, before and after there are as many as wanted
        self._answers: list[tuple[int, Assignment]] = []
        self._nodes, self._open = NODES, -math.inf
        self._elimination_at, self._credit, self._slack = self._priced()

    def run(self) -> Answers:
        """The answers."""
        bound = self._elimination_at.best + self._credit
        # The most and the least of a limit: what it cannot be below whatever is chosen.
        loads = [elimination.best for elimination in self._loads]
        if self._promising(bound) and self._within(loads):
            self._extend(len(self._order) - 1, [0] * len(self._order), bound, loads)
        best = max([self._floor, *(value for value, _ in self._answers)])
        is_complete = self._open == -math.inf
        bound = best if is_complete else max(best, math.floor(self._open + self._slack))
        return Answers(tuple(self._answers), bound, is_complete)

    def _extend(self, depth: int, assignment: list[int], bound: float, loads: list[float]) -> None:
        """Complete a partial assignment in every way that may be better than the answers so far."""
        if depth < 0:
            self._take(tuple(assignment), bound)
            return
        children = sorted(self._children(depth, assignment, bound, loads), key=lambda child: -child[0])
        for child_bound, choice, child_loads in children:
            if not self._promising(child_bound):
                return
            if self._nodes <= 0:
                self._open = max(self._open, child_bound)
                return
            self._nodes -= 1
            assignment[self._order[depth]] = choice
            self._extend(depth - 1, assignment, child_bound, child_loads)

    def _children(
        self, depth: int, assignment: list[int], bound: float, loads: list[float]
    ) -> Iterator[tuple[float, int, list[float]]]:
        variable = self._order[depth]
        for choice in range(self._problem.sizes[variable]):
            assignment[variable] = choice
            child_bound = self._elimination_at.after(bound, variable, assignment)
            if not self._promising(child_bound):
                continue
            child_loads = [
                elimination.after(load, variable, assignment)
                for elimination, load in zip(self._loads, loads, strict=True)
            ]
            if self._within(child_loads):
                yield child_bound, choice, child_loads

    def _take(self, assignment: Assignment, bound: float) -> None:
        value = self._problem.value(self._problem.goal, assignment)
        if value is None or value <= self._enough:
            return
        accepted = True if self._accept is None else self._accept(assignment)
        if accepted is None:
            self._open = max(self._open, bound)
        elif accepted:
            self._answers = sorted([*self._answers, (value, assignment)], key=lambda entry: -entry[0])[: self._number]
            if len(self._answers) == self._number:
                self._enough = self._answers[-1][0]

    def _promising(self, bound: float) -> bool:
        """Whether something better may be there: values are whole numbers."""
        return bound + self._slack >= self._enough + 1

    def _within(self, least: Sequence[float]) -> bool:
        """Whether each limit can be kept; ``least`` has the least loads, negative."""
        return all(-load <= limit.most for load, limit in zip(least, self._problem.limits, strict=True))

    def _elimination(self, tables: Sequence[Any]) -> Elimination:
        pairs = zip(self._problem.scopes, tables, strict=True)
        return Elimination(self._problem.sizes, [Table(*pair) for pair in pairs], self._order)

    def _priced(self) -> tuple[Elimination, float, float]:
        """The tables at the prices of the least bound, what the limits are sold for, and what rounding may hide."""
        import numpy
        from scipy.optimize import linprog

        problem, limits = self._problem, self._problem.limits
        scales = [float(max(abs(limit.most), 1)) for limit in limits]
        worth = max(1.0, sum(_largest(table) for table in problem.goal))
        prices: Sequence[float] = [0.0] * len(limits)
        best, cuts, values = None, list[list[float]](), list[float]()
        for _ in range(CUTS):
            tables = [
                _less_prices(goal, [limit.tables[index] for limit in limits], prices, scales, worth)
                for index, goal in enumerate(problem.goal)
            ]
            elimination = self._elimination(tables)
            credit = sum(
                price * worth * limit.most / scale for price, limit, scale in zip(prices, limits, scales, strict=True)
            )
            bound = elimination.best + credit
            if best is None or bound < best[0]:
                error = ROUNDING * (abs(credit) + sum(map(_largest, tables)))
                best = (bound, elimination, credit, error)
            if not limits or bound == -math.inf:
                break
            assignment = elimination.argmax()
            value = problem.value(problem.goal, assignment) or 0
            excess = [(problem.value(limit.tables, assignment) or 0) - limit.most for limit in limits]
            cuts.append([-amount / scale for amount, scale in zip(excess, scales, strict=True)])
            values.append(value / worth)
            # The least z for which z >= value - prices * excess at every assignment so far.
            matrix = numpy.array([[-1.0, *cut] for cut in cuts])
            with output_discarded():
                result = linprog(
                    [1.0, *[0.0] * len(limits)],
                    A_ub=matrix,
                    b_ub=-numpy.array(values),
                    bounds=[(None, None), *[(0, HIGHEST_PRICE)] * len(limits)],
                    method="highs",
                )
            if result.status != 0 or result.x[0] * worth >= best[0] - 0.5:
                break
            prices = [max(0.0, float(price)) for price in result.x[1:]]
        assert best is not None
        return best[1:]


def _less_prices(
    goal: Any, loads: Sequence[Any], prices: Sequence[float], scales: Sequence[float], worth: float
) -> Any:
    """A table of the goal less what its loads cost at some prices."""
    total = goal
    for load, price, scale in zip(loads, prices, scales, strict=True):
        total = total - load * (price * worth / scale)
    return total


def _largest(table: Any) -> float:
    """The largest amount in a table, of those that are not forbidden."""
    import numpy

    finite = table[numpy.isfinite(table)]
    return float(numpy.abs(finite).max()) if finite.size else 0.0


def _below(problem: TableProblem) -> int:
    """A value that every assignment exceeds."""
    import numpy

    return sum(int(table[numpy.isfinite(table)].min(initial=0)) for table in problem.goal) - 1
