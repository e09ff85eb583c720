from __future__ import annotations

from decimal import Decimal

import pytest

from archprof.records.published import Published


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("2,461,081", "2461081", "1"),
        ("6.4", "6.4", "0.1"),
        ("6.40", "6.4", "0.01"),
        ("8.6 M", "8600000", "100000"),
        ("599M", "599000000", "1000000"),
        ("0.94 B", "940000000", "10000000"),
        ("919 G", "919000000000", "1000000000"),
        ("12 K", "12000", "1000"),
    ],
)
def test_a_printed_number_has_a_value_and_a_last_digit(text: str, value: str, step: str) -> None:
    published = Published("parameters", text)
    assert (published.value, published.step) == (Decimal(value), Decimal(step))


@pytest.mark.parametrize(
    ("text", "measured", "agrees"),
    [
        ("6.2", 6.2, True),
        ("6.2", 6.15, True),  # half of the last digit, 0.05, either way
        ("6.2", 6.249, True),
        ("6.2", 6.251, False),
        ("6.20", 6.21, False),
        ("641", 641, True),
        ("641", 642, False),
        ("8.6 M", 8_633_106, True),
        ("8.6 M", 8_650_001, False),
        ("0.94 B", 936_429_568, True),
    ],
)
def test_a_figure_agrees_where_it_rounds_to_the_printed_digits(text: str, measured: float, agrees: bool) -> None:
    assert Published("parameters", text).agrees(measured) is agrees


@pytest.mark.parametrize(
    ("text", "measured", "more", "sources"),
    [
        ("6.2", 6.2078464, 0, "6.2"),
        ("6.2", 6.2078464, 2, "6.208"),
        ("6", 1206.6, 0, "1,207"),
        ("599 M", 598_769_873, 0, "599 M"),
        ("599 M", 598_769_873, 2, "598.77 M"),
        ("8.6M", 8_633_106, 0, "8.6M"),
        ("0.94 B", 936_429_568, 1, "0.936 B"),
        ("4,621,033", 4_621_017, 0, "4,621,017"),
    ],
)
def test_a_measured_figure_is_written_as_the_printed_one(text: str, measured: float, more: int, sources: str) -> None:
    assert Published("macs", text).format_like(measured, more=more) == sources
