"""What fvcore's ``FlopCountAnalysis`` says, in its "flops", which are multiply-accumulates and a few others.

The rule, read from fvcore 0.1.5 and held against it run for real by the tests: every function that torch's tracer
writes down costs what its handle in fvcore says, by shapes, and nothing where there is no handle.
``scaled_dot_product_attention``, ``baddbmm``, every activation and every other arithmetic has none. What a result is
computed from that nobody uses is dropped by the tracer.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from archprof.count.conventions.subject import ToolStopsError, function_items
from archprof.count.figures import Figures
from archprof.count.macs import convolution

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.count.conventions.subject import Subject
    from archprof.trace.functions import FunctionCall

    Handle = Callable[[FunctionCall], int]


def figures(subject: Subject) -> Figures:
    """What fvcore adds up over the model's functions.

    Raises:
        ToolStopsError: Where fvcore ends in an error, as it does on a product with a vector on the right.
    """
    if refusal := subject.functions.refusal:
        raise ToolStopsError(f"fvcore itself stops at what the model gives back: {refusal}")
    return Figures(function_items(subject, "fvcore", HANDLES))


def _convolution(call: FunctionCall) -> int:
    input_, weight = call.arguments[:2]
    return convolution(input_, weight, call.outputs[0], transposed=call.arguments[6])


def _linear(call: FunctionCall) -> int:
    input_, weight = call.arguments[:2]
    return int(prod(input_) * weight[0])


def _addmm(call: FunctionCall) -> int:
    left, right = call.arguments[1:3]
    return int(prod(left) * right[-1])


def _matmul(call: FunctionCall) -> int:
    # Short where the right operand has more leading dimensions than the left, which is not broadcast first.
    left, right = call.arguments[:2]
    if len(right) < 2:
        raise ToolStopsError("it reads the last but one size of the right operand, which a vector has not")
    return int(prod(left) * right[-1])


def _einsum(call: FunctionCall) -> int:
    """Half of what numpy says that the best order of contraction costs, which is printed with four digits."""
    import numpy

    equation, shapes = call.arguments[:2]
    # Two forms are worked out from the sizes, so without rounding; the letters do not matter.
    if _form(equation) in ("abc,abd->acd", "abc,adc->adb"):
        letters = dict(zip("".join(equation.replace(" ", "").split("->")[0].split(",")), sum(shapes, ()), strict=True))
        return prod(letters.values())
    stand_ins = [numpy.broadcast_to(0.0, shape) for shape in shapes]
    report = str(numpy.einsum_path(equation.replace(" ", ""), *stand_ins, optimize="optimal")[1])
    line = next(line for line in report.splitlines() if "optimized flop" in line.lower())
    return int(float(line.rpartition(":")[2]) // 2)


def _form(equation: str) -> str:
    """An einsum's equation with its letters renamed a, b, c ... as they appear."""
    plain = equation.replace(" ", "")
    letters = dict.fromkeys(letter for letter in plain if letter.isalpha())
    return plain.translate({ord(letter): ord("a") + index for index, letter in enumerate(letters)})


def _batch_norm(call: FunctionCall) -> int:
    if call.arguments[5]:
        return _norm(1)(call)  # in training the statistics are worked out too
    return int(prod(call.arguments[0])) * (1 if call.arguments[1] is None else 2)


def _norm(weight: int) -> Handle:
    def handle(call: FunctionCall) -> int:
        shape = call.arguments[0]
        if not 2 <= len(shape) <= 5:
            raise ToolStopsError(f"it takes inputs of 2 to 5 dimensions, and this one has {len(shape)}")
        return int(prod(shape)) * (4 if call.arguments[weight] is None else 5)

    return handle


def _per_input(call: FunctionCall) -> int:
    return prod(call.arguments[0])


def _per_output(factor: int) -> Handle:
    return lambda call: factor * prod(call.outputs[0])


HANDLES: dict[str, Any] = {
    "aten._convolution": _convolution,
    "aten.linear": _linear,
    "aten.addmm": _addmm,
    "aten.mm": _matmul,
    "aten.bmm": _matmul,
    "aten.matmul": _matmul,
    "aten.einsum": _einsum,
    "aten.batch_norm": _batch_norm,
    "aten.instance_norm": _norm(1),
    "aten.layer_norm": _norm(2),
    "aten.group_norm": _norm(2),
    "aten.adaptive_avg_pool2d": _per_input,
    "aten.upsample_nearest2d": _per_output(1),
    "aten.upsample_bilinear2d": _per_output(4),
    "aten.grid_sampler": _per_output(4),
}
"""Function -> what fvcore gives for one call of it."""
