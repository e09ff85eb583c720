"""The polynomial that a count is of the sizes of its axes, found from counts, and held to others.

Strides and windows round sizes, so that a count is a polynomial on multiples of some number alone. Of each axis the
smallest such power of two is looked for, by differences of counts at equal distances: those of order d + 1 of a
polynomial of degree d are zero. The coefficients are exact, of counts at as many sizes as there are; at some others the
polynomial must equal the count, or there is none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import lcm

from archprof.errors import ArchprofError, RunError
from archprof.records.size_formula import SizeFormula, SizeTerm, SizeVariable

Counts = tuple[int, int]
"""Multiply-accumulates and elementwise FLOPs."""

CountAt = Callable[[tuple[int, ...]], Counts]
"""Counts at a size of each axis; raises where it cannot run there."""

MULTIPLES = (64, 32, 16, 8, 4, 2, 1)
HIGHEST_DEGREE = 3
CHECKS = 6
"""Sizes that a polynomial is held to."""


@dataclass(frozen=True)
class Axis:
    """An axis that may have several sizes: its name, the letter for it, and the size that it is counted at."""

    name: str
    symbol: str
    size: int


def fit(axes: Sequence[Axis], count: CountAt) -> SizeFormula:
    """The polynomial of a count.

    Args:
        axes: The axes.
        count: Counts at sizes of them.

    Raises:
        RunError: Where the count is no polynomial of them, as far as that is seen.
    """
    known: dict[tuple[int, ...], Counts | None] = {}

    def count_at(sizes: tuple[int, ...]) -> Counts | None:
        if sizes not in known:
            try:
                known[sizes] = count(sizes)
            except ArchprofError:
                known[sizes] = None
        return known[sizes]

    base = tuple(axis.size for axis in axes)
    shapes = [_multiple_and_degree(index, axes, base, count_at) for index in range(len(axes))]
    starts = [-(-axis.size // multiple) for axis, (multiple, _) in zip(axes, shapes, strict=True)]
    grids = [range(start, start + degree + 1) for start, (_, degree) in zip(starts, shapes, strict=True)]
    multiples = [multiple for multiple, _ in shapes]
    values: dict[tuple[int, ...], Counts] = {}
    for units in product(*grids):
        counted = count_at(_sizes(units, multiples))
        if counted is None:
            raise RunError(f"it cannot run at {_text(axes, _sizes(units, multiples))}, where it was to be counted")
        values[units] = counted
    both = [_coefficients(grids, {units: value[kind] for units, value in values.items()}) for kind in (0, 1)]
    formula = _formula(axes, multiples, both)
    return _checked(formula, axes, multiples, set(values), count_at)


def _multiple_and_degree(
    index: int, axes: Sequence[Axis], base: tuple[int, ...], count_at: Callable[[tuple[int, ...]], Counts | None]
) -> tuple[int, int]:
    """The smallest multiple at which the count is a polynomial of one axis, the others as they are; and its degree."""
    best: tuple[int, int] | None = None
    for multiple in MULTIPLES:
        start = -(-base[index] // multiple)
        line: list[Counts] = []
        for unit in range(start, start + HIGHEST_DEGREE + 3):
            counted = count_at((*base[:index], unit * multiple, *base[index + 1 :]))
            if counted is None:
                break
            line.append(counted)
        if len(line) < HIGHEST_DEGREE + 3:
            continue
        degrees = [_degree([value[kind] for value in line]) for kind in (0, 1)]
        if None not in degrees:
            best = multiple, max(degree or 0 for degree in degrees)
        elif best is not None:
            break
    if best is None:
        raise RunError(f"its cost is no polynomial of {axes[index].name}, not even at multiples of {MULTIPLES[0]}")
    return best


def _degree(values: Sequence[int]) -> int | None:
    """The degree of the polynomial that has these values at equal distances; None where it would need all of them."""
    differences = list(values)
    for degree in range(HIGHEST_DEGREE + 2):
        if not any(differences):
            return max(degree - 1, 0)
        differences = [after - before for before, after in pairwise(differences)]
    return None


def _coefficients(grids: Sequence[range], values: dict[tuple[int, ...], int]) -> dict[tuple[int, ...], Fraction]:
    """The coefficients of a polynomial by powers, of its values on a grid: one axis after the other."""
    table = {units: Fraction(value) for units, value in values.items()}
    for index, grid in enumerate(grids):
        basis = [_lagrange(list(grid), position) for position in range(len(grid))]
        following: dict[tuple[int, ...], Fraction] = {}
        for units, value in table.items():
            for power, factor in enumerate(basis[units[index] - grid.start]):
                key = (*units[:index], power, *units[index + 1 :])
                following[key] = following.get(key, Fraction()) + value * factor
        table = following
    return table


def _lagrange(points: Sequence[int], position: int) -> list[Fraction]:
    """The polynomial that is 1 at one of some points and 0 at the others, lowest power first."""
    polynomial = [Fraction(1)]
    for other in (point for index, point in enumerate(points) if index != position):
        scale = Fraction(1, points[position] - other)
        shifted = [Fraction(), *polynomial]
        lower = [*(-other * factor for factor in polynomial), Fraction()]
        polynomial = [(high + low) * scale for high, low in zip(shifted, lower, strict=True)]
    return polynomial


def _formula(
    axes: Sequence[Axis], multiples: Sequence[int], both: Sequence[dict[tuple[int, ...], Fraction]]
) -> SizeFormula:
    denominator = lcm(*(factor.denominator for table in both for factor in table.values()))
    powers = sorted(set(both[0]) | set(both[1]), key=lambda key: (-sum(key), key))
    terms = [
        SizeTerm(
            powers=list(key), macs=int(both[0][key] * denominator), elementwise_flops=int(both[1][key] * denominator)
        )
        for key in powers
        if both[0][key] or both[1][key]
    ]
    variables = [
        SizeVariable(
            axis=axis.name, symbol=axis.symbol, multiple=multiple, checked_from=axis.size, checked_to=axis.size
        )
        for axis, multiple in zip(axes, multiples, strict=True)
    ]
    return SizeFormula(variables=variables, terms=terms, denominator=denominator)


def _checked(
    formula: SizeFormula,
    axes: Sequence[Axis],
    multiples: Sequence[int],
    used: set[tuple[int, ...]],
    count_at: Callable[[tuple[int, ...]], Counts | None],
) -> SizeFormula:
    """The formula once it was held to counts at other sizes, from small to twice as large; the same ones every time."""
    generator = random.Random(0)
    checked: list[tuple[int, ...]] = []
    for _ in range(8 * CHECKS):
        units = tuple(
            generator.randint(max(1, axis.size // multiple // 2), 2 * max(1, axis.size // multiple) + 3)
            for axis, multiple in zip(axes, multiples, strict=True)
        )
        sizes = _sizes(units, multiples)
        if units in used or (counted := count_at(sizes)) is None:
            continue
        used.add(units)
        if [formula.macs(sizes), formula.elementwise_flops(sizes)] != [*map(Fraction, counted)]:
            raise RunError(f"its cost is no polynomial of its sizes: at {_text(axes, sizes)} it is another")
        checked.append(sizes)
        if len(checked) == CHECKS:
            break
    if not checked:
        raise RunError("it runs at no other sizes, so that a formula could not be checked")
    variables = [
        SizeVariable(
            axis=variable.axis,
            symbol=variable.symbol,
            multiple=variable.multiple,
            checked_from=min(sizes[index] for sizes in checked),
            checked_to=max(sizes[index] for sizes in checked),
        )
        for index, variable in enumerate(formula.variables)
    ]
    return SizeFormula(variables=variables, terms=formula.terms, denominator=formula.denominator, checks=len(checked))


def _sizes(units: Sequence[int], multiples: Sequence[int]) -> tuple[int, ...]:
    return tuple(unit * multiple for unit, multiple in zip(units, multiples, strict=True))


def _text(axes: Sequence[Axis], sizes: Sequence[int]) -> str:
    return ", ".join(f"{axis.name} {size}" for axis, size in zip(axes, sizes, strict=True))
