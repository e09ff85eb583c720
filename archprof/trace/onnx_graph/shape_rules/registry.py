"""The table of shape rules, and what an operation must be for them to be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import onnx

from archprof.trace.onnx_graph.record import MALFORMED, UNDEFINED, ShapeUnknownError
from archprof.trace.onnx_graph.schemas import schema

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape, Tensor

Outputs = Sequence[tuple["Shape", str]]
"""The shape and the type of each output."""

Rule = Callable[["Operation"], "Outputs | None"]
"""Gives what onnx's own rule gives, or None where it is not sure. All inputs have a shape and a type, the number of
inputs and outputs, the types and the names of the attributes are those that the operator takes."""

SHAPE_RULES: dict[str, Rule] = {}
"""Operator of ONNX's own domain -> its rule."""

OF_SHAPES: set[str] = set()
"""Those of them that make the same of all tensors of the same shapes and types, as far as it can be known."""

_ELEMENTS = {"float32": "float", "float64": "double"}
_KIND = onnx.defs.OpSchema.FormalParameterOption


def shape_rule(*names: str, values: bool = False) -> Callable[[Rule], Rule]:
    """Enter a rule for some operators.

    Args:
        names: The operators.
        values: Whether what they give depends on more than attributes, and the shapes and types of what they read.
    """

    def add(rule: Rule) -> Rule:
        SHAPE_RULES.update(dict.fromkeys(names, rule))
        if not values:
            OF_SHAPES.update(names)
        return rule

    return add


def infer(operation: Operation) -> Outputs | None:
    """The shape and type of each output of an operation, or None where onnx is to be asked."""
    node = operation.node
    rule = SHAPE_RULES.get(node.type)
    if rule is None or node.domain:
        return None
    dtypes = []
    for tensor in operation.inputs:
        if tensor is None:
            dtypes.append("")
        elif tensor.shape is None or tensor.sequence or tensor.dtype == UNDEFINED:
            return None
        else:
            dtypes.append(tensor.dtype)
    if not is_valid(node.type, operation.version, tuple(dtypes), len(operation.outputs), node.operator.attribute_types):
        return None
    try:
        outputs = rule(operation)
    except (ShapeUnknownError, *MALFORMED):
        return None
    return outputs if outputs is not None and len(outputs) == len(operation.outputs) else None


@lru_cache(maxsize=4096)
def is_valid(
    type_: str, opset: int, dtypes: tuple[str, ...], outputs: int, attributes: tuple[tuple[str, int], ...]
) -> bool:
    """Whether an operator takes these inputs, outputs and attributes, whatever the shapes.

    Args:
        type_: The operator.
        opset: Its opset.
        dtypes: The type of each input's elements, empty for one that is left out.
        outputs: How many outputs it has.
        attributes: Name and type of each attribute.
    """
    rule = schema("", type_, opset)
    if rule is None or rule.deprecated or not rule.min_input <= len(dtypes) <= rule.max_input:
        return False
    if not rule.min_output <= outputs <= rule.max_output or len(dict(attributes)) != len(attributes):
        return False
    known = rule.attributes
    if any(name not in known or known[name].type.value != kind for name, kind in attributes):
        return False
    if any(entry.required and name not in dict(attributes) for name, entry in known.items()):
        return False
    variables: dict[str, str] = {}
    for index, dtype in enumerate(dtypes):
        parameter = rule.inputs[min(index, len(rule.inputs) - 1)]
        if not dtype and parameter.option == _KIND.Optional:
            continue
        same = variables.setdefault(parameter.type_str, dtype) == dtype
        if not same or f"tensor({_ELEMENTS.get(dtype, dtype)})" not in parameter.types:
            return False
    return True


def whole_numbers(tensor: Tensor | None) -> list[int] | None:
    """The values of a tensor of one axis that steers shapes; None where they are not known, or it has other axes."""
    if tensor is None or tensor.value is None or tensor.value.ndim != 1 or tensor.value.dtype.kind not in "iu":
        return None
    numbers: list[int] = tensor.value.tolist()
    return numbers


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the first.

    Raises:
        ValueError: Where there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"no axis {axis} of {rank}")
    return axis % rank


def axes_of(operation: Operation, rank: int) -> list[int] | None:
    """The axes that an operator was given as an attribute or, in later opsets, as its second input.

    Returns:
        None where it was given none.

    Raises:
        ValueError: Where there is no such axis, or one is given twice.
        ShapeUnknownError: Where their values are not known.
    """
    axes = operation.attributes.get("axes")
    if axes is None:
        tensor = operation.tensor(1)
        if tensor is None:
            return None
        axes = whole_numbers(tensor)
        if axes is None:
            raise ShapeUnknownError(tensor.name)
    if operation.version < 11 and min(axes, default=0) < 0:
        raise ValueError("axes were counted from the first")
    axes = [axis_of(axis, rank) for axis in axes]
    if len(set(axes)) < len(axes):
        raise ValueError(f"an axis twice in {axes}")
    return axes
