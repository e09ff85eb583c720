"""The solver's answers against every placement there is, and against what HiGHS is known to get wrong."""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archprof.suggest.programme import Programme, Row, Selection
from archprof.suggest.solver import greedy_selections, relaxation_prices, solve

if TYPE_CHECKING:
    from fractions import Fraction


def programme(groups: list[list[tuple[int, list[int]]]], limits: list[int]) -> Programme:
    """Groups of options, each its value and its weights."""
    options = [option for group in groups for option in group]
    starts = [sum(len(group) for group in groups[:index]) for index in range(len(groups))]
    return Programme(
        groups=tuple(tuple(range(start, start + len(group))) for start, group in zip(starts, groups, strict=True)),
        values=tuple(value for value, _ in options),
        rows=tuple(Row(tuple(weights[row] for _, weights in options), limit) for row, limit in enumerate(limits)),
    )


def random_programme(generator: random.Random) -> Programme:
    """As the deltas of a model are: values of up to a million, loads of very different sizes."""
    rows = generator.randint(1, 3)
    sizes = [10 ** generator.randint(1, 11) for _ in range(rows)]
    groups = [
        [
            (generator.randint(0, 10**6), [generator.randint(0, size) for size in sizes])
            for _ in range(generator.randint(1, 3))
        ]
        for _ in range(generator.randint(1, 6))
    ]
    totals = [sum(weights[row] for group in groups for _, weights in group) for row in range(rows)]
    return programme(groups, [int(generator.random() * total) for total in totals])


def all_values(case: Programme) -> list[int]:
    """The values of every feasible selection: of each group one option, or none."""
    choices = product(*((None, *options) for options in case.groups))
    selections = [[option for option in choice if option is not None] for choice in choices]
    return [case.value(selection) for selection in selections if case.feasible(selection)]


@pytest.mark.parametrize("seed", range(200))
def test_it_is_the_best_of_all(seed: int) -> None:
    case = random_programme(random.Random(seed))

    solution = solve(case)

    assert solution is not None
    assert case.feasible(solution.selection)
    assert solution.value == case.value(solution.selection) == max(all_values(case))
    assert solution.proven
    assert solution.relaxation >= solution.value


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.fractions(0, 10), min_size=3, max_size=3))
def test_the_bound_holds_at_any_prices(generator: random.Random, prices: list[Fraction]) -> None:
    case = random_programme(generator)
    best = max(all_values(case))

    assert case.bound(prices[: len(case.rows)]) >= best
    assert case.bound(relaxation_prices(case)) >= best
    for selection in greedy_selections(case, relaxation_prices(case)).values():
        assert case.feasible(selection)
        assert case.value(selection) <= best


def test_next_best_answers_come_in_order() -> None:
    case = random_programme(random.Random(7))
    ordered = sorted(all_values(case), reverse=True)
    forbidden: list[Selection] = []

    for value in ordered[:5]:
        solution = solve(case, forbidden)
        assert solution is not None
        assert solution.value == value
        assert solution.selection not in forbidden
        forbidden.append(solution.selection)


def test_limits_hold_to_the_unit_whatever_their_size() -> None:
    # HiGHS's tolerance of 1e-6 on a row of 1e12 would let the second option through, which is a unit too heavy.
    case = programme([[(1, [10**12])], [(5, [10**12 + 1])]], [10**12])

    solution = solve(case)

    assert solution is not None
    assert solution.selection == {0}


def test_lower_limits() -> None:
    # At least 30 of the value's own kind for the least cost: 20 + 11 cost 7, 40 costs 9, 20 + 40 more.
    options = [(20, 3), (11, 4), (40, 9)]
    case = programme([[(-cost, [-gain])] for gain, cost in options], [-30])

    solution = solve(case)

    assert solution is not None
    assert (solution.selection, solution.value) == ({0, 1}, -7)


def test_there_may_be_none() -> None:
    assert solve(programme([[(1, [1])]], [-1])) is None


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(20):
        solve(random_programme(random.Random(seed)))

    assert capfd.readouterr() == ("", "")
