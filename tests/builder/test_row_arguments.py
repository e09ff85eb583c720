"""An argument that a block does not take is named as its constructor has it, with its value and what is valid."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from archprof.builder.options import Options
from archprof.builder.row_arguments import wrong_argument
from archprof.errors import ArchprofError
from archprof.pipeline.counting import profile_spec
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

COUNT = "a whole number from 1 up"
PADDING = "a whole number from 0 up, 'same' or 'valid'"
MODES = "nearest, nearest-exact, bilinear, bicubic, area, linear, trilinear or lanczos"
NO_NUMBER = ["a", "[1, b]", "{x: 1}"]

# A block with one argument left open, the name of that argument, what is valid, and what is not, besides what is no
# number. The row reads 16 channels.
ROWS = {
    "Conv, [32, {}]": ("k", COUNT, [-1, 1.5]),
    "Conv, [32, 3, {}]": ("s", COUNT, [0, -1, 1.5]),
    "Conv, [32, 3, 1, {}]": ("p", PADDING, [-1, 1.5]),
    "Conv, [32, 3, 1, null, {}]": ("g", COUNT, [0, -1, 1.5]),
    "C3k2, [32, False, {}]": ("e", "a number above 0", [-1]),
    "SPPF, [32, {}]": ("k", COUNT, [0, -1, 1.5]),
    "SPP, [32, {}]": ("k", "a list of whole numbers from 1 up", [0, -1, 3]),
    "DWConv, [32, {}]": ("k", COUNT, [-1, 1.5]),
    "Bottleneck, [32, True, {}]": ("g", COUNT, [0, -1, 1.5]),
    "AIFI, [1024, {}]": ("num_heads", COUNT, [0, -1, 1.5]),
    "HGBlock, [16, 32, {}]": ("k", COUNT, [0, -1]),
    "RepNCSPELAN4, [32, 32, {}, 1]": ("c4", COUNT, [-1, 1.5]),
    "ConvTranspose, [32, {}]": ("k", COUNT, [-1, 1.5]),
    "nn.Conv2d, [16, 32, {}]": ("kernel_size", COUNT, [-1, 1.5]),
    "nn.MaxPool2d, [{}]": ("kernel_size", COUNT, [0, -1, 1.5]),
    "nn.Linear, [16, {}]": ("out_features", COUNT, [0, -1, 1.5, [1]]),
    "ELAN1, [32, {}, 16]": ("c3", COUNT, [0, -1, 1.5, [1]]),
    "HGStem, [{}, 32]": ("cm", COUNT, [0, -1, 1.5, [1]]),
    "CBLinear, [{}]": ("c2s", "a list of whole numbers from 1 up", [0, -1, 3, None]),
    "C2fAttn, [16, 16, {}]": ("nh", COUNT, [0, -1, 1.5, None, [1]]),
    "nn.LayerNorm, [{}]": ("normalized_shape", COUNT, [0, -1, 1.5, None]),
    "nn.AdaptiveAvgPool2d, [{}]": ("output_size", "a whole number from 0 up, or one for each side", [-1, 1.5]),
    "nn.Upsample, [null, 2, {}]": ("mode", MODES, [0, "nearst"]),
    "nn.Upsample, [null, {}]": ("scale_factor", "a number above 0", [0, -1]),
}
CASES = [
    pytest.param(row, name, expected, value, id=row.format(value))
    for row, (name, expected, values) in ROWS.items()
    for value in (*NO_NUMBER, *values)
]


def refusal(folder: Path, row: str) -> ArchprofError:
    """What is said of a variant whose second row, on line 4, is the given one."""
    path = folder / "net.yaml"
    text = f"nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, {row}]\nhead:\n  - [-1, 1, Classify, [nc]]\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArchprofError) as caught:
        profile_spec(load(path), Options(size=(64, 64)))
    return caught.value


@pytest.mark.parametrize(("row", "name", "expected", "value"), CASES)
def test_the_argument_is_named(tmp_path: Path, row: str, name: str, expected: str, value: object) -> None:
    value = "null" if value is None else value
    error = refusal(tmp_path, row.format(value))
    shown = {"a": "'a'", "nearst": "'nearst'", "null": "None", "[1, b]": "[1, 'b']", "{x: 1}": "{'x': 1}"}.get(
        str(value), str(value)
    )
    assert (error.path, error.line) == (tmp_path / "net.yaml", 4)
    assert error.message.startswith(f"row 1: {row.partition(',')[0]}")
    assert error.message.endswith(f": {name} must be {expected}, not {shown}")
    assert error.hint  # what was raised


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Conv, [32, 3, 1, null, 3]", "row 1: Conv: g must be a divisor of the channels, 16 and 32, not 3"),
        ("nn.Conv2d, [16, 32, 3, 1, 1, 1, 5]", "groups must be a divisor of the channels, 16 and 32, not 5"),
        ("AIFI, [1024, 3]", "num_heads must be a value that fits, as 8 does, not 3"),  # 16 channels, 3 heads
        ("C2PSA, [32]", "C2PSA cannot be built from [32]: as many channels must come out of it (c2) as go in (c1)"),
        ("Conv, [a]", "its output channels must be a number above 0, not 'a'"),
    ],
)
def test_what_does_not_fit_with_the_others(tmp_path: Path, row: str, message: str) -> None:
    assert message in refusal(tmp_path, row).message


@pytest.mark.parametrize(
    ("row", "near"),
    [("nn.Upsample, [null, 2, nearst]", "nearest"), ("Conv, [32, nk]", None), ("nn.Conv2d, [16, cn, 3]", "nc")],
)
def test_the_nearest_valid_name_is_said(tmp_path: Path, row: str, near: str | None) -> None:
    hint = (refusal(tmp_path, row).hint or "").splitlines()[0]
    assert (hint == f"did you mean {near}?") is (near is not None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        # The channels that go in come from the row above; of the others a Conv takes c2, k, s, p, g, d and act.
        ("Conv, [32, 3, 1, 1, 1, 1, True, 7, 8]", "row 1: Conv: too many arguments: 9, and at most 7 are taken"),
        ("nn.Conv2d, [16]", "row 1: nn.Conv2d: too few arguments: 1, and at least 3 are needed"),
        ("CBLinear, []", "row 1: CBLinear cannot be built from []: too few arguments"),
    ],
)
def test_the_number_of_arguments(tmp_path: Path, row: str, message: str) -> None:
    error = refusal(tmp_path, row)
    assert error.message == message
    assert " takes (" in (error.hint or "")


@pytest.mark.parametrize(
    ("block", "arguments"), [("Concat", "1"), ("Detect", "nc"), ("CBFuse", "[0]"), ("RTDETRDecoder", "nc")]
)
def test_a_block_that_takes_a_list_of_rows(tmp_path: Path, block: str, arguments: str) -> None:
    error = refusal(tmp_path, f"{block}, [{arguments}]")
    assert error.line == 4
    assert (
        error.message == f"row 1: {block} takes a list of rows, and from is -1: write [-1], or the rows that it joins"
    )


@pytest.mark.parametrize("block", ["Conv, [32]", "C2f, [32]", "nn.Upsample, [null, 2]", "SPPF, [32]", "CBAM, []"])
def test_a_block_that_takes_one_row(tmp_path: Path, block: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        f"nc: 2\nbackbone:\n  - [-1, 1, Conv, [16]]\n  - [[-1, 0], 1, {block}]\nhead: [[-1, 1, Classify, [nc]]]\n"
    )
    with pytest.raises(ArchprofError) as caught:
        profile_spec(load(path), Options(size=(64, 64)))
    name = block.partition(",")[0]
    assert caught.value.message == f"row 1: {name} takes one row, and from is [-1, 0]: write -1"


def test_the_line_of_a_wrong_top_level_value(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "family: yolov13\nrouter: liner\nbackbone:\n  - [-1, 1, DynamicConv, [16, 3, 2]]\n", encoding="utf-8"
    )
    with pytest.raises(ArchprofError, match=r"router must be .*, not 'liner'") as caught:
        profile_spec(load(path), Options(size=(64, 64)))
    assert caught.value.line == 2
    with pytest.raises(ArchprofError) as caught:
        profile_spec(load(path).with_values({"router": "mpl"}), Options(size=(64, 64)))
    assert caught.value.line == 4  # what an option says stands in no line


def test_a_row_that_runs_and_spoils_a_later_one_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, "C3k2, [32, False, 0]")  # no channels come out of it
    assert error.line == 6
    assert error.hint is not None
    assert "row 1 (line 4): C3k2: e must be a number above 0, not 0" in error.hint


def test_what_cannot_be_told_is_left_alone() -> None:
    def block(first: int, rest: object = None, *more: int) -> nn.Module:
        raise ValueError

    assert wrong_argument(block, (1, {"any": "thing"}, -1)) is None
    assert wrong_argument(block, ()) is None  # one is missing
    assert wrong_argument(dict.fromkeys, (1,), partial(block, 1)) is None  # type: ignore[arg-type]
