"""Files in the dialect of YOLOv5's own repository, written here, have the figures that YOLOv5's own code prints.

Published: the table of YOLOv5 v7.0's README, and ``python models/yolo.py --cfg FILE`` of the same repository, at 80
classes. Modules are ``len(list(model.modules()))``, as it counts them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from archprof.builder.load import build
from archprof.builder.options import Options
from archprof.errors import BuildError
from archprof.pipeline.counting import profile_spec
from archprof.sources import yaml_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

ANCHORS = "[[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]"


def stage(channels: int, repeats: int, block: str = "C3", convolution: str = "Conv") -> list[str]:
    return [f"[-1, 1, {convolution}, [{channels}, 3, 2]]", f"[-1, {repeats}, {block}, [{channels}]]"]


def up(channels: int, skip: int, block: str, convolution: str) -> list[str]:
    return [
        f"[-1, 1, {convolution}, [{channels}, 1, 1]]",
        "[-1, 1, nn.Upsample, [None, 2, nearest]]",
        f"[[-1, {skip}], 1, Concat, [1]]",
        f"[-1, 3, {block}, [{channels}, False]]",
    ]


def down(channels: int, skip: int, block: str, convolution: str) -> list[str]:
    return [
        f"[-1, 1, {convolution}, [{channels}, 3, 2]]",
        f"[[-1, {skip}], 1, Concat, [1]]",
        f"[-1, 3, {block}, [{2 * channels}, False]]",
    ]


def yolov5(
    head: str = "Detect, [nc, anchors]",
    *,
    depth: float = 0.33,
    width: float,
    block: str = "C3",
    last: str | None = None,
    convolution: str = "Conv",
    more: str = "",
) -> str:
    """The network of YOLOv5 v6 and v7: a backbone of four stages, up to stride 8 and down to 32 again."""
    backbone = [
        "[-1, 1, Conv, [64, 6, 2, 2]]",
        *stage(128, 3, block, convolution),
        *stage(256, 6, block, convolution),
        *stage(512, 9, block, convolution),
        *stage(1024, 3, last or block, convolution),
        "[-1, 1, SPPF, [1024, 5]]",
    ]
    neck = [*up(512, 6, block, convolution), *up(256, 4, block, convolution)]
    neck += [*down(256, 14, block, convolution), *down(512, 10, block, convolution)]
    return "\n".join(
        [
            "nc: 80",
            f"depth_multiple: {depth}",
            f"width_multiple: {width}",
            f"anchors: {ANCHORS}",
            more,
            f"backbone: [{', '.join(backbone)}]",
            f"head: [{', '.join(neck)}, [[17, 20, 23], 1, {head}]]",
        ]
    )


def tiny() -> str:
    """YOLOv3-tiny: seven convolutions with pooling between them, and two maps."""
    pool = "[-1, 1, nn.MaxPool2d, [2, 2, 0]]"
    backbone = [part for width in (16, 32, 64, 128, 256) for part in (f"[-1, 1, Conv, [{width}, 3, 1]]", pool)]
    backbone += [
        "[-1, 1, Conv, [512, 3, 1]]",
        "[-1, 1, nn.ZeroPad2d, [[0, 1, 0, 1]]]",
        "[-1, 1, nn.MaxPool2d, [2, 1, 0]]",
    ]
    head = [f"[-1, 1, Conv, [{width}, {kernel}, 1]]" for width, kernel in ((1024, 3), (256, 1), (512, 3))]
    head += ["[-2, 1, Conv, [128, 1, 1]]", "[-1, 1, nn.Upsample, [None, 2, nearest]]", "[[-1, 8], 1, Concat, [1]]"]
    head += ["[-1, 1, Conv, [256, 3, 1]]", "[[19, 15], 1, Detect, [nc, anchors]]"]
    anchors = "[[10, 14, 23, 27, 37, 58], [81, 82, 135, 169, 344, 319]]"
    multiples = "depth_multiple: 1.0\nwidth_multiple: 1.0"
    return f"nc: 80\n{multiples}\nanchors: {anchors}\nbackbone: [{', '.join(backbone)}]\nhead: [{', '.join(head)}]\n"


def darknet() -> str:
    """YOLOv3: Darknet-53 and three maps."""
    backbone = ["[-1, 1, Conv, [32, 3, 1]]"]
    for width, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        backbone += [f"[-1, 1, Conv, [{width}, 3, 2]]", f"[-1, {repeats}, Bottleneck, [{width}]]"]
    head = ["[-1, 1, Bottleneck, [1024, False]]"]
    head += [f"[-1, 1, Conv, [{width}, {kernel}, 1]]" for width, kernel in ((512, 1), (1024, 3), (512, 1), (1024, 3))]
    head += ["[-2, 1, Conv, [256, 1, 1]]", "[-1, 1, nn.Upsample, [None, 2, nearest]]", "[[-1, 8], 1, Concat, [1]]"]
    head += ["[-1, 1, Bottleneck, [512, False]]"] * 2
    head += ["[-1, 1, Conv, [256, 1, 1]]", "[-1, 1, Conv, [512, 3, 1]]", "[-2, 1, Conv, [128, 1, 1]]"]
    head += ["[-1, 1, nn.Upsample, [None, 2, nearest]]", "[[-1, 6], 1, Concat, [1]]"]
    head += ["[-1, 1, Bottleneck, [256, False]]", "[-1, 2, Bottleneck, [256, False]]"]
    head += ["[[27, 22, 15], 1, Detect, [nc, anchors]]"]
    return f"nc: 80\nanchors: {ANCHORS}\nbackbone: [{', '.join(backbone)}]\nhead: [{', '.join(head)}]\n"


# (the file, modules, parameters, parameters once fused)
PUBLISHED = {
    "yolov5n": (yolov5(width=0.25), 214, 1_872_157, 1_867_405),
    "yolov5s": (yolov5(width=0.5), 214, 7_235_389, 7_225_885),
    "yolov5m": (yolov5(depth=0.67, width=0.75), 291, 21_190_557, 21_172_173),
    "yolov5l": (yolov5(depth=1.0, width=1.0), 368, 46_563_709, 46_533_693),
    "yolov5x": (yolov5(depth=1.33, width=1.25), 445, 86_749_405, 86_705_005),
    "yolov5n-seg": (yolov5("Segment, [nc, anchors, 32, 256]", width=0.25), 225, 1_991_549, 1_986_637),
    "yolov5s-seg": (yolov5("Segment, [nc, anchors, 32, 256]", width=0.5), 225, 7_621_277, 7_611_485),
    "yolov5s-transformer": (yolov5(width=0.5, last="C3TR"), 217, 7_235_645, 7_226_653),
    "yolov5s-LeakyReLU": (yolov5(width=0.5, more="activation: nn.LeakyReLU(0.1)"), 214, 7_235_389, 7_225_885),
    "yolov3-tiny": (tiny(), 49, 8_852_366, 8_849_182),
    "yolov3": (darknet(), 262, 61_949_149, 61_922_845),
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_figures_of_its_own_code(write: Write, name: str) -> None:
    text, modules, parameters, fused = PUBLISHED[name]
    spec = yaml_file.load(write(text, f"{name}.yaml"))
    built = build(spec)
    assert (len(list(built.module.modules())), count(built.module)) == (modules, parameters)
    assert count(build(spec, fuse=True).module) == fused
    assert built.task == ("segment" if "seg" in name else "detect")
    assert built.strides == ((16, 32) if name == "yolov3-tiny" else (8, 16, 32))
    (remark,) = built.remarks
    assert "does not build files whose head gets anchors (TypeError); this one is built as YOLOv5's own" in remark


def test_its_gflops(write: Write) -> None:
    """The README's table has 4.5 B for yolov5n and 16.5 B for yolov5s at 640 pixels: thop's, of the fused model."""
    for width, published in ((0.25, 4.5), (0.5, 16.5)):
        profile = profile_spec(yaml_file.load(write(yolov5(width=width))), Options(fuse=True), ["thop-2.0"])
        reported = profile.reported["thop-2.0"].gflops
        assert reported is not None
        assert round(reported, 1) == pytest.approx(published, abs=0.11)
        # 3 anchors on 80², 40² and 20² cells; 4 sides, an objectness and 80 classes.
        assert profile.layers[-1].output_shapes[0] == [1, 3 * (80**2 + 40**2 + 20**2), 85]


def test_the_family_is_told_by_the_head_not_by_the_name(write: Write) -> None:
    stock = "nc: 80\nbackbone: [[-1, 1, Conv, [16, 3, 2]]]\nhead: [[[0], 1, Detect, [nc]]]\n"
    assert yaml_file.load(write(yolov5(width=0.25), "net.yaml")).family == "yolov5"
    assert yaml_file.load(write(stock, "yolov5n-mine.yaml")).family == "ultralytics"


SMALL = """
nc: 2
anchors: [[8, 16, 32, 32]]
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - {row}
head:
  - [[1], 1, Detect, [nc, anchors]]
