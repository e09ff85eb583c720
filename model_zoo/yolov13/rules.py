"""How YOLOv13's rows become constructor calls, and what its scales change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archprof import Call
from archprof.builder.rules import repeated

if TYPE_CHECKING:
    from archprof import RowContext

LARGE = ("l", "x")
HYPEREDGES = {"n": 0.5, "x": 1.5}
"""What the number of hyperedges is multiplied by."""


def nested(row: RowContext) -> Call:
    """As :func:`repeated`; the fourth argument, which nests a C3 in every inner block, is True at l and x."""
    call = repeated(row)
    if row.scale not in LARGE:
        return call
    return replace(call, arguments=(*call.arguments[:3], True, *call.arguments[4:]))


def area_attention(row: RowContext) -> Call:
    """As :func:`repeated`; at l and x with a residual and an MLP ratio of 1.5."""
    call = repeated(row)
    return replace(call, arguments=(*call.arguments, True, 1.5)) if row.scale in LARGE else call


def hyperace(row: RowContext) -> Call:
    """``(c1, c2, repeats, hyperedges, *rest)``; c1 is the middle map's, hyperedges go with the scale.

    Raises:
        ValueError: Where the row does not read three others.
    """
    if len(row.inputs) != 3:
        raise ValueError(f"it reads a fine, a middle and a coarse map, not {len(row.inputs)} of them")
    out = row.scaled(row.arguments[0])
    hyperedges = int(row.arguments[1] * HYPEREDGES.get(row.scale or "", 1))
    adjust = (False,) if row.scale in LARGE else ()
    arguments = (row.inputs[1], out, row.repeats, hyperedges, *row.arguments[2:], *adjust)
    return Call(arguments, out)


def downsample(row: RowContext) -> Call:
    """``(c1)``, and twice as many come out; at l and x ``(c1, False)``, and as many come out as go in."""
    channels = row.inputs[0]
    if row.scale in LARGE:
        return Call((channels, False), channels, row.repeats)
    return Call((channels,), 2 * channels, row.repeats)
