"""The dialect is what the installed Ultralytics makes of a file: its own parser runs beside ours.

Whatever it builds, we build with as many parameters; what it does not build, we do not build either, or say so.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel

from archprof.builder.load import build
from archprof.errors import ArchprofError, BuildError
from archprof.sources.reference import resolve
from archprof.trace.patch_attributes import hold

if TYPE_CHECKING:
    from archprof.builder.built import Built

CASES = int(os.environ.get("ARCHPROF_FUZZ", "60"))
"""How many files are written for each of the generated tests."""

ROWS = """
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 2, C3k2, [32, False, 0.25]]
head:
  - [[0, 1], 1, Detect, [nc]]
"""


def count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def both(name: str, text: str | bytes) -> tuple[int | None, Built | ArchprofError]:
    """What Ultralytics makes of a file, in parameters, None where it raises; and what we do."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path(f"{name}.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        theirs = None
        # Its parser may raise anything, and leaves its activation behind then, for all that is built later.
        with hold({(Conv, "default_act"): Conv.default_act}), contextlib.suppress(Exception):
            theirs = count(DetectionModel(str(path), verbose=False))
        try:
            ours: Built | ArchprofError = build(resolve(str(path)))
        except ArchprofError as error:
            ours = error
    return theirs, ours


def agree(name: str, text: str | bytes) -> None:
    theirs, ours = both(name, text)
    if isinstance(ours, ArchprofError):
        assert theirs is None, f"Ultralytics builds it; {ours}"
    elif theirs is None:
        assert any("does not" in remark for remark in ours.remarks), ours.remarks
    else:
        assert count(ours.module) == theirs
        assert not any("does not" in remark for remark in ours.remarks), ours.remarks


SCALE = st.tuples(st.sampled_from([0, 0.5, 1]), st.sampled_from([0.5, 1]), st.sampled_from([16, 1024])).map(list)
NC = st.sampled_from([1, 5, 2, None, "None", 1.0, "five"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "scales": st.one_of(
        st.sampled_from([None, {}, [], False, "None"]),
        st.dictionaries(st.sampled_from(["n", "s", "m", 1, "big"]), SCALE, min_size=1, max_size=3),
    ),
    "depth_multiple": st.sampled_from([0, 0.33, 1, 2.5, -1, "deep"]),
    "width_multiple": st.sampled_from([0.25, 1, 2, "wide"]),
    "activation": st.sampled_from(
        [None, False, 0, "", "None", "nn.ReLU()", "torch.nn.LeakyReLU(0.1)", "relu", "nn.Rellu()", 3, True]
    ),
    "end2end": st.sampled_from([None, True, False, 0, 1, "None", "yes", "no", 2.0]),
    "reg_max": st.sampled_from([1, 8, 16, "None", None, 0.5]),
    "kpt_shape": st.sampled_from([None, 3, [17, 3], "seventeen"]),
    "channels": st.sampled_from([None, 1, 3, 6, "six"]),
    "ch": st.sampled_from([1, 6]),
    "scale": st.sampled_from(["n", "x", 1]),
    "task": st.sampled_from([None, 3, ["detect"]]),
    "names": st.sampled_from([{0: "person", 1: "car"}, ["person"], None]),
    "inplace": st.booleans(),
    "about": st.sampled_from([None, 1]),
    "depth": st.sampled_from([7, "deep"]),
}
NAMES = ["mine", "yolov8s_2x", "yolo11m-mine", "yolo26", "yoloe-11x"]


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(NAMES), st.fixed_dictionaries({"nc": NC}, optional=VALUES))
@example("mine", {"nc": 5, "channels": 6})
@example("yolo11m-mine", {"nc": 5})
@example("yolo11m-mine", {"nc": 5, "scales": {1: [1, 1, 64]}})
def test_any_top_level_keys(name: str, values: dict[str, Any]) -> None:
    agree(name, yaml.safe_dump(values, sort_keys=False) + ROWS)


REPEATS = st.one_of(st.integers(-1, 3), st.sampled_from([0.0, 1.0, 1.5, 3.0, True, False]))
BLOCKS = """
Conv, [16]; C2f, [16, True]; C3, [16]; C3k2, [16]; nn.Identity, []; CBAM, [16]; LightConv, [16, 3]; Proto, [16, 16]
TransformerBlock, [16, 2, 1]; ChannelAttention, [16]; LayerNorm2d, []; HGBlock, [16, 16]; Conv, [depth]; Conv, ['16']
Conv, ['1 6']; Conv, [hidden]; nn.Conv2d, [16, 16, reg_max, 1, '8']
"""


