"""A figure as somebody printed it, and what it takes for another one to agree with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

FIGURE = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?( ?)([KMGBT]?)")
"""A number as papers write it: digits, perhaps in groups of three, perhaps with decimals, perhaps a suffix."""

_SUFFIXES = {"": 0, "K": 3, "M": 6, "G": 9, "B": 9, "T": 12}


@dataclass(frozen=True, slots=True)
class Published:
    """One figure as printed: ``2,461,081``, ``6.4``, ``8.6 M``.

    ``gflops`` are in billions of FLOPs, every other figure is a plain number. ``convention`` is None where
    the figure does not depend on one, or is the exact count.
    """

    figure: str
    text: str
    convention: str | None = None

    @property
    def value(self) -> Decimal:
        """The number that was printed, K, M, G (or B) and T multiplied out."""
        integer, decimals, _, suffix = self._parts
        return Decimal(f"{integer}.{decimals}").scaleb(_SUFFIXES[suffix])

    @property
    def step(self) -> Decimal:
        """What one unit of the last printed digit is worth."""
        _, decimals, _, suffix = self._parts
        return Decimal(1).scaleb(_SUFFIXES[suffix] - len(decimals))

    def agrees(self, measured: float) -> bool:
        """Whether a measured figure, rounded to the printed digits, is what was printed."""
        return abs(Decimal(repr(measured)) - self.value) <= self.step / 2

    def format_like(self, measured: float, *, more: int = 0) -> str:
        """A measured figure as this one is printed, with so many digits more."""
        _, decimals, space, suffix = self._parts
        number = Decimal(repr(measured)).scaleb(-_SUFFIXES[suffix])
        return f"{number:,.{len(decimals) + more}f}{space}{suffix}"

    @property
    def _parts(self) -> tuple[str, str, str, str]:
        match = FIGURE.fullmatch(self.text)
        assert match is not None  # refused when the file was read
        return match[1].replace(",", ""), match[2] or "", match[3], match[4]
