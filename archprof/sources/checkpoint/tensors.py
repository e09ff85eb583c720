"""The calls that rebuild a tensor -> its shape, dtype, stride and storage.

The functions are those of ``torch/_utils.py`` and ``torch/_tensor.py``; what they are called with is all that is
needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import NoReturn

import msgspec

from archprof.sources.checkpoint.contents import Tensor
from archprof.sources.checkpoint.nodes import Name, Node, Object, Persistent

ITEM_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    **dict.fromkeys(("float32", "int32", "uint32", "complex32", "bcomplex32", "qint32"), 4),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 2),
    **dict.fromkeys(("int8", "uint8", "bool", "qint8", "quint8", "quint4x2", "quint2x4"), 1),
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 1),
    **dict.fromkeys(("float4_e2m1fn_x2", "bits8", "bits4x2", "bits2x4", "bits1x8"), 1),
    "bits16": 2,
    "complex128": 16,
}
"""Bytes an element, by torch's name of the dtype."""

_STORAGES: Mapping[str, str] = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
_STORAGE_MODULES = frozenset({"torch", "torch.cuda", "torch.storage"})

DTYPES = frozenset(ITEM_BYTES)
"""Names in ``torch`` that are dtypes."""

STORAGES = frozenset(f"{module}.{name}" for module in _STORAGE_MODULES for name in _STORAGES)
"""Classes of storages."""

MAX_RANK = 64
_MAX_SIZE = 2**63


class Storages:
    """The storages of a file.

    Args:
        sizes: The bytes that the file has for each storage, by its key; None where it does not tell.

    Attributes:
        needed: The bytes of each storage that a tensor was read from, by its key.
    """

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self._sizes = sizes
        self.needed: dict[str, int] = {}

    def read(self, node: Node) -> tuple[str, str, int]:
        """A storage's key, its elements' dtype, and how many bytes it has.

        Raises:
            ValueError: Where it is no storage, or the file has fewer bytes of it than the pickle says.
        """
        identifier = node.identifier if isinstance(node, Persistent) else None
        if not isinstance(identifier, (tuple, list)) or len(identifier) < 5:
            _refuse("its storage is nothing that torch writes")
        tag, kind, key, _, count = identifier[:5]
        dtype = _STORAGES.get(kind.name) if isinstance(kind, Name) and kind.module in _STORAGE_MODULES else None
        if tag != "storage" or dtype is None or not isinstance(key, str):
            _refuse("its storage is nothing that torch writes")
        size = _whole(count) * ITEM_BYTES[dtype]
        if self._sizes is not None and self._sizes.get(key, 0) < size:
            _refuse(f"its storage {key[:40]!r} should have {size:,} bytes; the file has {self._sizes.get(key, 0):,}")
        self.needed[key] = size
        return key, dtype, size


def is_tensor(node: Node) -> bool:
    """Whether a node stands for a tensor, damaged or not."""
    return isinstance(node, Object) and not node.new and isinstance(node.callee, Name) and node.callee.path in REBUILD


def tensor_of(node: Node, storages: Storages) -> Tensor | None:
    """The tensor that a node stands for, or None where it is no tensor.

    Raises:
        ValueError: Where it is a damaged tensor; the text says what is wrong.
    """
    return REBUILD[node.callee.path](node.arguments, storages) if is_tensor(node) else None


def _view(view: tuple[Node, ...], storages: Storages, dtype: str | None = None) -> Tensor:
    storage, offset, size, stride = view
    key, own_dtype, length = storages.read(storage)
    shape, strides, start = _sizes(size), _sizes(stride), _whole(offset)
    if len(shape) != len(strides):
        _refuse("it has another number of sizes than of strides")
    dtype = dtype or own_dtype
    last = start + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    if 0 not in shape and (last + 1) * ITEM_BYTES[dtype] > length:
        _refuse(f"its elements reach beyond the {length:,} bytes of its storage")
    return _tensor(shape, dtype, strides, key, start)


