from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from archprof.errors import UsageError
from archprof.quantity import EXAMPLES, exact, number_range, parse, plain_number
from archprof.units import Unit


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [
        ("3.0 M", Unit.things, 3_000_000),
        ("2,461,081", Unit.things, 2_461_081),
        ("2_461_081", Unit.things, 2_461_081),
        (2_461_081, Unit.things, 2_461_081),
        ("1.54 B", Unit.things, 1_540_000_000),
        ("8.2 GFLOPs", Unit.flops, 8_200_000_000),
        ("8.2G", Unit.flops, 8_200_000_000),
        ("8.2 gflops", Unit.flops, 8_200_000_000),
        ("4.1 GMACs", Unit.macs, 4_100_000_000),
        ("18 MB", Unit.bytes, 18_000_000),
        ("16 MiB", Unit.bytes, 16 * 1024 * 1024),
        ("5 ms", Unit.seconds, Fraction(5, 1000)),
        ("40 µs", Unit.seconds, Fraction(40, 10**6)),
        ("1.1", Unit.times, Fraction(11, 10)),
        (Decimal("1.1"), Unit.times, Fraction(11, 10)),
        ("×1.1", Unit.times, Fraction(11, 10)),
    ],
)
def test_amounts_are_exact(written: object, unit: Unit, value: Fraction) -> None:
    quantity = parse(written, unit)
    assert (quantity.value, quantity.percent) == (value, False)


def test_a_share_is_of_something() -> None:
    # 1.5 % of 2,461,081 is 36,916.215.
    assert parse("1.5 %", Unit.things, percent=True).of(Fraction(2_461_081)) == Fraction("36916.215")


@pytest.mark.parametrize(
    ("written", "unit", "expected"),
    [
        ("lots", Unit.things, "3.0 M"),
        ("-3 M", Unit.things, "3.0 M"),
        ("", Unit.flops, "8.2 GFLOPs"),
        ("8.2 GMACs", Unit.flops, "unknown unit 'GMACs'"),
        ("5 ms", Unit.flops, "unknown unit 'ms'"),
        ("8.2 m", Unit.flops, "unknown unit 'm'"),  # milli or mega?
        ("1 %", Unit.flops, "and not a percentage"),
        (5, Unit.seconds, "with its unit"),
        (True, Unit.things, "3.0 M"),
        ([1], Unit.things, "3.0 M"),
    ],
)
def test_what_is_no_amount_says_what_one_looks_like(written: object, unit: Unit, expected: str) -> None:
    with pytest.raises(ValueError, match=expected.replace("(", "\\(")):
        parse(written, unit)


@pytest.mark.parametrize("unit", Unit)
def test_the_examples_are_amounts(unit: Unit) -> None:
    for example in EXAMPLES[unit].split(" or "):
        assert parse(example, unit).value > 0


def test_a_measured_value_is_what_it_is_written_as() -> None:
    # The float nearest to 1.1 is 1.100000000000000088, which is more than 1.1.
    assert Fraction(1.1) > Fraction(11, 10)
    assert exact(1.1) == Fraction(11, 10)
    assert exact(10**18 + 1) == 10**18 + 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("640", 640), ("0.25", Fraction(1, 4)), (".5", Fraction(1, 2)), ("2.", 2), ("-1e-3", Fraction(-1, 1000))],
)
def test_a_plain_number(text: str, value: Fraction) -> None:
    assert plain_number(text) == value


@pytest.mark.parametrize("text", ["", ".", "wide", "1,000", "1/3", "nan", "inf", "1e999999999", "\u0663"])
def test_what_is_no_plain_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        plain_number(text)


def test_a_range_has_both_ends_and_no_rounding() -> None:
    assert number_range("0.1:0.3:0.1", "width", 3) == [Fraction(1, 10), Fraction(2, 10), Fraction(3, 10)]
    assert number_range("1:3", "batch", 3) == [1, 2, 3]
    with pytest.raises(UsageError, match="batch has 4 values, more than 3"):
        number_range("1:4", "batch", 3)
