"""What a model costs as a polynomial of the sizes of its input."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class SizeVariable(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of the input that may have several sizes.

    ``symbol`` stands in the terms for the axis' size over ``multiple``: the formula holds where that is a whole number.
    ``checked_from`` and ``checked_to`` are the smallest and the largest size that it was held to a count at.
    """

    axis: str
    symbol: str
    multiple: int
    checked_from: int
    checked_to: int


class SizeTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One term: a product of powers of the variables, and what it is multiplied with.

    ``powers`` has one power a variable.
    """

    powers: list[int]
    macs: int
    elementwise_flops: int


class SizeFormula(msgspec.Struct, frozen=True, kw_only=True):
    """Multiply-accumulates and elementwise FLOPs as a polynomial: the sum of the terms over the ``denominator``.

    ``checks`` is the number of sizes, none of those that it was made of, at which it was held to a count.
    """

    variables: list[SizeVariable]
    terms: list[SizeTerm]
    denominator: int = 1
    checks: int = 0

    def macs(self, sizes: Sequence[int]) -> Fraction:
        """Multiply-accumulates at a size of each variable's axis; whole where it holds."""
        return self._sum(sizes, [term.macs for term in self.terms])

    def elementwise_flops(self, sizes: Sequence[int]) -> Fraction:
        """Elementwise FLOPs at a size of each variable's axis; whole where it holds."""
        return self._sum(sizes, [term.elementwise_flops for term in self.terms])

    def _sum(self, sizes: Sequence[int], factors: Sequence[int]) -> Fraction:
        units = [Fraction(size, variable.multiple) for size, variable in zip(sizes, self.variables, strict=True)]
        total = sum(
            factor * prod(unit**power for unit, power in zip(units, term.powers, strict=True))
            for factor, term in zip(factors, self.terms, strict=True)
        )
        return Fraction(total) / self.denominator