@settings(max_examples=CASES, deadline=None)
@given(REPEATS, st.sampled_from(BLOCKS.strip().replace("\n", "; ").split("; ")))
def test_any_repeats_of_any_block(repeats: float, block: str) -> None:
    rows = f"backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, {str(repeats).lower()}, {block}]\n"
    agree("mine", f"nc: 5\nhidden: 16\n{rows}head:\n  - [[0, 1], 1, Detect, [nc]]\n")


TEXT = f"nc: 5 # {{}}\n{ROWS}"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.format("通道").encode("gbk"),
        TEXT.format("通道").encode("utf-16"),
        TEXT.format("channels").encode("utf-16-le"),
        TEXT.format("通道").encode("utf-8-sig"),
        TEXT.format("a \x07 bell").encode(),
        TEXT.format("\x00\x1b\x7f\ufffe").encode(),
        b"base: &base {nc: 5, reg_max: 8}\n<<: *base\nreg_max: 4\n" + ROWS.encode(),
    ],
    ids=["gbk", "utf-16", "utf-16-le", "utf-8-sig", "bell", "control", "merge"],
)
def test_files_in_other_encodings(data: bytes) -> None:
    theirs, ours = both("mine", data)
    assert theirs is not None
    assert not isinstance(ours, ArchprofError), ours
    assert count(ours.module) == theirs


# One row each, at width 1, behind a Conv that gives 16 channels. The arithmetic is that of the constructors.
UNKNOWN = {
    # fc: 16 · 16 + 16; the spatial half has one 7 × 7 convolution of two maps, 98.
    "CBAM, [16]": (272 + 98, 16),
    "CBAM, []": (272 + 98, 16),
    "ChannelAttention, [16]": (272, 16),
    "SpatialAttention, [7]": (98, 16),
    "LayerNorm2d, []": (32, 16),
    # A 1 × 1 convolution to 32 with its norm, 16 · 32 + 64, and a depthwise 3 × 3 with its norm, 9 · 32 + 64.
    "LightConv, [32, 3]": (576 + 352, 32),
    # 3 × 3 to 24 with norm, a transposed 2 × 2 with bias, 3 × 3 with norm, 1 × 1 to 8 with norm.
    "Proto, [24, 8]": (9 * 16 * 24 + 48 + 4 * 24 * 24 + 24 + 9 * 24 * 24 + 48 + 24 * 8 + 16, 8),
    # A linear layer and its bias, and in the one layer q, k, v (256 each), the attention's four projections with
    # biases (4 · 272), and two more linear layers (256 each).
    "TransformerBlock, [16, 2, 1]": (16 * 16 + 16 + 3 * 256 + 4 * 272 + 2 * 256, 16),
}


@pytest.mark.parametrize("block", UNKNOWN)
def test_a_block_that_its_parser_does_not_know_is_built_as_meant(block: str) -> None:
    rows = f"backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, {block}]\n  - [-1, 1, Conv, [8, 1]]\n"
    theirs, ours = both("mine", f"nc: 5\n{rows}head:\n  - [[0, 2], 1, Detect, [nc]]\n")
    assert theirs is None
    assert not isinstance(ours, ArchprofError), ours
    parameters, channels = UNKNOWN[block]
    assert count(ours.module.model[1]) == parameters
    assert ours.module.model[2].conv.in_channels == channels
    name = block.partition(",")[0]
    (remark,) = ours.remarks
    assert f"does not know {name} in a YAML (KeyError, row 1); it is built here as it was meant" in remark


def test_channels_of_a_width_that_is_scaled() -> None:
    scales = "scales: {n: [1, 0.25, 1024]}\n"
    text = "nc: 5\n{}backbone: [[-1, 1, Conv, [64, 3, 2]], [-1, 1, CBAM, [{}]]]\nhead: [[[0, 1], 1, Detect, [nc]]]\n"
    built = [both("mine", text.format(scales, channels))[1] for channels in (64, 16)]
    assert [count(ours.module.model[1]) for ours in built] == [370, 370]  # type: ignore[union-attr]


def test_without_classes() -> None:
    theirs, ours = both("mine", ROWS)
    assert theirs is None
    assert isinstance(ours, BuildError)
    assert (ours.line, ours.message) == (6, "row 2: Detect needs the number of classes, and the file has no nc")


def test_the_scale_that_the_name_asks_for() -> None:
    rows = "backbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 1, Conv, [128, 3, 2]]\n  - [-1, 3, C2f, [128, True]]\n"
    scales = "scales: {n: [0.33, 0.25, 1024], s: [0.33, 0.5, 1024], x: [1.0, 1.25, 512]}\n"
    text = f"nc: 5\n{scales}{rows}head:\n  - [[0, 1, 2], 1, Detect, [nc]]\n"
    theirs, ours = both("yolov8s_2x", text)
    assert not isinstance(ours, ArchprofError), ours
    assert count(ours.module) == theirs == 339_167
