from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archprof.errors import ArchprofError, UsageError
from archprof.sources.selection import Selection
from archprof.sweep.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path


def plan(variant: Path, **values: Any) -> Plan:
    return Plan(**{"reference": variant.name, "axes": {"nc": [1, 2, 3], "imgsz": [32, 64]}, **values})


def test_every_combination_once_in_the_order_of_the_values(variant: Path) -> None:
    points = plan(variant).points()
    assert points == [{"nc": nc, "imgsz": size} for nc in (1, 2, 3) for size in (32, 64)]


def test_conditions_on_axes_leave_variants_out_before_they_are_counted(variant: Path) -> None:
    points = plan(variant, where=["imgsz > 32", "nc != 2"]).points()
    assert points == [{"nc": 1, "imgsz": 64}, {"nc": 3, "imgsz": 64}]


def test_a_sample_is_spread_evenly_and_the_same_for_a_seed(variant: Path) -> None:
    axes = {"nc": list(range(1, 17)), "imgsz": [32 * side for side in range(1, 17)]}
    points = plan(variant, axes=axes, sample=64, seed=3).points()
    assert len({(point["nc"], point["imgsz"]) for point in points}) == 64
    assert points == plan(variant, axes=axes, sample=64, seed=3).points()
    assert points != plan(variant, axes=axes, sample=64, seed=4).points()
    # 64 points in 16 columns are 4 in each if they are spread perfectly, and random ones leave some with 0 or 9.
    for name in axes:
        counts = [sum(point[name] == value for point in points) for value in axes[name]]
        assert min(counts) >= 2
        assert max(counts) <= 6


def test_a_sample_of_nearly_all_ends(variant: Path) -> None:
    assert len(plan(variant, sample=5).points()) == 5
    assert len(plan(variant, sample=50).points()) == 6


def test_a_scale_is_chosen_before_what_changes_it(variant: Path) -> None:
    sweep = plan(variant, axes={"width": [0.5, 1.5], "scale": ["n", "s"]})
    spec, _ = sweep.candidate({"width": 0.5, "scale": "s"})
    assert (spec.scale, spec.scales["s"].width, spec.scales["n"].width) == ("s", 0.5, 1.0)


def test_what_holds_for_all_variants_is_told_as_it_was_asked_for(variant: Path) -> None:
    selection = Selection(nc=7)
    sweep = plan(variant, axes={"imgsz": [32, 64]}, selection=selection, conventions=("fvcore",))
    assert sweep.setup == {"reference": "tiny.yaml", "nc": 7, "conventions": ["fvcore"]}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "nothing is varied"),
        ({"nc": [1]}, "nc varies nothing"),
        ({"classes": [1, 2]}, "unknown key 'classes'"),
        ({"row 5 args[0]": [8, 16]}, "has no row 5"),
        ({"scale": ["n", "x"]}, "x"),
        ({"imgsz": [64, 0]}, "invalid imgsz 0"),
        ({"batch": [1, True]}, "batch must be a whole number"),
        ({"dtype": ["float32", "int4"]}, "unknown dtype 'int4'"),
        ({"nc": list(range(1, 1100)), "imgsz": list(range(1, 1100))}, "more than 1,000,000"),
    ],
)
def test_a_plan_that_makes_no_sense(variant: Path, axes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchprofError, match=message):
        plan(variant, axes=axes)


def test_all_scales_are_an_axis(variant: Path) -> None:
    with pytest.raises(UsageError, match="a sweep is of one scale") as caught:
        plan(variant, selection=Selection(scale="all"))
    assert caught.value.hint == "--vary scale=n,s"