def _tensor(
    shape: tuple[int, ...],
    dtype: str,
    stride: tuple[int, ...] | None = None,
    storage: str | None = None,
    offset: int = 0,
) -> Tensor:
    numel = prod(shape)
    if numel >= _MAX_SIZE:
        _refuse("it has more elements than a tensor can have")
    size = numel * ITEM_BYTES[dtype]
    return Tensor(shape=shape, dtype=dtype, stride=stride, storage=storage, offset=offset, numel=numel, bytes=size)


def _rebuild(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(storage, offset, size, stride, ...)``."""
    return _view(_first(arguments, 4), storages)


def _rebuild_v3(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(storage, offset, size, stride, requires_grad, backward_hooks, dtype, ...)``."""
    *view, _, _, dtype = _first(arguments, 7)
    return _view(tuple(view), storages, _dtype(dtype))


def _rebuild_meta(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(dtype, size, stride, requires_grad)``."""
    dtype, size, stride = _first(arguments, 3)
    return _tensor(_sizes(size), _dtype(dtype), _sizes(stride))


def _rebuild_wrapper(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(class, dtype, size, stride, ...)``."""
    return _rebuild_meta(arguments[1:], storages)


def _rebuild_of_type(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(function, class, arguments, state)``: what the function rebuilds, as of another class."""
    function, _, inner = _first(arguments, 3)
    rebuild = _PLAIN.get(function.path) if isinstance(function, Name) else None
    if rebuild is None or not isinstance(inner, tuple):
        _refuse("it is rebuilt by a function of nobody's")
    return rebuild(inner, storages)


def _rebuild_parameter(arguments: tuple[Node, ...], storages: Storages) -> Tensor:
    """``(tensor, requires_grad, backward_hooks, ...)``."""
    (data,) = _first(arguments, 1)
    rebuild = _TENSORS.get(data.callee.path) if isinstance(data, Object) and isinstance(data.callee, Name) else None
    if rebuild is None:
        _refuse("it is a parameter of what is no tensor")
    return msgspec.structs.replace(rebuild(data.arguments, storages), role="parameter")


Rebuild = Callable[[tuple[Node, ...], Storages], Tensor]

_PLAIN: Mapping[str, Rebuild] = {
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_qtensor": _rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_v3,
    "torch._utils._rebuild_meta_tensor_no_storage": _rebuild_meta,
    "torch._utils._rebuild_wrapper_subclass": _rebuild_wrapper,
}
_TENSORS: Mapping[str, Rebuild] = {**_PLAIN, "torch._tensor._rebuild_from_type_v2": _rebuild_of_type}

REBUILD: Mapping[str, Rebuild] = {
    **_TENSORS,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
}
"""The functions that make a tensor, by their full names."""


def _first(arguments: tuple[Node, ...], count: int) -> tuple[Node, ...]:
    if len(arguments) < count:
        _refuse(f"it is rebuilt from {len(arguments)} values; {count} are needed")
    return arguments[:count]


def _dtype(node: Node) -> str:
    if not isinstance(node, Name) or node.module != "torch" or node.name not in ITEM_BYTES:
        _refuse(f"its dtype is not known ({node.path[:80] if isinstance(node, Name) else 'not a dtype'})")
    return node.name


def _sizes(node: Node) -> tuple[int, ...]:
    if isinstance(node, Object) and isinstance(node.callee, Name) and node.callee.path == "torch.Size":
        node = node.arguments[0] if node.arguments else ()
    if not isinstance(node, (tuple, list)) or len(node) > MAX_RANK:
        _refuse("its shape is not a list of sizes")
    return tuple(_whole(size) for size in node)


def _whole(node: Node) -> int:
    if type(node) is not int or not 0 <= node < _MAX_SIZE:
        _refuse("a size of it is not a whole number")
    return node


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)
