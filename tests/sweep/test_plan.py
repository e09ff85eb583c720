from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import archprof
from archprof.builder.input_spec import InputSpec
from archprof.builder.options import Options
from archprof.cli import app
from archprof.errors import ArchprofError, UsageError
from archprof.sources.selection import Selection
from archprof.sweep.plan import Plan


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


ORIGINS = {"vary.nc": (Path("plan.toml"), 4), "vary.imgsz": (Path("plan.toml"), 5), "where[1]": (Path("plan.toml"), 2)}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"axes": {"nc": [1, 2], "imgsz": []}}, 5),
        ({"axes": {"imgsz": [32, 0], "nc": [1, 2]}}, 5),
        ({"axes": {"imgsz": [32, 64], "nc": [1, -2]}}, 4),
        ({"axes": {"imgsz": [0, 32], "nc": [1, -2]}}, 5),
        ({"where": ["nc > 1", "flopss > 1"]}, 2),
        ({"where": ["nc > 1", "torchvision > 1"]}, 2),
        ({"where": ["flopss > 1", "nc > 1"]}, None),
        ({"axes": {"nc": [1, 2], "batch": [1, -1]}}, None),
        ({"reference": "none.yaml"}, None),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(variant: Path, values: dict[str, Any], line: int | None) -> None:
    with pytest.raises(ArchprofError) as caught:
        plan(variant, **values, origins=ORIGINS)
    assert caught.value.line == line
    assert str(caught.value).startswith("plan.toml:") is (line is not None)


def test_all_scales_are_an_axis(variant: Path) -> None:
    with pytest.raises(UsageError, match="a sweep is of one scale") as caught:
        plan(variant, selection=Selection(scale="all"))
    assert caught.value.hint == "--vary scale=n,s"


def test_an_argument_may_be_called_as_a_factor_of_yamls(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\n\ndef make(depth=1, width=2):\n"
        "    return nn.Sequential(*[nn.Conv2d(3, 3, width) for _ in range(depth)])\n",
        encoding="utf-8",
    )
    result = archprof.sweep(f"{path}:make", vary={"depth": [1, 2], "width": [1, 3]}, imgsz=8)
    # A convolution of 3 to 3 channels has 3·3·K² weights and 3 biases: 12 with K = 1, 84 with K = 3.
    assert [row.figures["parameters"] for row in result.rows] == [12, 84, 24, 168]


def test_inputs_of_a_sweep_are_told_as_they_were_typed(variant: Path) -> None:
    np.savez(variant.with_name("data.npz"), x=np.zeros((1, 3, 32, 32), np.float32))
    result = CliRunner().invoke(
        app, ["sweep", "tiny.yaml", "--vary", "nc=1,2", "--input", "data.npz", "--fuse", "--format", "json"]
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["setup"] == {"reference": "tiny.yaml", "fuse": True, "inputs": ["x=data.npz"]}
    words = ["--input", "1x3x32x32", "--fuse", "--convention", "fvcore", "--dtype", "float16"]
    shown = CliRunner().invoke(app, ["sweep", "tiny.yaml", "--vary", "nc=1,2", *words])
    header = " ".join(shown.stdout.partition("variants")[0].split()).removeprefix("tiny.yaml ")
    assert header == "fuse · dtype float16 · input 1x3x32x32 · convention fvcore"


def test_whole_shapes_and_an_axis_of_sizes_are_refused_before_anything_is_counted(variant: Path) -> None:
    with pytest.raises(UsageError, match="--input gives whole shapes, so --imgsz"):
        plan(variant, axes={"imgsz": [32, 64]}, build=Options(inputs=(InputSpec(shape=(1, 3, 32, 32)),)))
