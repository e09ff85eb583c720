"""A model's cost as a polynomial of the sizes of its input, a term a row."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from archprof.render.table import Column, Table
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.records.size_formula import SizeFormula, SizeTerm

_POWERS = {2: "²", 3: "³"}


def table(formula: SizeFormula) -> Table:
    """One row a term: what its product of axes is multiplied with, for MACs and elementwise FLOPs."""
    columns = (
        Column("term", "term"),
        Column("macs", "MACs", number=True, show=_number),
        Column("elementwise_flops", "elementwise FLOPs", number=True, show=_number),
    )
    records = tuple(
        (
            _product(formula, term),
            Fraction(term.macs, formula.denominator),
            Fraction(term.elementwise_flops, formula.denominator),
        )
        for term in formula.terms
    )
    return Table(columns, records, "term")


def notes(formula: SizeFormula) -> list[str]:
    """The whole formula in one line, what its letters are, and how far it was checked."""
    sums = " + ".join(
        f"{_number(Fraction(term.macs, formula.denominator))}·{_product(formula, term)}"
        for term in formula.terms
        if term.macs
    )
    letters = ", ".join(
        f"{variable.symbol} = {variable.axis}" + (f" / {variable.multiple}" if variable.multiple > 1 else "")
        for variable in formula.variables
    )
    multiples = [
        f"{variable.axis} a multiple of {variable.multiple}" for variable in formula.variables if variable.multiple > 1
    ]
    ranges = ", ".join(
        f"{variable.axis} from {variable.checked_from} to {variable.checked_to}" for variable in formula.variables
    )
    return [
        f"MACs = {sums or '0'}, where {letters}",
        *([f"valid for {' and '.join(multiples)}"] if multiples else []),
        f"equal to the count at {plural(formula.checks, 'other size')}: {ranges}",
    ]


def _product(formula: SizeFormula, term: SizeTerm) -> str:
    """``b·h²·w``; 1 for what depends on no size."""
    factors = [
        variable.symbol + (_POWERS.get(power, f"^{power}") if power > 1 else "")
        for variable, power in zip(formula.variables, term.powers, strict=True)
        if power
    ]
    return "·".join(factors) or "1"


def _number(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{value.numerator:,}/{value.denominator:,}"
