"""How a row of a YOLOv5 file becomes a constructor call."""

from __future__ import annotations

import math
from typing import Any

from archprof.builder.registry import Call, RowContext
from archprof.errors import BuildError

BOX = 5
"""What is predicted of a box besides its class: four sides and whether there is an object."""


def anchors_of(row: RowContext) -> list[list[float]]:
    """The anchors of each map that a head reads, as widths and heights in turn, in pixels.

    A file may have their number only, for training to find them; then they are 0, 1, 2 ... as in YOLOv5.

    Raises:
        BuildError: Where they are neither.
    """
    anchors: Any = row.arguments[1] if len(row.arguments) > 1 else row.values.get("anchors")
    if type(anchors) is int and anchors > 0:
        return [list(range(2 * anchors)) for _ in row.inputs]
    if not _are_anchors(anchors) or len(anchors) != len(row.inputs):
        raise BuildError(
            f"anchors must be one list of widths and heights for each of its {len(row.inputs)} inputs, all as long, "
            f"or the number of anchors, not {anchors!r}"
        )
    return anchors  # type: ignore[no-any-return]


def _are_anchors(anchors: Any) -> bool:
    return (
        isinstance(anchors, list)
        and bool(anchors)
        and all(isinstance(pairs, list) and pairs and len(pairs) % 2 == 0 for pairs in anchors)
        and len({len(pairs) for pairs in anchors}) == 1
        and all(type(side) in (int, float) for pairs in anchors for side in pairs)
    )


def scaled(row: RowContext, channels: Any) -> int:
    """Channels at this width: up to a multiple of ``channel_multiple`` (8); those of a head's output are not scaled."""
    if not isinstance(channels, (int, float)) or not channels > 0:
        raise BuildError(f"its output channels must be a number above 0, not {channels!r}")
    anchors: Any = row.values.get("anchors")
    classes = row.values.get("nc")
    count = len(anchors[0]) // 2 if _are_anchors(anchors) else anchors
    if isinstance(count, int) and isinstance(classes, int) and channels == count * (classes + BOX):
        return int(channels)
    multiple = row.values.get("channel_multiple") or 8
    return math.ceil(channels * row.width / multiple) * multiple


def convolution(row: RowContext) -> Call:
    """``(c_in, c_out, *rest)``, the output channels scaled."""
    out = scaled(row, row.arguments[0])
    return Call((row.inputs[0], out, *row.arguments[1:]), out, row.repeats)


def repeated(row: RowContext) -> Call:
    """``(c_in, c_out, repeats, *rest)``, the output channels scaled."""
    out = scaled(row, row.arguments[0])
    return Call((row.inputs[0], out, row.repeats, *row.arguments[1:]), out)


def contraction(row: RowContext) -> Call:
    """``(gain)``: the channels grow by its square."""
    gain = row.arguments[0] if row.arguments else 2
    return Call((gain,), row.inputs[0] * gain**2, row.repeats)


def expansion(row: RowContext) -> Call:
    """``(gain)``: the channels shrink by its square."""
    gain = row.arguments[0] if row.arguments else 2
    return Call((gain,), row.inputs[0] // gain**2, row.repeats)


def detection_head(row: RowContext) -> Call:
    """``(classes, anchors, [channels of every input])``."""
    return Call((row.arguments[0], anchors_of(row), list(row.inputs)), row.inputs[0], row.repeats)


def segmentation_head(row: RowContext) -> Call:
    """``(classes, anchors, masks, prototypes, [channels of every input])``, the prototypes' channels scaled."""
    masks, prototypes = (*row.arguments[2:4], 32, 256)[:2] if len(row.arguments) < 4 else row.arguments[2:4]
    arguments = (row.arguments[0], anchors_of(row), masks, scaled(row, prototypes), list(row.inputs))
    return Call(arguments, row.inputs[0], row.repeats)
