"""Totals of variants as sums of tables over the channels of a few rows each, from counted variants.

A row's costs depend on its own channels and on those that it reads. So the total of any metric that adds up is what the
model has, and what each row's change adds to it, and what changes of rows that meet in one add beyond that: the
anchored decomposition (Kuo, Sloan, Wasilkowski and Wozniakowski, "On decompositions of multivariate functions",
Mathematics of Computation 79, 2010), whose terms of rows that never meet are zero.
"""

from __future__ import annotations

from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.suggest.factors import Assignment, Scope


def scopes_of(layers: Sequence[tuple[int, Sequence[int]]], variables: Mapping[int, int]) -> tuple[Scope, ...]:
    """Which variables meet in a row.

    Args:
        layers: Each row's index, and the rows that it reads, both from 0.
        variables: The variable of each row that has its own channels.

    Returns:
        The variables that meet in some row, and in no other with more.
    """
    gives: dict[int, frozenset[int]] = {}
    meetings: set[frozenset[int]] = set()
    for index, sources in layers:
        read = frozenset[int]().union(*(gives.get(source, frozenset()) for source in sources))
        own = frozenset({variables[index]}) if index in variables else frozenset[int]()
        meetings.add(read | own)
        gives[index] = own or read
    largest = [scope for scope in meetings if scope and not any(scope < other for other in meetings)]
    return tuple(sorted(tuple(sorted(scope)) for scope in largest))


def size_of_tables(sizes: Sequence[int], scopes: Sequence[Scope]) -> int:
    """How many variants have to be counted, the model included."""
    return sum(prod(sizes[variable] - 1 for variable in part) for part in _parts(scopes))


def _parts(scopes: Sequence[Scope]) -> dict[Scope, int]:
    """Every set of variables that meet, the smallest first, with a scope that it is in."""
    parts: dict[Scope, int] = {}
    for number, scope in enumerate(scopes):
        for length in range(len(scope) + 1):
            for part in combinations(scope, length):
                parts.setdefault(part, number)
    return dict(sorted(parts.items(), key=lambda entry: (len(entry[0]), entry[0])))


def decompose(
    sizes: Sequence[int],
    scopes: Sequence[Scope],
    count: Callable[[Sequence[Assignment]], list[Mapping[str, int] | None]],
) -> tuple[dict[str, tuple[Any, ...]], tuple[Any, ...], dict[str, int]]:
    """The tables of each metric.

    Args:
        sizes: How many choices each variable has; the first is the model's own.
        scopes: The variables that meet.
        count: Counts variants: the amount of each metric, or None for one that cannot be built.

    Returns:
        By metric one table a scope; one table a scope of what cannot be built; and the model's own amounts, which the
        tables do not have.
    """
    import numpy

    parts = _parts(scopes)
    keys = [(part, choices) for part in parts for choices in product(*(range(1, sizes[near]) for near in part))]
    totals = dict(zip(keys, count([_assignment(sizes, *key) for key in keys]), strict=True))
    base = totals[(), ()]
    assert base is not None  # the model itself was counted before
    shapes = [[sizes[variable] for variable in scope] for scope in scopes]
    tables = {name: [numpy.zeros(shape) for shape in shapes] for name in base}
    forbidden: list[Any] = [numpy.zeros(shape, dtype=bool) for shape in shapes]
    terms: dict[tuple[Scope, Assignment], dict[str, int] | None] = {((), ()): dict(base)}
    for part, choices in keys[1:]:
        smaller = [terms[key] for key in _subsets(part, choices)]
        amounts = totals[part, choices]
        if amounts is None or None in smaller:
            terms[part, choices] = None
            for scope, mask in zip(scopes, forbidden, strict=True):
                if set(part) <= set(scope):
                    mask[_cells(scope, part, choices)] = True
            continue
        term = {name: amount - sum(other[name] for other in smaller if other) for name, amount in amounts.items()}
        terms[part, choices] = term
        number = parts[part]
        for name, amount in term.items():
            tables[name][number][_cells(scopes[number], part, choices)] += amount
    return {name: tuple(entries) for name, entries in tables.items()}, tuple(forbidden), dict(base)


def _assignment(sizes: Sequence[int], part: Scope, choices: Assignment) -> Assignment:
    """The model's own choices but for some variables'."""
    changed = dict(zip(part, choices, strict=True))
    return tuple(changed.get(variable, 0) for variable in range(len(sizes)))


def _subsets(part: Scope, choices: Assignment) -> Iterator[tuple[Scope, Assignment]]:
    """Fewer of the same changes, none included."""
    for length in range(len(part)):
        for positions in combinations(range(len(part)), length):
            yield tuple(part[index] for index in positions), tuple(choices[index] for index in positions)


def _cells(scope: Scope, part: Scope, choices: Assignment) -> tuple[Any, ...]:
    """The cells of a scope's table in which some variables have some choices."""
    changed = dict(zip(part, choices, strict=True))
    return tuple(changed.get(variable, slice(None)) for variable in scope)
