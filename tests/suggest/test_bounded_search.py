"""Searches with bounds against every assignment there is."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy
import pytest

from archprof.suggest import bounded_search
from archprof.suggest.bounded_search import Limit, TableProblem, search
from archprof.suggest.decomposition import decompose, scopes_of, size_of_tables
from archprof.suggest.factors import Elimination, Table, TooWideError, elimination_order


def random_problem(seed: int) -> TableProblem:
    """As costs of rows are: a few variables meet at a time, some choices exclude each other, sizes differ widely."""
    generator, numbers = random.Random(seed), numpy.random.default_rng(seed)
    count = generator.randint(1, 6)
    sizes = tuple(generator.randint(1, 4) for _ in range(count))
    scopes = {
        tuple(sorted(generator.sample(range(count), min(count, generator.randint(1, 3)))))
        for _ in range(generator.randint(1, 7))
    }

    def tables(low: int, high: int) -> list[Any]:
        return [
            numbers.integers(low, high, size=[sizes[variable] for variable in scope]).astype(float) for scope in scopes
        ]

    goal = [numpy.where(numbers.random(table.shape) < 0.1, -numpy.inf, table) for table in tables(-1000, 10**6)]
    limits = []
    for _ in range(generator.randint(0, 3)):
        loads = tables(0, 10 ** generator.randint(1, 11))
        limits.append(Limit(tuple(loads), int(generator.random() * sum(table.max() for table in loads))))
    return TableProblem(sizes, tuple(scopes), tuple(goal), tuple(limits))


@pytest.mark.parametrize("seed", range(200))
def test_the_best_of_all_in_order(seed: int) -> None:
    problem = random_problem(seed)
    values = []
    for assignment in product(*map(range, problem.sizes)):
        loads = [problem.value(limit.tables, assignment) or 0 for limit in problem.limits]
        value = problem.value(problem.goal, assignment)
        if value is not None and all(load <= limit.most for load, limit in zip(loads, problem.limits, strict=True)):
            values.append(value)
    values.sort(reverse=True)

    found = search(problem, number=3)

    assert [value for value, _ in found.entries] == values[:3]
    assert not values or found.bound == values[0]
    for value, assignment in found.entries:
        assert problem.value(problem.goal, assignment) == value
        assert all((problem.value(limit.tables, assignment) or 0) <= limit.most for limit in problem.limits)


def chain(values: list[list[float]], limit: int, loads: list[list[float]]) -> TableProblem:
    """Variables that never meet: a value and a load for each choice."""
    scopes = tuple((index,) for index in range(len(values)))
    tables = tuple(numpy.array(column) for column in values)
    rows = tuple(numpy.array(column) for column in loads)
    return TableProblem(tuple(map(len, values)), scopes, tables, (Limit(rows, limit),))


def test_a_floor_and_what_is_not_accepted() -> None:
    # Of 2 + 2 choices, worth 0 or 5 and 0 or 3, with loads of the same: within 7 there are 0, 3 and 5.
    problem = chain([[0, 5], [0, 3]], 7, [[0, 5], [0, 3]])

    assert search(problem, number=9).entries == ((5, (1, 0)), (3, (0, 1)), (0, (0, 0)))
    assert search(problem, floor=5).entries == ()
    assert search(problem, floor=5).bound == 5
    refused = search(problem, accept=lambda assignment: assignment != (1, 0))
    assert (refused.entries, refused.bound) == (((3, (0, 1)),), 3)
    unknown = search(problem, accept=lambda assignment: None)
    assert unknown.entries == ()
    assert unknown.bound >= 5


def test_a_search_that_ends_early_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = chain([[0, 5], [0, 3]], 7, [[0, 5], [0, 3]])
    assert search(problem).is_complete

    # Two choices make an assignment.
    monkeypatch.setattr(bounded_search, "NODES", 1)
    early = search(problem)

    assert (early.entries, early.is_complete) == ((), False)
    assert early.bound >= 5


def test_the_best_completion_of_each_partial_assignment() -> None:
    problem = random_problem(3)
    order = elimination_order(problem.sizes, problem.scopes)
    tables = [Table(*pair) for pair in zip(problem.scopes, problem.goal, strict=True)]
    elimination = Elimination(problem.sizes, tables, order)

    best = {}
    for assignment in product(*map(range, problem.sizes)):
        value = sum(table.at(assignment) for table in tables)
        for depth in range(len(order) + 1):
            key = tuple(assignment[variable] for variable in order[depth:])
            best[key] = max(best.get(key, -numpy.inf), value)
    assert elimination.best == best[()]
    for assignment in product(*map(range, problem.sizes)):
        bound = elimination.best
        for depth in range(len(order) - 1, -1, -1):
            bound = elimination.after(bound, order[depth], list(assignment))
            assert bound == best[tuple(assignment[variable] for variable in order[depth:])]


def test_what_hangs_together_too_closely() -> None:
    with pytest.raises(TooWideError):
        elimination_order([10] * 8, [tuple(range(8))])


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_what_was_counted(seed: int) -> None:
    """A function that is a sum over rows is decomposed, and every value of it comes back."""
    problem = random_problem(seed)
    tables = [numpy.where(numpy.isfinite(table), table, 7) for table in problem.goal]

    def count(assignments: Any) -> Any:
        return [{"cost": problem.value(tables, assignment)} for assignment in assignments]

    sums, forbidden, base = decompose(problem.sizes, problem.scopes, count)

    assert not any(mask.any() for mask in forbidden)
    for assignment in product(*map(range, problem.sizes)):
        assert base["cost"] + (problem.value(sums["cost"], assignment) or 0) == problem.value(tables, assignment)


def test_rows_that_meet() -> None:
    # Rows 0, 1 and 3 have channels of their own; 2 joins those of 0 and 1, and 3 reads 2; 4 reads 3 and 0.
    layers = [(0, [-1]), (1, [0]), (2, [1, 0]), (3, [2]), (4, [3, 0])]

    assert scopes_of(layers, {0: 0, 1: 1, 3: 2}) == ((0, 1, 2),)
    # Three variables of three choices in one scope: 1, 3 · 2, 3 · 2 · 2 and 2 · 2 · 2 variants.
    assert size_of_tables([3, 3, 3], [(0, 1, 2)]) == 27


def test_what_cannot_be_built_is_forbidden() -> None:
    # Both second choices together fail.
    def count(assignments: Any) -> Any:
        return [None if assignment == (1, 1) else {"cost": 10 + sum(assignment)} for assignment in assignments]

    sums, (mask,), base = decompose([2, 2], [(0, 1)], count)

    assert mask.tolist() == [[False, False], [False, True]]
    assert base == {"cost": 10}
    assert sums["cost"][0][0].tolist() == [0, 1]
