"""Which operator a node of an exported program names."""

from __future__ import annotations

import importlib
import math
import operator
import re
from typing import TYPE_CHECKING, Any

import torch
from torch._ops import HigherOrderOperator, OpOverload

if TYPE_CHECKING:
    from collections.abc import Callable

_TORCH_OPERATOR = re.compile(r"torch\.ops\.(\w+)\.(\w+)\.(\w+)")
_HIGHER_ORDER = re.compile(r"torch\.ops\.higher_order\.(\w+)")

NAMESPACES: dict[str, str | None] = {
    "aten": None,
    "prims": None,
    "quantized": None,
    "quantized_decomposed": "torch.ao.quantization.fx._decomposed",
    "torchvision": "torchvision",
}
"""Libraries of operators that are torch's own -> the module that registers them. Those of others are not run."""

_FILES = frozenset({"filename", "file", "path"})
"""Arguments of operators that read or write files, which no program of a model has."""

HIGHER_ORDER = frozenset(
    {
        "associative_scan",
        "auto_functionalized",
        "auto_functionalized_v2",
        "cond",
        "flex_attention",
        "invoke_subgraph",
        "map_impl",
        "scan",
        "strict_mode",
        "while_loop",
        "wrap_with_autocast",
        "wrap_with_set_grad_enabled",
    }
)
"""Operators that take graphs."""

_ARITHMETIC = """
    add sub mul floordiv truediv mod neg pos pow abs eq ne lt le gt ge and_ or_ not_ lshift rshift getitem
"""
_SYMBOLIC = "sym_int sym_float sym_max sym_min sym_not sym_ite sym_sum sym_fresh_size"

_MODULES: dict[str, tuple[Any, frozenset[str]]] = {
    "_operator": (operator, frozenset(_ARITHMETIC.split())),
    "math": (math, frozenset(["ceil", "floor", "trunc", "sqrt", "prod"])),
    "torch": (torch, frozenset(_SYMBOLIC.split())),
}
"""Functions of Python on sizes: the module, and those of its functions that a program may call."""


def _size(tensor: torch.Tensor, axis: int | None = None) -> Any:
    return tensor.size() if axis is None else tensor.size(axis)


_SIZES: dict[str, Callable[..., Any]] = {
    "torch.ops.aten.sym_size.int": _size,
    "torch.ops.aten.sym_size.default": _size,
    "torch.ops.aten.sym_stride.int": lambda tensor, axis: tensor.stride(axis),
    "torch.ops.aten.sym_numel.default": lambda tensor: tensor.numel(),
    "torch.ops.aten.sym_storage_offset.default": lambda tensor: tensor.storage_offset(),
    "torch.ops.aten.sym_constrain_range.default": lambda *_, **__: None,
    "torch.ops.aten.sym_constrain_range_for_size.default": lambda *_, **__: None,
    "torch.ops.aten._assert_scalar.default": lambda *_, **__: None,
    "torch.ops.aten._assert_tensor_metadata.default": lambda *_, **__: None,
}
"""What an eager model asks without an operator, and checks that only exported programs have."""


def find_operator(target: str) -> Callable[..., Any] | None:
    """What a node calls; None where it is an operator that this torch does not have, or is not torch's own.

    Args:
        target: Its name in the program, as ``torch.ops.aten.conv2d.default`` or ``_operator.mul``.
    """
    if target in _SIZES:
        return _SIZES[target]
    if match := _HIGHER_ORDER.fullmatch(target):
        operator = getattr(torch.ops.higher_order, match[1], None) if match[1] in HIGHER_ORDER else None
        return operator if isinstance(operator, HigherOrderOperator) else None
    if match := _TORCH_OPERATOR.fullmatch(target):
        return _overload(*match.groups())
    module, _, name = target.rpartition(".")
    if module in _MODULES and name in _MODULES[module][1]:
        function: Callable[..., Any] | None = getattr(_MODULES[module][0], name, None)
        return function
    return None


def name_of(target: str) -> str:
    """How an operator is called where it is counted: ``mylib.op``, without the overload."""
    match = _TORCH_OPERATOR.fullmatch(target)
    return f"{match[1]}.{match[2]}" if match else target.removeprefix("torch.ops.")


def _overload(namespace: str, name: str, overload: str) -> OpOverload | None:
    if namespace not in NAMESPACES:
        return None
    if module := NAMESPACES[namespace]:
        try:
            importlib.import_module(module)
        except ImportError:
            return None
    packet = getattr(getattr(torch.ops, namespace), name, None)
    operator = getattr(packet, overload, None)
    if not isinstance(operator, OpOverload):
        return None
    arguments = operator._schema.arguments
    reads_files = any(argument.name in _FILES and str(argument.type) == "str" for argument in arguments)
    return None if reads_files else operator
