"""How numbers are written: the only place where K, M, G, % and thousands separators come in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.parameternet.report import Ratio

ABSENT = "–"
"""What stands where there is no number to show."""

_DECIMAL = ((10**9, "G"), (10**6, "M"), (10**3, "K"))


def count(number: int) -> str:
    """A whole number with thousands separators: ``4,621,033``."""
    return f"{number:,}"


def signed(number: int) -> str:
    """A difference, with its sign and thousands separators: ``-235,929,600``."""
    return f"{number:+,}"


def amount(number: int, unit: str = "") -> str:
    """Operations with two decimals and a decimal prefix: ``8.11 GFLOPs``.

    Billions are kept down to a tenth of one, because that is how the field quotes its models; below that the
    prefix that leaves something before the decimal point is taken.
    """
    for factor, prefix in _DECIMAL:
        if number >= (factor // 10 if factor == 10**9 else factor):
            return f"{number / factor:,.2f} {prefix}{unit}"
    return f"{number:,} {unit}".rstrip()


def millions(number: int) -> str:
    """A number in millions with two decimals and no unit, for a column that names it: ``88.47``."""
    return f"{number / 10**6:,.2f}"


def quoted(number: float) -> str:
    """Billions as counters print them, with one decimal; two digits where that would leave only zeros."""
    return ratio(number)


def size(number: int) -> str:
    """Bytes with two decimals and a decimal prefix: ``18.48 MB``."""
    for factor, prefix in _DECIMAL:
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}B"
    return f"{number} B"


def ratio(number: float) -> str:
    """A number of no unit with one decimal, and more where that would leave only zeros: ``19.3``; ``0.042``."""
    return f"{number:,.1f}" if number >= 1 or number == 0 else f"{number:.2g}"


def percent(share: float) -> str:
    """A share from 0 to 1 with one decimal and no sign, for a column that names it: ``12.3``; ``100``."""
    return "100" if math.isclose(share, 1, rel_tol=1e-9) else f"{100 * share:.1f}"


def coverage(share: float) -> str:
    """A share as a percentage, rounded down: only what is complete reads ``100 %``."""
    if share >= 1:
        return "100 %"
    return f"{math.floor(share * 1000) / 10:.1f} %"


def shape(sizes: list[int]) -> str:
    """A tensor's shape: ``1×3×640×640``; a scalar is ``()``."""
    return "×".join(str(size) for size in sizes) or "()"


def below_or_above(value: float, exact: float) -> str:
    """How far a value is from the exact one, in words: ``24 % below``."""
    difference = value / exact - 1
    percentage = f"{abs(difference) * 100:.0f} %"
    if percentage == "0 %":
        return "the same within half a percent"
    return f"{percentage} {'below' if difference < 0 else 'above'}"


def apart(ratio: float, base: str) -> str:
    """How far something is from a base, in words: ``14.5 % more than BASE``, ``as much as BASE``."""
    percentage = abs(ratio - 1) * 100
    written = f"{percentage:.1f}" if percentage < 20 else f"{percentage:,.0f}"
    if written == "0.0":
        return f"as much as {base}"
    return f"{written} % {'more' if ratio > 1 else 'less'} than {base}"


def factor(value: float) -> str:
    """How many times something is something else, to the thousandth: ``×1.581``."""
    return f"×{value:,.3f}"


def predicted(ratio: Ratio) -> str:
    """A ratio as predicted, by the paper where it has a formula, and as measured."""
    prediction = ratio.as_built if ratio.paper is None else ratio.paper
    return f"{factor(prediction)} predicted, {factor(ratio.measured)} measured"
