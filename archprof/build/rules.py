"""The usual ways in which a row's arguments become a constructor call.

A rule is a pure function from a :class:`~archprof.build.registry.RowContext` to a
:class:`~archprof.build.registry.Call`; write your own where none of these fits.
"""

from __future__ import annotations

from archprof.build.registry import Call, RowContext


def convolution(row: RowContext) -> Call:
    """``(c_in, c_out, *rest)``: the first argument is the output channels, scaled by the width."""
    out = row.scaled(row.arguments[0])
    return Call((row.inputs[0], out, *row.arguments[1:]), out, row.repeats)


def repeated(row: RowContext) -> Call:
    """``(c_in, c_out, repeats, *rest)``: as :func:`convolution`, the block itself does the repeating."""
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
