from __future__ import annotations

import math

import pytest

from archprof.errors import UsageError
from archprof.records.sweep import SweepRow
from archprof.sweep.conditions import parse

ROW = SweepRow(point={"imgsz": 640, "width": 0.25, "scale": "n"}, model="x", figures={"flops": 8_000_000_000})
FAILED = SweepRow(point={"imgsz": 640, "width": 0.25, "scale": "n"}, model="x", error="no")
AXES = ["imgsz", "width", "scale"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("flops <= 8 G", True),
        ("flops < 8 GFLOPs", False),
        ("flops > 7,999,999,999", True),
        ("imgsz >= 640", True),
        ("imgsz != 640", False),
        ("width == 0.25", True),
        ("width < 0.25", False),
        ("scale == n", True),
        ("scale != 'n'", False),
        ("scale == 1e999999999", False),
    ],
)
def test_a_condition(text: str, holds: bool) -> None:
    assert parse(text, AXES).holds(ROW) is holds


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [
        (0.1, "width == 0.1", True),  # the float is a little more than a tenth
        (0.1, "width <= 0.1", True),
        (0.3, "width >= 0.3", True),  # and this one a little less
        (math.inf, "width > 8", True),
        (math.inf, "width == 8", False),
    ],
)
def test_a_decimal_fraction_is_what_it_was_typed_as(value: float, text: str, holds: bool) -> None:
    assert parse(text, ["width"]).holds_at({"width": value}) is holds


def test_only_axes_are_known_before_anything_is_counted() -> None:
    assert parse("flops < 1", AXES).holds_at(ROW.point)
    assert not parse("imgsz < 1", AXES).holds_at(ROW.point)
    assert not parse("flops < 9 G", AXES).holds(FAILED)
    assert parse("imgsz == 640", AXES).holds(FAILED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flops", "expected NAME < AMOUNT"),
        ("flops < ", "expected NAME < AMOUNT"),
        ("flops < 8 MB", "an amount such as"),
        ("flopps < 8 G", "did you mean flops"),
        ("nc < 80", "neither a metric nor an axis"),
    ],
)
def test_what_is_no_condition(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, AXES)
    assert message in str(caught.value)
