"""The usual ways in which a row's arguments become a constructor call.

A rule is a pure function from a `RowContext` to a
`Call`; write your own where none of these fits.
"""

from __future__ import annotations

from dataclasses import replace

from archprof.builder.registry import Call, RowContext


def convolution(row: RowContext) -> Call:
    """``(c_in, c_out, *rest)``: the first argument is the output channels, scaled by the width."""
    out = row.scaled(row.arguments[0])
    return Call((row.inputs[0], out, *row.arguments[1:]), out, row.repeats)


def repeated(row: RowContext) -> Call:
    """``(c_in, c_out, repeats, *rest)``: as `convolution`, the block itself does the repeating."""
    out = row.scaled(row.arguments[0])
    return Call((row.inputs[0], out, row.repeats, *row.arguments[1:]), out)


def unchanged(row: RowContext) -> Call:
    """``(*arguments)`` as written; as many channels come out as go in (of the first input)."""
    return Call(row.arguments, row.inputs[0], row.repeats)


def with_channels(row: RowContext) -> Call:
    """``(c_in, *arguments)``; as many channels come out as go in."""
    return Call((row.inputs[0], *row.arguments), row.inputs[0], row.repeats)


def concatenation(row: RowContext) -> Call:
    """``(*arguments)`` as written; the channels of all inputs, added up, come out."""
    return Call(row.arguments, sum(row.inputs), row.repeats)


def leading_channels(row: RowContext) -> Call:
    """``(*arguments)`` as written; the first argument is the output channels, not scaled, and not passed on."""
    return Call(row.arguments[1:], row.arguments[0], row.repeats)


def last_input(row: RowContext) -> Call:
    """``(*arguments)`` as written; as many channels come out as go in of the last input."""
    return Call(row.arguments, row.inputs[-1], row.repeats)


def all_channels_second(row: RowContext) -> Call:
    """``(first argument, [channels of every input], *rest)``."""
    first, *rest = row.arguments
    return Call((first, list(row.inputs), *rest), row.inputs[0], row.repeats)


def all_channels_last(row: RowContext) -> Call:
    """``(*arguments, [channels of every input])``."""
    return Call((*row.arguments, list(row.inputs)), row.inputs[0], row.repeats)


def detection_head(row: RowContext) -> Call:
    """``(*arguments, reg_max, end2end, [channels of every input])``, for Ultralytics' Detect and what derives from it.

    ``reg_max`` and ``end2end`` are top-level values (16 and None where the file has none).
    """
    arguments = (*row.arguments, row.values.get("reg_max", 16), row.values.get("end2end"), list(row.inputs))
    return Call(arguments, row.inputs[0], row.repeats, legacy=not row.light_head)


def segmentation_head(row: RowContext) -> Call:
    """As `detection_head`; the third argument, the channels of the mask prototypes, is scaled."""
    classes, masks, prototypes, *rest = row.arguments
    scaled = (classes, masks, row.scaled(prototypes), *rest)
    return detection_head(replace(row, arguments=scaled))
