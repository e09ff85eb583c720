"""Amounts and numbers as people write them ("8.2 GFLOPs", "5 ms", "1.5 %", "0.25") -> exact fractions, never floats."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.errors import UsageError
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

_AMOUNT = re.compile(r"(?P<number>(?:\d{1,3}(?:[,_]\d{3})+|\d{1,18})(?:\.\d{1,18})?)\s*(?P<unit>\S*)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")
"""With an exponent of two digits at most: all digits of 1e999999999 would be worked out."""

_PERCENT = ("%", "percent")
_PREFIXES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def _prefixed(*names: str) -> dict[str, Fraction]:
    return {prefix + name: Fraction(factor) for name in names for prefix, factor in _PREFIXES.items()}


UNITS: Mapping[Unit, Mapping[str, Fraction]] = {
    Unit.things: {**_prefixed(""), "B": Fraction(10**9)},
    Unit.flops: _prefixed("", "FLOPs", "FLOP"),
    Unit.macs: _prefixed("", "MACs", "MAC"),
    Unit.bytes: {**_prefixed("", "B"), **{name: Fraction(factor) for name, factor in _BINARY.items()}},
    Unit.seconds: {
        name: Fraction(1, factor) for name, factor in {"s": 1, "ms": 10**3, "us": 10**6, "µs": 10**6}.items()
    },
    Unit.times: {"": Fraction(1), "×": Fraction(1), "x": Fraction(1)},
}
"""What may stand behind a number, and what one of it is in single things, FLOPs, MACs, bytes or seconds."""

EXAMPLES: Mapping[Unit, str] = {
    Unit.things: "3.0 M or 2,461,081",
    Unit.flops: "8.2 GFLOPs",
    Unit.macs: "4.1 GMACs",
    Unit.bytes: "18 MB or 16 MiB",
    Unit.seconds: "5 ms",
    Unit.times: "1.1",
}


_SHOWN: Mapping[Unit, str] = {
    Unit.things: "K, M, B, G, T",
    Unit.flops: "FLOPs, KFLOPs, MFLOPs, GFLOPs, TFLOPs, or K, M, G, T",
    Unit.macs: "MACs, KMACs, MMACs, GMACs, TMACs, or K, M, G, T",
    Unit.bytes: "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
    Unit.seconds: "s, ms, us",
    Unit.times: "none, or x",
}
"""The units as a message lists them."""


class Quantity(msgspec.Struct, frozen=True):
    """An amount: of a metric's unit, or in percent of something. ``text`` is how it was written."""

    value: Fraction
    text: str
    percent: bool = False

    def of(self, base: Fraction) -> Fraction:
        """The amount itself, or that share of a base."""
        return base * self.value / 100 if self.percent else self.value


def parse(text: Any, unit: Unit, *, percent: bool = False) -> Quantity:
    """An amount of a unit.

    Args:
        text: Text, or a number of single things, FLOPs, MACs, bytes or times.
        unit: What it should be an amount of. Seconds need their unit, because nobody means whole ones.
        percent: Whether it may be in percent.

    Raises:
        ValueError: Where it is none, or of another unit; with a few words on what is expected.
    """
    expected = f"an amount such as {EXAMPLES[unit]}{' or 1.5 %' if percent else ''}"
    if isinstance(text, bool) or not isinstance(text, (str, int, Decimal)):
        raise ValueError(expected)
    match = _AMOUNT.fullmatch(str(text).strip().removeprefix("×"))
    if not match:
        raise ValueError(expected)
    number, name = Fraction(re.sub("[,_]", "", match["number"])), match["unit"]
    if percent and name in _PERCENT:
        return Quantity(number, str(text), percent=True)
    if not name and unit is Unit.seconds and number:
        raise ValueError(f"{expected}, with its unit")
    if name in _PERCENT:
        raise ValueError(f"{expected}, and not a percentage")
    factor = UNITS[unit].get(name) or _without_case(unit).get(name.lower(), None if name else Fraction(1))
    if factor is None:
        raise ValueError(f"{expected}; unknown unit {name!r}, units: {_SHOWN[unit]}")
    return Quantity(number * factor, str(text))


def plain_number(text: str) -> Fraction:
    """A number without a unit: ``640``, ``0.25``, ``-1e-3``.

    Raises:
        ValueError: Where it is none, or one with more digits than anything here has.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return Fraction(text)


def number_range(text: str, name: str, most: int) -> list[Fraction]:
    """``FIRST:LAST:STEP`` -> the numbers from the first to the last, both included; a step that is left out is 1.

    Args:
        text: The range.
        name: What the numbers are values of, for messages.
        most: How many there may be.

    Raises:
        UsageError: Where it is no range, or one of more numbers.
    """
    ends = text.split(":")
    try:
        first, last, step = map(plain_number, ends if len(ends) > 2 else [*ends, "1"])
        valid = step > 0 and last >= first
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{name}: {text!r} is not a range", hint="FIRST:LAST:STEP, as 320:640:64")
    count = (last - first) // step + 1
    if count > most:
        raise UsageError(f"{name} has {count:,} values, more than {most:,}", hint="take a larger step")
    return [first + index * step for index in range(count)]


def exact(value: float) -> Fraction:
    """A measured value as the fraction that its shortest decimal form is, so that 1.1 is not more than "1.1"."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _without_case(unit: Unit) -> dict[str, Fraction]:
    """The units that letter case does not change: ``gflops`` and ``k``, but never ``m``, which might be milli."""
    by_lower: dict[str, set[Fraction]] = {}
    for name, factor in UNITS[unit].items():
        by_lower.setdefault(name.lower(), set()).add(factor)
    return {name: min(names) for name, names in by_lower.items() if len(names) == 1 and name != "m"}
