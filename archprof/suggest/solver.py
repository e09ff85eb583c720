"""Solves a programme with HiGHS, and believes nothing of it that is not recomputed.

Constraints are divided by their largest coefficient beyond a million, because HiGHS's tolerances are absolute and its
answers with larger ones were wrong. The loads of an answer are recomputed in integers, and an "optimal" answer that
loses to a greedy one, or beats the exact bound of the relaxation, is an error of the solver and no result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError
from archprof.latency.output_capture import output_discarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.suggest.programme import Programme, Selection

LARGEST = 10**6
"""What coefficients are scaled down to."""

OPTIMAL, LIMIT_REACHED, INFEASIBLE = 0, 1, 2
"""The status of scipy's ``milp``; 4 is also that of its limit of nodes."""

NODES = 5_000
"""After how many nodes the search ends with what it has: the same answer on every computer, unlike a time limit."""

FEW_NODES = 200
"""The same of what is asked beside the answer: within a hundredth of a percent."""


class SolverError(ArchprofError):
    """An answer of the solver that is wrong."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer of a programme.

    Attributes:
        selection: The options that are taken.
        value: What they are worth.
        bound: What no selection exceeds.
        relaxation: The same, of the linear relaxation, recomputed exactly.
        prices: What one unit of each limit is worth in the relaxation.
    """

    selection: Selection
    value: int
    bound: int
    relaxation: int
    prices: tuple[Fraction, ...]

    @property
    def proven(self) -> bool:
        """Whether nothing better exists."""
        return self.value >= self.bound


def solve(programme: Programme, forbidden: Sequence[Selection] = (), nodes: int = NODES) -> Solution | None:
    """The best selection; None where there is none.

    Args:
        programme: What to solve.
        forbidden: Selections that are not wanted.
        nodes: After how many nodes of its tree the search ends.

    Raises:
        SolverError: Where what the solver calls optimal is not, or it fails.
    """
    prices = relaxation_prices(programme)
    cuts = list(forbidden)
    while True:
        result = _milp(programme, cuts, nodes)
        if result.status == INFEASIBLE:
            _refute_infeasibility(programme, cuts)
            return None
        if result.x is None:
            raise SolverError(f"the solver found no answer: {result.message}")
        selection = frozenset(index for index, share in enumerate(result.x) if share > 0.5)
        if programme.feasible(selection):
            break
        cuts.append(selection)  # within the solver's tolerance, and past a limit all the same
    value, step = programme.value(selection), _step(programme)
    relaxation = math.floor(programme.bound(prices)) // step * step
    bound = value if result.status == OPTIMAL else relaxation
    if result.status != OPTIMAL and result.mip_dual_bound is not None and math.isfinite(result.mip_dual_bound):
        scaled = math.floor(-result.mip_dual_bound * _scale(programme.values) * (1 + 1e-9)) // step * step
        bound = max(value, min(relaxation, scaled))
    if value > relaxation:
        raise SolverError(f"the solver's answer {value:,} exceeds the bound {relaxation:,}")
    for candidate in (greedy_selections(programme, prices)).values():
        if candidate not in cuts and programme.value(candidate) > bound:
            raise SolverError(f"the solver calls {value:,} optimal, and {programme.value(candidate):,} is better")
    return Solution(selection, value, bound, relaxation, prices)


def greedy_selections(programme: Programme, prices: Sequence[Fraction]) -> dict[str, Selection]:
    """What greedy rules take: by the relaxation's prices, and by the worth per unit of each constraint."""
    rules = {"prices": programme.greedy(partial(_per_cost, programme, prices=prices))}
    for index in range(len(programme.rows)):
        unit = [Fraction(int(index == number)) for number in range(len(programme.rows))]
        rules[str(index)] = programme.greedy(partial(_per_cost, programme, prices=unit))
    return {name: selection for name, selection in rules.items() if programme.feasible(selection)}


