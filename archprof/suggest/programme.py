"""An integer programme over groups of options, of which each group takes one or none, in exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Selection = frozenset[int]
"""The options that are taken, by index."""


@dataclass(frozen=True)
class Row:
    """One constraint: the options' weights that are taken add up to the limit at most."""

    weights: tuple[int, ...]
    limit: int

    def load(self, selection: Iterable[int]) -> int:
        """What the options that are taken add up to."""
        return sum([self.weights[index] for index in selection])


@dataclass(frozen=True)
class Programme:
    """Maximise a sum of values under constraints.

    Attributes:
        groups: The options of each group, by index.
        values: What each option is worth; any sign.
        rows: The constraints.
    """

    groups: tuple[tuple[int, ...], ...]
    values: tuple[int, ...]
    rows: tuple[Row, ...]

    @cached_property
    def group_of(self) -> tuple[int, ...]:
        """The group of each option."""
        owners = {option: group for group, options in enumerate(self.groups) for option in options}
        return tuple(owners[option] for option in range(len(self.values)))

    def value(self, selection: Iterable[int]) -> int:
        """What some options are worth."""
        return sum([self.values[index] for index in selection])

    def feasible(self, selection: Iterable[int]) -> bool:
        """Whether options can be taken together."""
        options = list(selection)
        groups = [self.group_of[option] for option in options]
        return len(set(groups)) == len(groups) and all(row.load(options) <= row.limit for row in self.rows)

    def with_limit(self, index: int, limit: int) -> Programme:
        """The same with another limit of one constraint."""
        rows = list(self.rows)
        rows[index] = Row(rows[index].weights, limit)
        return Programme(self.groups, self.values, tuple(rows))

    def with_row(self, row: Row) -> Programme:
        """The same with one more constraint."""
        return Programme(self.groups, self.values, (*self.rows, row))

    def without_row(self, index: int, values: tuple[int, ...]) -> Programme:
        """The same without one constraint, and with another goal."""
        return Programme(self.groups, values, tuple(row for number, row in enumerate(self.rows) if number != index))

    def greedy(self, score: Callable[[int], float | Fraction]) -> Selection:
        """Options from the highest score down, each taken if its group is free and it fits."""
        chosen: set[int] = set()
        groups: set[int] = set()
        loads = [0] * len(self.rows)
        for option in sorted(range(len(self.values)), key=lambda option: (-score(option), option)):
            if self.values[option] <= 0 or self.group_of[option] in groups:
                continue
            after = [load + row.weights[option] for load, row in zip(loads, self.rows, strict=True)]
            if all(load <= row.limit for load, row in zip(after, self.rows, strict=True)):
                chosen.add(option)
                groups.add(self.group_of[option])
                loads = after
        return frozenset(chosen)

    def bound(self, prices: Sequence[Fraction]) -> Fraction:
        """What no feasible selection exceeds, whatever the prices are, if none is below 0.

        The Lagrangian bound: each group takes the option that is worth most after paying for what it loads, or
        none, and the limits are sold at their price. Exact, so it holds whatever a solver says.
        """
        total = sum((price * row.limit for price, row in zip(prices, self.rows, strict=True)), Fraction(0))
        for options in self.groups:
            total += max([Fraction(0), *(self.reduced(option, prices) for option in options)])
        return total

    def reduced(self, option: int, prices: Sequence[Fraction]) -> Fraction:
        """What an option is worth after paying for what it loads."""
        costs = [price * row.weights[option] for price, row in zip(prices, self.rows, strict=True)]
        return self.values[option] - sum(costs, Fraction(0))
