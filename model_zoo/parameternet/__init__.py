"""ParameterNet: GhostNet with M kernels for each convolution, and GhostNet itself, its static equivalent.

Sources: ParameterNet (arXiv 2306.14525, CVPR 2024) and the code that Huawei Noah's Ark Lab published with it;
GhostNet (arXiv 1911.11907).
"""

from __future__ import annotations

from timm.layers import make_divisible

from archprof import Call, RowContext, register
from model_zoo.dynamic import steered
from model_zoo.parameternet.blocks import GhostBottleneck, GhostClassify, convolution

FAMILY = "parameternet"


def scaled(row: RowContext, channels: float) -> int:
    """GhostNet's rounding: to the nearest multiple of 4, and never down by more than a tenth."""
    return int(make_divisible(min(channels, row.max_channels) * row.width, 4))


def convolution_rule(row: RowContext) -> Call:
    """``[channels, kernel, stride, experts]``."""
    out = scaled(row, row.arguments[0])
    return Call((row.inputs[0], out, *row.arguments[1:]), out, row.repeats)


def bottleneck_rule(row: RowContext) -> Call:
    """``[channels, expanded channels, kernel, stride, squeeze ratio, experts]``."""
    out, expanded = (scaled(row, channels) for channels in row.arguments[:2])
    return Call((row.inputs[0], out, expanded, *row.arguments[2:]), out, row.repeats)


def classify_rule(row: RowContext) -> Call:
    """``[hidden, classes]``, neither scaled by the width."""
    return Call((row.inputs[0], *row.arguments), row.arguments[1])


register("GhostConv", convolution, rule=steered(convolution_rule), family=FAMILY)
register("GhostBottleneck", GhostBottleneck, rule=steered(bottleneck_rule), family=FAMILY)
register("GhostClassify", GhostClassify, rule=classify_rule, family=FAMILY)
