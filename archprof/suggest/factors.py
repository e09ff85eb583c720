"""Sums of tables over few variables each, and their best assignment: by eliminating one variable after the other.

What a row of a variant costs depends on its own channels and on those of the rows that it reads, so that a total is a
sum of tables over two or three rows. Bucket elimination (Dechter, "Bucket elimination: a unifying framework for
reasoning", Artificial Intelligence 113, 1999) finds the best assignment of such a sum, and with it the best completion
of every partial assignment. Whole numbers below 2**53 are exact in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Scope = tuple[int, ...]
"""The variables of a table, ascending."""

Assignment = tuple[int, ...]
"""The choice of each variable, by index."""

MOST_CELLS = 2_000_000
"""Cells of one table while variables are eliminated."""


class TooWideError(Exception):
    """Tables that hang together too closely for elimination."""


@dataclass(frozen=True)
class Table:
    """A value for each combination of some variables' choices; minus infinity where it is forbidden."""

    scope: Scope
    values: Any  # an array of float64 with one axis for each variable

    def at(self, assignment: Sequence[int]) -> float:
        """The value at the choices of all variables."""
        return float(self.values[tuple([assignment[variable] for variable in self.scope])])

    def spread(self, scope: Scope) -> Any:
        """The values with axes for a wider scope."""
        shape = [self.values.shape[self.scope.index(variable)] if variable in self.scope else 1 for variable in scope]
        return self.values.reshape(shape)


def elimination_order(sizes: Sequence[int], scopes: Sequence[Scope]) -> tuple[int, ...]:
    """Variables in the order in which they are eliminated: the one first that leaves the smallest table.

    Raises:
        TooWideError: Where a table would have more than :data:`MOST_CELLS` cells.
    """
    neighbours = {variable: {variable} for variable in range(len(sizes))}
    for scope in scopes:
        for variable in scope:
            neighbours[variable] |= set(scope)
    order: list[int] = []
    while neighbours:
        cells = {variable: prod(sizes[near] for near in group) for variable, group in neighbours.items()}
        variable = min(cells, key=lambda key: (cells[key], key))
        if cells[variable] > MOST_CELLS:
            raise TooWideError
        group = neighbours.pop(variable) - {variable}
        for near in group:
            neighbours[near] = (neighbours[near] | group) - {variable}
        order.append(variable)
    return tuple(order)


class Elimination:
    """The best completion of every partial assignment.

    Args:
        sizes: How many choices each variable has.
        tables: What is added up.
        order: The variables in the order in which they are eliminated; assignments are completed in the other order.

    Attributes:
        best: The largest sum.
    """

    def __init__(self, sizes: Sequence[int], tables: Sequence[Table], order: Sequence[int]) -> None:
        import numpy

        self._order = order
        self._buckets: dict[int, Table] = {}
        self._messages: dict[int, Table] = {}
        self.best, rest = 0.0, list(tables)
        for variable in order:
            mine = [table for table in rest if variable in table.scope]
            rest = [table for table in rest if variable not in table.scope]
            scope = tuple(sorted({variable}.union(*(table.scope for table in mine))))
            shape = [sizes[near] for near in scope]
            total = reduce(numpy.add, (table.spread(scope) for table in mine), numpy.zeros(shape))
            message = Table(tuple(near for near in scope if near != variable), total.max(axis=scope.index(variable)))
            self._buckets[variable], self._messages[variable] = Table(scope, total), message
            if message.scope:
                rest.append(message)
            else:
                self.best += float(message.values)

    def after(self, bound: float, variable: int, assignment: list[int]) -> float:
        """The best completion once a variable has its choice.

        Args:
            bound: The best completion before.
            variable: The variable; all that come later in the order have their choices.
            assignment: The choices.
        """
        if bound == float("-inf"):
            return bound
        return bound - self._messages[variable].at(assignment) + self._buckets[variable].at(assignment)

    def argmax(self) -> Assignment:
        """The choices of the largest sum."""
        assignment = [0] * len(self._order)
        for variable in reversed(self._order):
            bucket = self._buckets[variable]
            index = tuple([slice(None) if near == variable else assignment[near] for near in bucket.scope])
            assignment[variable] = int(bucket.values[index].argmax())
        return tuple(assignment)
