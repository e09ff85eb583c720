"""How numbers are printed: the only place where k, M, G, % and thousands separators come in."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Unit(StrEnum):
    """What one of a metric is."""

    things = ""
    flops = "FLOPs"
    macs = "MACs"
    bytes = "B"
    seconds = "s"
    times = "×"


ABSENT = "–"
"""What stands where there is no number to show."""

_DECIMAL = ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def count(number: int) -> str:
    """A whole number with thousands separators: ``4,621,033``."""
    return f"{number:,}"


def with_article(noun: str) -> str:
    """A noun with its indefinite article, by its first letter: ``an int``; ``a Linear``."""
    return f"{'an' if noun[:1].lower() in tuple('aeio') else 'a'} {noun}"


def plural(number: int, noun: str, several: str | None = None) -> str:
    """A number of things: ``1 layer``; ``1,200 layers``."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


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
    return plural(number, unit.removesuffix("s")) if unit.endswith("s") else f"{number:,} {unit}".rstrip()


def millions(number: int) -> str:
    """A number in millions with two decimals and no unit, for a column that names it: ``88.47``."""
    return f"{number / 10**6:,.2f}"


def signed_millions(number: int) -> str:
    """A difference in millions with two decimals and its sign, nothing for 0: ``+88.47``."""
    return f"{number / 10**6:+,.2f}" if number else ""


def measure(number: float, unit: Unit) -> str:
    """A metric's value with its unit: ``4,621,033``, ``8.11 GFLOPs``, ``18.48 MB``, ``5.31 ms``, ``×1.581``."""
    return _MEASURES[unit](number)


def difference(number: float, unit: Unit) -> str:
    """The same with its sign, nothing being 0: ``-235,929,600``, ``+13.90 GFLOPs``."""
    if not number:
        return "0"
    if unit is Unit.times:
        return f"{number:+.3f}"
    return ("-" if number < 0 else "+") + measure(abs(number), unit)


def size(number: int) -> str:
    """Bytes with two decimals and a decimal prefix: ``18.48 MB``."""
    for factor, prefix in _DECIMAL:
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}B"
    return f"{number} B"


def binary_size(number: int) -> str:
    """Bytes that are a power of two, as caches are sized: ``64 KiB``."""
    for power, prefix in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if number >= 1 << power:
            return f"{number >> power} {prefix}B"
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


def whole_percent(share: float) -> str:
    """A share in whole percent; only all of it reads ``100 %``: ``91 %``."""
    rounded = round(100 * share)
    return f"{99 if rounded == 100 and not math.isclose(share, 1, rel_tol=1e-9) else rounded} %"


def shape(sizes: Sequence[int]) -> str:
    """A tensor's shape: ``1×3×640×640``; a scalar is ``()``."""
    return "×".join(str(size) for size in sizes) or "()"


def shapes(all_sizes: list[list[int]]) -> str:
    """Several tensors' shapes: the first, and how many more there are; nothing where there is none."""
    if not all_sizes:
        return ""
    more = f" and {len(all_sizes) - 1} more" if len(all_sizes) > 1 else ""
    return shape(all_sizes[0]) + more


def all_shapes(all_sizes: list[list[int]]) -> str:
    """Several tensors' shapes, all of them: ``1×10×8400 1×70×80×80``."""
    return " ".join(map(shape, all_sizes))


def shapes_changed(before: list[list[int]] | None, after: list[list[int]] | None) -> str | None:
    """The shapes after, and before where they were others: ``1×128×40→80×40→80``."""
    if not after:
        return None
    now = shapes(after)
    if before == after or not before:
        return now
    first, last = before[0], after[0]
    if len(first) != len(last):
        return f"{shapes(before)} → {now}"
    sides = [str(new) if old == new else f"{old}→{new}" for old, new in zip(first, last, strict=True)]
    return "×".join(sides) + now.removeprefix(shape(last))


def literal(value: Any) -> str:
    """A value as a YAML row writes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value) if isinstance(value, str) else str(value)


def below_or_above(value: float, exact: float) -> str:
    """How far a value is from the exact one, in words: ``24 % below``."""
    difference = value / exact - 1
    percentage = f"{abs(difference) * 100:.0f} %"
    if percentage == "0 %":
        return "the same within half a percent"
    return f"{percentage} {'below' if difference < 0 else 'above'}"


def change(ratio: float) -> str:
    """How much more something is than its base, in percent with a sign: ``+14.5 %``, ``-3.1 %``; ``0 %``."""
    percentage = (ratio - 1) * 100
    digits = f"{percentage:+.1f}" if abs(percentage) < 20 else f"{percentage:+,.0f}"
    return f"{'0' if digits in ('+0.0', '-0.0') else digits} %"


def factor(value: float) -> str:
    """How many times something is something else, to the thousandth: ``×1.581``; of less than that two digits."""
    return f"×{value:,.3f}" if value >= 0.0005 or value == 0 else f"×{value:.2g}"


def threads(count: int | None) -> list[str]:
    """``2 threads``; nothing where their number says nothing."""
    return [] if count is None else [plural(count, "thread")]


def seconds(value: float) -> str:
    """A time with three significant digits and a prefix: ``83.3 ms``; ``412 µs``; ``1.71 s``."""
    factor, unit = _time_unit(value)
    return f"{_three(value * factor)} {unit}"


def seconds_between(low: float, high: float) -> str:
    """The ends of an interval of times in one unit, that of the upper: ``[82.9, 83.9] ms``."""
    factor, unit = _time_unit(high)
    return f"[{_three(low * factor)}, {_three(high * factor)}] {unit}"


def _time_unit(value: float) -> tuple[float, str]:
    """The unit in which the size of a time is 1 or more, and how many of it a second has."""
    prefixed = ((1, "s"), (1e3, "ms"), (1e6, "µs"))
    return next(((factor, unit) for factor, unit in prefixed if abs(value) * factor >= 1), (1e9, "ns"))


def _three(number: float) -> str:
    """Three significant digits, and all of those before the decimal point."""
    digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return f"{number:,.{digits}f}"


_MEASURES: Mapping[Unit, Callable[[Any], str]] = {
    Unit.things: count,
    Unit.flops: lambda number: amount(number, "FLOPs"),
    Unit.macs: lambda number: amount(number, "MACs"),
    Unit.bytes: size,
    Unit.seconds: seconds,
    Unit.times: factor,
}
