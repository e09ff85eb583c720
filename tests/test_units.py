from __future__ import annotations

import pytest

from archprof import units
from archprof.units import Unit


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 FLOPs"),
        (1, "1 FLOP"),
        (999, "999 FLOPs"),
        (1_000, "1.00 kFLOPs"),
        (99_999_999, "100.00 MFLOPs"),
        (100_000_000, "0.10 GFLOPs"),
        (8_111_000_000, "8.11 GFLOPs"),
        (919_000_000_000, "919.00 GFLOPs"),
        (1_838_000_000_000, "1.84 TFLOPs"),
        (20_967_348_890_000_000, "20.97 PFLOPs"),
    ],
)
def test_amount(number: int, text: str) -> None:
    assert units.amount(number, "FLOPs") == text


@pytest.mark.parametrize(
    ("share", "text"),
    # 1,999 of 2,000 is 99.95 %, and is not to read as everything.
    [(1.0, "100 %"), (1999 / 2000, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")],
)
def test_coverage_never_rounds_up_to_everything(share: float, text: str) -> None:
    assert units.coverage(share) == text


@pytest.mark.parametrize(
    ("number", "text"), [(6.23, "6.2"), (0.0, "0.0"), (0.0389, "0.039"), (199.2, "199.2"), (1234.5, "1,234.5")]
)
def test_ratio(number: float, text: str) -> None:
    assert units.ratio(number) == text


@pytest.mark.parametrize(("share", "text"), [(0.12345, "12.3"), (1.0, "100"), (0.9999, "100.0"), (0.0, "0.0")])
def test_percent(share: float, text: str) -> None:
    assert units.percent(share) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    # 8.111 / 7.083 = 1.1451; 6.2 / 6.4 = 0.96875; 250 % more has no decimals.
    [(8.111 / 7.083, "+14.5 %"), (6.2 / 6.4, "-3.1 %"), (1.0, "0 %"), (1.0004, "0 %"), (3.5, "+250 %"), (0.5, "-50 %")],
)
def test_change(ratio: float, text: str) -> None:
    assert units.change(ratio) == text


def test_plurals() -> None:
    assert [units.plural(count, "layer") for count in (0, 1, 1200)] == ["0 layers", "1 layer", "1,200 layers"]
    assert units.plural(2, "pass", "passes") == "2 passes"


def test_others() -> None:
    assert units.count(4_621_033) == "4,621,033"
    assert units.size(18_484_132) == "18.48 MB"
    assert units.size(512) == "512 B"
    assert units.shape([1, 3, 640, 640]) == "1×3×640×640"
    assert units.shape([]) == "()"
    assert [units.factor(value) for value in (1.5809, 0.0012, 0.00032, 0)] == ["×1.581", "×0.001", "×0.00032", "×0.000"]
    assert [units.with_article(noun) for noun in ("int", "Linear", "OrderedDict", "ndarray")] == [
        *("an int", "a Linear", "an OrderedDict", "a ndarray")
    ]
    # 6.2 / 8.111 = 0.764; 7.6 / 7.47 = 1.017
    assert units.below_or_above(6.2, 8.111) == "24 % below"
    assert units.below_or_above(7.6, 7.47) == "2 % above"
    assert units.below_or_above(6.4, 6.41) == "the same within half a percent"


@pytest.mark.parametrize(
    ("number", "unit", "value", "difference"),
    [
        (4_621_033, Unit.things, "4,621,033", "+4,621,033"),
        (-13_900_000_000, Unit.flops, "", "-13.90 GFLOPs"),
        (1_500, Unit.bytes, "1.50 kB", "+1.50 kB"),
        (0.00531, Unit.seconds, "5.31 ms", "+5.31 ms"),
        (1.2, Unit.seconds, "1.20 s", "+1.20 s"),
        (0.25, Unit.times, "×0.250", "+0.250"),
        (-0.25, Unit.times, "", "-0.250"),
        (0, Unit.macs, "0 MACs", "0"),
    ],
)
def test_metrics_and_their_differences(number: float, unit: Unit, value: str, difference: str) -> None:
    assert units.difference(number, unit) == difference
    if number >= 0:
        assert units.measure(number, unit) == value


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([[1, 8, 4, 4]], [[1, 8, 4, 4]], "1×8×4×4"),
        ([[1, 8, 4, 4]], [[1, 8, 8, 8]], "1×8×4→8×4→8"),
        ([[1, 8, 4]], [[1, 8], [1, 3]], "1×8×4 → 1×8 and 1 more"),
        ([], [[1, 8]], "1×8"),
        ([[1, 8]], [], None),
    ],
)
def test_shapes_before_and_after(before: list[list[int]], after: list[list[int]], text: str | None) -> None:
    assert units.shapes_changed(before, after) == text


def test_only_all_of_it_is_a_hundred_percent() -> None:
    assert [units.whole_percent(share) for share in (1, 0.999, 0.5, 0, 1.2)] == [
        "100 %",
        "99 %",
        "50 %",
        "0 %",
        "120 %",
    ]