def _per_cost(programme: Programme, option: int, prices: Sequence[Fraction]) -> float:
    """What an option is worth for each unit of what it loads at some prices."""
    cost = sum((price * row.weights[option] for price, row in zip(prices, programme.rows, strict=True)), Fraction(0))
    return float(programme.values[option] / cost) if cost > 0 else math.inf


def relaxation_prices(programme: Programme) -> tuple[Fraction, ...]:
    """What one unit of each limit is worth in the linear relaxation; none is below 0.

    They need not be exact: :meth:`Programme.bound` holds for any.
    """
    import numpy
    from scipy.optimize import linprog

    matrix, limits, scales = _constraints(programme)
    groups = _group_rows(programme)
    values = numpy.array([value / _scale(programme.values) for value in programme.values])
    with output_discarded():
        result = linprog(
            -values,
            A_ub=numpy.vstack([matrix, groups]),
            b_ub=numpy.concatenate([limits, numpy.ones(len(groups))]),
            bounds=(0, 1),
            method="highs",
        )
    if result.status != OPTIMAL:
        return (Fraction(0),) * len(programme.rows)
    factor = _scale(programme.values)
    return tuple(
        max(Fraction(0), -Fraction(float(marginal))) * Fraction(factor) / Fraction(scale)
        for marginal, scale in zip(result.ineqlin.marginals[: len(scales)], scales, strict=True)
    )


def _milp(programme: Programme, cuts: Sequence[Selection], nodes: int) -> Any:
    import numpy
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix, limits, _ = _constraints(programme)
    groups = _group_rows(programme)
    values = numpy.array([value / _scale(programme.values) for value in programme.values])
    constraints = [LinearConstraint(groups, ub=numpy.ones(len(groups)))] if len(groups) else []
    if len(matrix):
        constraints.append(LinearConstraint(matrix, ub=limits))
    for selection in cuts:
        row = numpy.full(len(values), -1.0)
        row[sorted(selection)] = 1.0
        constraints.append(LinearConstraint(row[None], ub=[len(selection) - 1]))
    with output_discarded():
        return milp(
            -values,
            integrality=numpy.ones(len(values)),
            bounds=Bounds(0, 1),
            constraints=constraints,
            options={"mip_rel_gap": 0, "node_limit": nodes, "disp": False},
        )


def _constraints(programme: Programme) -> tuple[Any, Any, list[float]]:
    """The constraints as HiGHS gets them, and what each was divided by."""
    import numpy

    scales = [_scale((*row.weights, 0)) for row in programme.rows]
    matrix = numpy.array(
        [[weight / scale for weight in row.weights] for row, scale in zip(programme.rows, scales, strict=True)]
    ).reshape(len(scales), len(programme.values))
    limits = numpy.array([row.limit / scale for row, scale in zip(programme.rows, scales, strict=True)])
    return matrix, limits, scales


def _group_rows(programme: Programme) -> Any:
    """One constraint a group of several options: one of them at most."""
    import numpy

    several = [options for options in programme.groups if len(options) > 1]
    rows = numpy.zeros((len(several), len(programme.values)))
    for row, options in zip(rows, several, strict=True):
        row[list(options)] = 1
    return rows


def _scale(coefficients: Sequence[int]) -> float:
    """What to divide coefficients by."""
    return max(1.0, max(map(abs, coefficients), default=0) / LARGEST)


def _step(programme: Programme) -> int:
    """What every value is a multiple of."""
    return math.gcd(*programme.values) or 1


def _refute_infeasibility(programme: Programme, cuts: Sequence[Selection]) -> None:
    """See to it that a programme that is called infeasible is not refuted by the first selections that come to mind."""
    empty: Selection = frozenset()
    for selection in (empty, *greedy_selections(programme, [Fraction(0)] * len(programme.rows)).values()):
        if selection not in cuts and programme.feasible(selection):
            raise SolverError("the solver calls the budgets infeasible, and they are not")
