from __future__ import annotations

import math

import pytest
from msgspec import structs

from archprof.errors import UsageError
from archprof.records.latency import Latency
from archprof.records.sweep import SweepRow
from archprof.sweep.conditions import check_metrics, parse

POINT = {
    "imgsz": 640,
    "width": 0.25,
    "scale": "n",
    "inplace": True,
    "activation": None,
    "row 1 args[1]": [3, 5],
}
ROW = SweepRow(point=POINT, model="x", figures={"flops": 8_000_000_000}, unknown={"aten.one": 2, "aten.other": 1})
FAILED = SweepRow(point=POINT, model="x", error="no")
AXES = list(POINT)


def latency(median_s: float) -> Latency:
    return Latency(
        device="cpu",
        device_name="x",
        backend="pytorch-eager",
        dtype="float32",
        batch=1,
        threads=1,
        scope="forward",
        median_s=median_s,
    )


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
        ("inplace == true", True),
        ("inplace != True", False),
        ("inplace == 1", False),
        ("activation == null", True),
        ("activation == nn.ReLU()", False),
        ("row 1 args[1] == [3,5]", True),
        ("unknown_operations == 3", True),  # 2 + 1
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
        ("imgsz < wide", "'wide' is not a number"),
        ("imgsz < 640 and width < 1", "'640 and width < 1' is not a number"),
        ("imgsz >= 1e999", "'1e999' is not a number"),
        ("width < __import__('os').abort()", "is not a number"),
        ("flops < __import__('os').abort()", "an amount such as"),
        (f"imgsz{' ' * 10**6}", "expected NAME < AMOUNT"),
    ],
)
def test_what_is_no_condition(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, AXES)
    assert message in str(caught.value)


def test_a_variant_without_an_axis_meets_no_condition_on_it() -> None:
    assert not parse("nc != 80", ["nc"]).holds(ROW)


def test_a_condition_on_a_latency_is_met_by_what_was_measured() -> None:
    condition = parse("latency < 5 ms", AXES)
    measured = structs.replace(ROW, latency=latency(0.004))
    assert condition.on_latency
    assert condition.holds(measured)
    assert not condition.holds(structs.replace(ROW, latency=latency(0.006)))
    assert not condition.holds(ROW)


def test_a_metric_that_no_variant_has_is_told() -> None:
    with pytest.raises(UsageError, match="no variant of the sweep has latency"):
        check_metrics([parse("latency < 5 ms", AXES)], [ROW, FAILED])
    check_metrics([parse("flops < 5 M", AXES)], [ROW, FAILED])
    check_metrics([parse("flops < 5 M", AXES)], [FAILED])
