"""Rules for blocks of Ultralytics' that no other rule fits; its ``parse_model`` is the source of each."""

from __future__ import annotations

from typing import Any

from archprof.builder.registry import Call, RowContext
from archprof.builder.rules import repeated
from archprof.errors import BuildError
from archprof.sources.settings import is_count


def classify(row: RowContext) -> Call:
    """``(c_in, classes, *rest)``: the number of classes is not scaled."""
    classes, *rest = row.arguments
    return Call((row.inputs[0], classes, *rest), classes, row.repeats)


def c3k2(row: RowContext) -> Call:
    """As a repeated block; the sizes m, l and x always use the inner C3k."""
    out, *rest = row.arguments
    if row.scale in ("m", "l", "x"):
        rest[:1] = [True]
    channels = row.scaled(out)
    return Call((row.inputs[0], channels, row.repeats, *rest), channels)


def a2c2f(row: RowContext) -> Call:
    """As a repeated block; the sizes l and x get the residual and an MLP ratio of 1.2."""
    call = repeated(row)
    extra = (True, 1.2) if row.scale in ("l", "x") else ()
    return Call((*call.arguments, *extra), call.channels)


def c2f_attn(row: RowContext) -> Call:
    """``(c_in, c_out, repeats, embedding, heads, *rest)``: the embedding is the hidden width, heads are scaled.

    Raises:
        BuildError: Where the heads are no number.
        ValueError: Where they do not divide the hidden width.
    """
    out, _, heads, *rest = row.arguments
    if not is_count(heads):
        raise BuildError(f"nh must be a whole number from 1 up, not {heads!r}")
    if heads > 1:
        heads = int(max(round(min(heads, row.max_channels // 2 // 32)) * row.width, 1))
    channels = row.scaled(out)
    hidden = int(channels * (rest[3] if len(rest) > 3 else 0.5))
    if hidden % heads:
        raise ValueError(f"{hidden} hidden channels cannot be divided among {heads} heads")
    return Call((row.inputs[0], channels, row.repeats, hidden, heads, *rest), channels)


PROTO = (256, 32)
"""Channels in the middle and of the masks, where a row does not say them."""


def of_input(row: RowContext) -> Call:
    """``(c_in, *rest)`` for a block that gives as many channels as it takes, which the row may leave out.

    Where it has them, they may be scaled already, or as a convolution's are.
    """
    first, *rest = row.arguments or (row.inputs[0],)
    if first != row.inputs[0] and type(first) is int and first > 0 and row.scaled(first) == row.inputs[0]:
        first = row.inputs[0]
    return Call((first, *rest), row.inputs[0], row.repeats)


def proto(row: RowContext) -> Call:
    """``(c_in, middle, c_out)``, the middle scaled, as Ultralytics' segmentation head has it; by default 256 and 32."""
    given: tuple[Any, ...] = row.arguments
    middle, out = given + PROTO[len(given) :]
    return Call((row.inputs[0], row.scaled(middle), out), out, row.repeats)


def hg_stem(row: RowContext) -> Call:
    """``(c_in, middle, c_out, *rest)``, not scaled."""
    middle, out, *rest = row.arguments
    return Call((row.inputs[0], middle, out, *rest), out, row.repeats)


def hg_block(row: RowContext) -> Call:
    """``(c_in, middle, c_out, kernel, repeats, *rest)``, not scaled; repeats come first where a kernel is missing."""
    arguments = [row.inputs[0], *row.arguments]
    arguments.insert(4, row.repeats)
    return Call(tuple(arguments), row.arguments[1])


def resnet_layer(row: RowContext) -> Call:
    """``(*arguments)`` as written, the input's channels among them; a bottleneck stage gives four times its width.

    Raises:
        BuildError: Where the width is no number.
    """
    width, is_first = row.arguments[1], row.arguments[3]
    if not is_count(width):
        raise BuildError(f"c2 must be a whole number from 1 up, not {width!r}")
    return Call(row.arguments, width if is_first else width * 4, row.repeats)


def batch_norm(row: RowContext) -> Call:
    """``(c_in)``: what the row says is ignored."""
    return Call((row.inputs[0],), row.inputs[0], row.repeats)


def cb_linear(row: RowContext) -> Call:
    """``(c_in, *arguments)``; several maps come out, which only a CBFuse reads, and that asks for no channels.

    Raises:
        BuildError: Where their channels are no list of numbers.
    """
    outs, *rest = row.arguments
    if not isinstance(outs, list) or not outs or not all(map(is_count, outs)):
        raise BuildError(f"c2s must be a list of whole numbers from 1 up, not {outs!r}")
    return Call((row.inputs[0], outs, *rest), sum(outs), row.repeats)


def depth_head(row: RowContext) -> Call:
    """``(middle, [channels of every input])``: a second argument, of older files, is dropped."""
    return Call((*row.arguments[:1], list(row.inputs)), row.inputs[0], row.repeats)


def torchvision_backbone(row: RowContext) -> Call:
    """``(name, weights, *rest)`` after the output channels: pretrained weights are never fetched, so there are none."""
    channels, name, _weights, *rest = (*row.arguments, None) if len(row.arguments) < 3 else row.arguments
    return Call((name, None, *rest), channels, row.repeats)
