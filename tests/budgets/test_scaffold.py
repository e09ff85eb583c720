from __future__ import annotations

import tomllib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.budgets.scaffold import bound
from archprof.quantity import parse
from archprof.units import Unit


@pytest.mark.parametrize(
    ("value", "unit", "percent", "rule"),
    [
        # 51,218 · 1.05 = 53,778.9.
        (51_218, Unit.things, 5, {"max": "53.8 K", "max_increase": "5 %"}),
        # 5 · 0.05 is less than one: without a floor nothing could grow.
        (5, Unit.things, 5, {"max": "6", "max_increase": "5 %", "floor": "1"}),
        (0, Unit.flops, 5, {"max": "1 FLOPs", "max_increase": "5 %", "floor": "1 FLOPs"}),
        (24_220_672, Unit.flops, 0, {"max": "24220672 FLOPs", "max_increase": "0 %"}),
        (999_600, Unit.things, 1, {"max": "1.01 M", "max_increase": "1 %"}),
    ],
)
def test_a_first_bound(value: int, unit: Unit, percent: int, rule: dict[str, str]) -> None:
    assert tomllib.loads(f"it = {bound(value, unit, Fraction(percent, 100))}")["it"] == rule


@given(st.integers(0, 10**15), st.sampled_from([Unit.things, Unit.flops]), st.integers(1, 200))
def test_headroom_can_be_used(value: int, unit: Unit, percent: int) -> None:
    rule = tomllib.loads(f"it = {bound(value, unit, Fraction(percent, 100))}")["it"]
    upper = parse(rule["max"], unit).value
    increase = parse(rule["max_increase"], unit, percent=True).of(Fraction(value))
    floor = parse(rule["floor"], unit).value if "floor" in rule else 0
    # At least what was asked for, and one; and not more than three digits make of it.
    assert upper >= value + max(value * Fraction(percent, 100), 1)
    assert upper <= (value + max(value * Fraction(percent, 100) + 1, 1)) * Fraction(101, 100) + 1
    assert max(increase, floor) >= 1


@given(st.integers(0, 10**15), st.sampled_from([Unit.things, Unit.flops]))
def test_without_headroom_it_is_the_figure_itself(value: int, unit: Unit) -> None:
    rule = tomllib.loads(f"it = {bound(value, unit, Fraction(0))}")["it"]
    assert parse(rule["max"], unit).value == value