"""

# Behind a Conv that gives 8 channels, with the norm of each Conv: (parameters, channels out).
ROWS = {
    # Four times the channels in, 3 × 3 to 16.
    "[-1, 1, Focus, [16, 3]]": (32 * 16 * 9 + 32, 16),
    # 1 × 3 to 16, then 3 × 1.
    "[-1, 1, CrossConv, [16, 3]]": (8 * 16 * 3 + 32 + 16 * 16 * 3 + 32, 16),
    # Halves of 16: 1 × 1 and 3 × 3 kernels, in groups of gcd(8, 8) = 8: 8 · 1 and 8 · 9 weights; one norm.
    "[-1, 1, MixConv2d, [16]]": (8 + 72 + 32, 16),
    # c ∝ 1/k²: 1 : 1/9 of 20 are 18 and 2; groups gcd(8, 18) = 2 and gcd(8, 2) = 2: 4 · 18 and 4 · 2 · 9.
    "[-1, 1, MixConv2d, [20, [1, 3], 1, False]]": (4 * 18 + 4 * 2 * 9 + 40, 20),
    "[-1, 1, Contract, [2]]": (0, 32),
    "[-1, 1, Expand, [2]]": (0, 2),
    # 1 × 1 and 1 × 1 to 8, the pyramid 8 -> 4 -> 4 · 4 -> 8, and 1 × 1 from 16 to 16.
    "[-1, 1, C3SPP, [16]]": (2 * (64 + 16) + (32 + 8) + (16 * 8 + 16) + (256 + 32), 16),
    # 1 × 1 to 8, a plain 1 × 1 of the input and one of the inner part, a norm of 16, 1 × 1 to 16; the bottleneck inside
    # has 1 × 1 and 3 × 3 on 8 channels.
    "[-1, 1, BottleneckCSP, [16]]": (64 + 16 + 64 + 64 + 32 + 256 + 32 + 64 + 16 + 576 + 16, 16),
    "[-1, 1, Bottleneck, [16, False]]": (8 * 8 + 16 + 9 * 8 * 16 + 32, 16),
    # Its cv1 is 3 × 1 behind 1 × 3 here: 1 × 3 · 64 each way, twice 8 norms, and the C3's three 1 × 1.
    "[-1, 1, C3x, [16]]": (2 * (3 * 64 + 16) + 2 * (64 + 16) + 256 + 32, 16),
    "[-1, 1, nn.Identity, []]": (0, 8),
}


@pytest.mark.parametrize("row", ROWS)
def test_its_blocks(write: Write, row: str) -> None:
    parameters, channels = ROWS[row]
    text = "channel_multiple: 4\n" + SMALL.format(row=row)
    module: Any = build(yaml_file.load(write(text)), device="cpu").module
    assert count(module.model[1]) == parameters
    # Two anchors, each with 4 sides, an objectness and 2 classes: 14 outputs of a 1 × 1 convolution with bias.
    assert count(module.model[2]) == 14 * channels + 14
    with torch.no_grad():
        boxes, raw = module(torch.rand(1, 3, 64, 64))
    assert boxes.shape == (1, math.prod(raw.shape[1:4]), 7)


def test_boxes_come_out_where_the_anchors_are(write: Write) -> None:
    """With weights and biases of zero every σ is ½: a box at the middle of its cell, as large as its anchor."""
    module: Any = build(yaml_file.load(write(SMALL.format(row="[-1, 1, nn.Identity, []]"))), device="cpu").module
    with torch.no_grad():
        for parameter in module.model[2].parameters():
            parameter.zero_()
        boxes, raw = module(torch.rand(1, 3, 64, 64))
    assert (boxes.shape, raw.shape) == ((1, 2 * 32 * 32, 7), (1, 2, 32, 32, 7))
    # Stride 2: the middle of cell (0, 0) is at (1, 1), of the 33rd in the second row at (1, 3).
    assert boxes[0, 0].tolist() == pytest.approx([1, 1, 8, 16, 0.5, 0.5, 0.5])
    assert boxes[0, 32].tolist() == pytest.approx([1, 3, 8, 16, 0.5, 0.5, 0.5])
    assert boxes[0, 32 * 32 + 1].tolist() == pytest.approx([3, 1, 32, 32, 0.5, 0.5, 0.5])


def test_a_number_of_anchors_and_channels_of_its_own(write: Write) -> None:
    text = SMALL.format(row="[-1, 1, Conv, [16]]").replace("[[8, 16, 32, 32]]", "3") + "ch: 1\n"
    built = build(yaml_file.load(write(text)))
    module: Any = built.module
    assert (built.channels, module.model[0].conv.in_channels) == (1, 1)
    assert module.model[2].m[0].out_channels == 3 * 7


def test_the_channels_of_an_output_are_not_scaled(write: Write) -> None:
    """Two anchors of 7 outputs are 14 channels, which a Conv keeps at any width; 16 become 8."""
    text = "width_multiple: 0.5\n" + SMALL.format(row="[-1, 1, Conv, [14]]")
    module: Any = build(yaml_file.load(write(text))).module
    assert (module.model[0].conv.out_channels, module.model[1].conv.out_channels) == (8, 14)


@pytest.mark.parametrize("anchors", ["[[8, 16], [1, 2]]", "[[8, 16, 32]]", "[8, 16]", "none", "[]"])
def test_anchors_that_are_none(write: Write, anchors: str) -> None:
    text = SMALL.format(row="[-1, 1, Conv, [16]]").replace("[[8, 16, 32, 32]]", anchors)
    with pytest.raises(BuildError, match="row 2: Detect: anchors must be one list of widths and heights"):
        build(yaml_file.load(write(text)))


def test_scales_that_yolov5_ignores_are_said(write: Write) -> None:
    text = yolov5(width=1.0, more="scales: {n: [0.33, 0.25, 1024]}")
    built = build(yaml_file.load(write(text)))
    # Scale n has the multiples of yolov5n; YOLOv5's own code reads the file's, and builds yolov5l's widths.
    assert sum(parameter.numel() for parameter in built.module.parameters()) == 1_872_157
    assert any("which ignores `scales:` though: this is scale n" in remark for remark in built.remarks)
