"""What operators compute, for the few small values that steer shapes: by NumPy's functions of the same meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx.numpy_helper

from archprof.trace.onnx_graph.small_tensors import ELEMENTS, KINDS, Array, constant

Rule = Callable[[dict[str, Any], list[Array]], list[Array]]
"""Gives the results, of an operator's attributes and the values that it reads."""

RULES: dict[str, Rule] = {}


def _register(*names: str) -> Callable[[Rule], Rule]:
    def add(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


def _elementwise(name: str, function: Callable[..., Any]) -> None:
    def rule(_: dict[str, Any], values: list[Array]) -> list[Array]:
        return [np.asarray(function(*values), dtype=getattr(values[0], "dtype", None))]

    RULES[name] = rule


def _compared(name: str, function: Callable[..., Any]) -> None:
    RULES[name] = lambda _, values: [np.asarray(function(*values), np.bool_)]


def _divide(left: Array, right: Array) -> Array:
    """Whole numbers are divided towards zero, as in C."""
    if not np.issubdtype(left.dtype, np.integer):
        return np.divide(left, right)
    if not np.all(right):
        raise ZeroDivisionError
    quotient = np.abs(left) // np.abs(right)
    return np.where((left < 0) ^ (right < 0), -quotient, quotient)


def _power(base: Array, exponent: Array) -> Array:
    return np.power(base.astype(np.float64), exponent.astype(np.float64))


for _name, _function in {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _divide,
    "Pow": _power,
    "Neg": np.negative,
    "Abs": np.abs,
    "Sqrt": np.sqrt,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Relu": lambda value: np.maximum(value, 0),
    "Exp": np.exp,
    "Log": np.log,
    "Reciprocal": np.reciprocal,
    "Sign": np.sign,
    "Identity": np.array,
}.items():
    _elementwise(_name, _function)
for _name, _function in {
    "Equal": np.equal,
    "Less": np.less,
    "Greater": np.greater,
    "LessOrEqual": np.less_equal,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Not": np.logical_not,
}.items():
    _compared(_name, _function)
RULES.update(dict.fromkeys(("Shape", "Size"), lambda *_: []))


def _several(name: str, function: np.ufunc) -> None:
    def rule(_: dict[str, Any], values: list[Array]) -> list[Array]:
        return [np.asarray(function.reduce(np.broadcast_arrays(*values)))]

    RULES[name] = rule


for _name, _reduce in {"Max": np.maximum, "Min": np.minimum, "Sum": np.add}.items():
    _several(_name, _reduce)


@_register("Clip")
def _clip(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data, low, high = [*values, None, None][:3]
    return [np.clip(np.asarray(data), attributes.get("min", low), attributes.get("max", high)).astype(data.dtype)]


@_register("Mod")
def _modulo(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.asarray((np.fmod if attributes.get("fmod") else np.mod)(*values))]


@_register("Where")
def _where(_: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.where(*values)]


@_register("Cast")
def _cast(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.asarray(values[0]).astype(KINDS[attributes["to"]])]


@_register("Constant")
def _constant(attributes: dict[str, Any], _: list[Array]) -> list[Array]:
    (name, value), *_rest = attributes.items()
    if name == "value":
        return [np.asarray(constant(value))] if constant(value) is not None else [None]
    dtypes = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    return [np.asarray(value, dtypes[name])]


@_register("ConstantOfShape")
def _constant_of_shape(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    shape = np.asarray(values[0])
    if int(np.prod(shape, dtype=object)) > ELEMENTS:
        raise ValueError
    filled = onnx.numpy_helper.to_array(attributes["value"]).reshape(()) if "value" in attributes else np.float32(0)
    return [np.full(tuple(shape), filled)]


@_register("Range")
def _range(_: dict[str, Any], values: list[Array]) -> list[Array]:
    start, limit, delta = (np.asarray(value).reshape(()) for value in values)
    if abs((float(limit) - float(start)) / float(delta)) > ELEMENTS:
        raise ValueError
    return [np.arange(start, limit, delta, dtype=start.dtype)]


@_register("Gather")
def _gather(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data, indices = values
    return [np.asarray(np.take(data, indices, axis=attributes.get("axis", 0)))]


@_register("GatherElements")
def _gather_elements(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data, indices = values
    return [np.take_along_axis(data, indices, axis=attributes.get("axis", 0))]


@_register("Concat")
def _concat(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.concatenate(values, axis=attributes.get("axis", 1))]


@_register("Reshape")
def _reshape(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data = np.asarray(values[0])
    shape = list(attributes["shape"] if "shape" in attributes else np.asarray(values[1]))
    if not attributes.get("allowzero"):
        shape = [data.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return [data.reshape([int(size) for size in shape])]


@_register("Flatten")
def _flatten(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data = np.asarray(values[0])
    axis = attributes.get("axis", 1)
    rows = int(np.prod(data.shape[:axis], dtype=np.int64))
    return [data.reshape(rows, -1 if data.size else 0)]


def _axes(attributes: dict[str, Any], values: list[Array]) -> list[int] | None:
    """The axes of an operator that took them as an attribute and now takes them as its second input."""
    if "axes" in attributes:
        return list(attributes["axes"])
    return (
        [int(axis) for axis in np.asarray(values[1]).reshape(-1)] if len(values) > 1 and values[1] is not None else None
    )


@_register("Squeeze")
def _squeeze(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    axes = _axes(attributes, values)
    return [np.squeeze(values[0], axis=None if axes is None else tuple(axes))]


@_register("Unsqueeze")
def _unsqueeze(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.expand_dims(values[0], tuple(_axes(attributes, values) or ()))]


@_register("Transpose")
def _transpose(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.transpose(values[0], attributes.get("perm"))]


@_register("Expand")
def _expand(_: dict[str, Any], values: list[Array]) -> list[Array]:
    shape = np.broadcast_shapes(np.shape(values[0]), tuple(np.asarray(values[1])))
    if int(np.prod(shape, dtype=object)) > ELEMENTS:
        raise ValueError
    return [np.broadcast_to(values[0], shape).copy()]


@_register("Tile")
def _tile(_: dict[str, Any], values: list[Array]) -> list[Array]:
    data, counts = values
    if np.size(data) * int(np.prod(np.asarray(counts), dtype=object)) > ELEMENTS:
        raise ValueError
    return [np.tile(data, tuple(np.asarray(counts)))]


@_register("Slice")
def _slice(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    data = np.asarray(values[0])
    if "starts" in attributes:
        starts, ends, axes, steps = attributes["starts"], attributes["ends"], attributes.get("axes"), None
    else:
        starts, ends, axes, steps = [*values[1:], None, None][:4]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = data.shape[axis]
        # Backwards to the first element, the end lies before it: there -1 would mean the last.
        stop = None if step < 0 and end < -size else int(end)
        index[axis] = slice(int(start), stop, int(step))
    return [data[tuple(index)]]


@_register("Split")
def _split(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    sizes = attributes.get("split", values[1] if len(values) > 1 else None)
    if sizes is None:
        raise ValueError
    return list(np.split(np.asarray(values[0]), np.cumsum(sizes)[:-1], axis=attributes.get("axis", 0)))


@_register("ScatterND")
def _scatter_nd(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    if attributes.get("reduction", "none") != "none":
        raise ValueError
    data, indices, updates = (np.array(value) for value in values)
    data[tuple(np.moveaxis(indices, -1, 0))] = updates
    return [data]


@_register("ScatterElements")
def _scatter_elements(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    if attributes.get("reduction", "none") != "none":
        raise ValueError
    data, indices, updates = (np.array(value) for value in values)
    np.put_along_axis(data, indices, updates, axis=attributes.get("axis", 0))
    return [data]


@_register("NonZero")
def _non_zero(_: dict[str, Any], values: list[Array]) -> list[Array]:
    return [np.array(np.nonzero(values[0]), np.int64)]


@_register("CumSum")
def _cumulative(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
    if attributes.get("exclusive") or attributes.get("reverse"):
        raise ValueError
    return [np.cumsum(values[0], axis=int(np.asarray(values[1]).reshape(())), dtype=np.asarray(values[0]).dtype)]


def _reduced(name: str, function: Any) -> None:
    def rule(attributes: dict[str, Any], values: list[Array]) -> list[Array]:
        axes = _axes(attributes, values)
        data = np.asarray(values[0])
        if not axes and attributes.get("noop_with_empty_axes"):
            return [data]
        keep = bool(attributes.get("keepdims", 1))
        return [np.asarray(function(data, axis=tuple(axes) if axes else None, keepdims=keep), data.dtype)]

    RULES[name] = rule


for _name, _function in {
    "ReduceSum": np.sum,
    "ReduceProd": np.prod,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceMean": np.mean,
}.items():
    _reduced(_name, _function)
