"""What torchprofile's ``profile_macs`` says.

The rule, read from torchprofile 0.1.0 and held against it run for real by the tests: every function that torch's
tracer writes down costs what its handler says, by shapes, and nothing where there is none. Products of two tensors,
means and pooling are one an output element, and so is a product of two sizes that the model multiplies in Python,
which are tensors while the tracer watches. What a result is computed from that nobody uses is dropped by the tracer.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from archprof.count import macs
from archprof.count.conventions.subject import ToolStopsError, function_items
from archprof.count.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.count.conventions.subject import Subject
    from archprof.trace.functions import FunctionCall

    Handle = Callable[[FunctionCall], int]


def figures(subject: Subject) -> Figures:
    """What torchprofile adds up over the model's functions.

    Raises:
        ToolStopsError: Where torchprofile ends in an error.
    """
    return Figures(function_items(subject, "torchprofile", HANDLES))


def _convolution(call: FunctionCall) -> int:
    # By output elements even where transposed, which is right only without stride; and whether it is transposed is
    # guessed from the channels.
    weight, output = call.arguments[1], call.outputs[0]
    channels = weight[1] if output[1] == weight[0] else weight[0]
    return int(prod(output) * channels * prod(weight[2:]))


def _matmul(call: FunctionCall) -> int:
    left, right = call.arguments[:2]
    if len(left) == 1:
        return int(prod(right))
    if len(right) == 1:
        return int(prod(left))
    return int(prod(call.outputs[0]) * left[-1])


def _linear(call: FunctionCall) -> int:
    return int(prod(call.outputs[0]) * call.arguments[0][-1])


def _product_of(left: int) -> Handle:
    def handle(call: FunctionCall) -> int:
        return macs.matrix_product(*call.arguments[left : left + 2])

    return handle


def _baddbmm(call: FunctionCall) -> int:
    added, left, right = call.arguments[:3]
    if len(added) != 3:
        raise ToolStopsError(f"it takes what is added to have 3 dimensions, and this has {len(added)}")
    if added[1:] != (left[1], right[2]):
        raise ToolStopsError("it takes what is added to have the sizes of the product")
    return macs.matrix_product(left, right)


def _addmv(call: FunctionCall) -> int:
    return prod(call.arguments[1])


def _einsum(call: FunctionCall) -> int:
    """The product of all the sizes, however many operands there are; nothing with an ellipsis."""
    equation, shapes = call.arguments[:2]
    if "..." in equation:
        return 0
    sizes: dict[str, int] = {}
    for subscripts, shape in zip(equation.partition("->")[0].split(","), shapes, strict=False):
        sizes.update(zip(subscripts.replace(" ", ""), shape, strict=False))
    return prod(sizes.values())


def _attention(call: FunctionCall) -> int:
    return macs.attention(*call.arguments[:3])


def _lstm(call: FunctionCall) -> int:
    """Four gates, each with a product of the input and one of the hidden state, without biases."""
    output, state = call.outputs[:2]
    hidden = state[-1]
    directions = output[-1] // hidden
    layers = state[0] // directions
    widths = [call.arguments[0][-1]] + [hidden * directions] * (layers - 1)
    return int(output[0] * output[1] * directions * sum(4 * hidden * (width + hidden) for width in widths))


def _norm(weight: int) -> Handle:
    return lambda call: 0 if call.arguments[weight] is None else int(prod(call.outputs[0]))


def _per_output(call: FunctionCall) -> int:
    return prod(call.outputs[0])


def _bilinear(call: FunctionCall) -> int:
    return 4 * int(prod(call.outputs[0]))


def _grid_sampler(call: FunctionCall) -> int:
    # Its modes: 0 bilinear, 1 nearest, 2 bicubic.
    return int(prod(call.outputs[0])) * {1: 0, 2: 16}.get(call.arguments[2], 4)


_EACH_OUTPUT = """
    mul mul_ mean leaky_relu adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d
    avg_pool3d
"""

HANDLES: dict[str, Any] = {
    "aten._convolution": _convolution,
    "aten.linear": _linear,
    "aten.addmm": _product_of(1),
    "aten.addmv": _addmv,
    "aten.bmm": _product_of(0),
    "aten.baddbmm": _baddbmm,
    "aten.matmul": _matmul,
    "aten.einsum": _einsum,
    "aten.scaled_dot_product_attention": _attention,
    "aten.lstm": _lstm,
    "aten.batch_norm": _norm(1),
    "aten.instance_norm": _norm(1),
    "aten.layer_norm": _norm(2),
    "aten.group_norm": _norm(2),
    "aten.upsample_bilinear2d": _bilinear,
    "aten.grid_sampler": _grid_sampler,
    **{f"aten.{name}": _per_output for name in _EACH_OUTPUT.split()},
}
"""Function -> what torchprofile gives for one call of it."""
