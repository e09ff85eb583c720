"""What a forward pass asks of a machine: its operations by kind of kernel and size, as plain data.

A kind is what runs alike: dense 3×3 convolutions are one, depthwise ones another. The sizes of an operation are the
factors of its work, so that their product over the rate that the kind reaches at such sizes is the time that it takes.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

from archprof.records.workload import Demand, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory, Traffic
    from archprof.trace.record import Operation


NOTHING = "nothing"
"""The kind of what neither moves nor computes anything: views and allocations."""

CONVOLUTION = ("in_channels", "out_channels", "groups", "kernel", "places")
"""Factors of a convolution's MACs: the channels of one group, the groups, the kernel's elements, and the positions that
it is laid at, of the whole batch."""

PRODUCT = ("batch", "rows", "columns", "inner")
VECTOR_PRODUCT = ("batch", "columns", "inner")
"""Factors of a product of one row, which has one use for each weight that it reads, and so waits for memory alone."""

ATTENTION = ("heads", "queries", "keys", "width")
POOLING = ("elements", "window")
ROWS = ("rows", "width")
ELEMENTS = ("elements",)

_SMALL_KERNEL = 9

Key = tuple[str, tuple[int, ...]]
"""A kind and sizes."""

_KINDS: dict[str, Callable[[Operation], Key]] = {}

_ALIKE = {
    **dict.fromkeys(("sub", "rsub", "maximum", "minimum"), "add"),
    **dict.fromkeys(("clamp", "clamp_min", "hardtanh", "leaky_relu", "threshold", "abs", "neg"), "relu"),
    **dict.fromkeys(("roll", "repeat", "_to_copy", "copy"), "clone"),
    **dict.fromkeys(
        ("sum", "amax", "max", "min", "var", "var_mean", "linalg_vector_norm", "adaptive_avg_pool2d"), "mean"
    ),
    **dict.fromkeys(("sin", "cos", "log"), "exp"),
    **dict.fromkeys(("stack", "constant_pad_nd"), "cat"),
    **dict.fromkeys(("elu", "mish", "softplus", "erf"), "tanh"),
    **dict.fromkeys(("cudnn_batch_norm", "miopen_batch_norm"), "native_batch_norm"),
}
"""Operations that cost what another does."""


def _kind(*names: str) -> Callable[[Callable[[Operation], Key]], Callable[[Operation], Key]]:
    def add(function: Callable[[Operation], Key]) -> Callable[[Operation], Key]:
        _KINDS.update(dict.fromkeys(names, function))
        return function

    return add


def demand(ledger: Ledger, memory: Memory) -> Demand:
    """What a counted forward pass asks for."""
    return Demand(
        work=works(ledger, memory.traffic),
        module_calls=len(ledger.trace.calls),
        peak_activation_bytes=memory.peak_bytes,
    )


def works(ledger: Ledger, traffic: Sequence[Traffic]) -> list[Work]:
    """The operations of a ledger, those that are alike together, in the order in which they first run.

    Args:
        ledger: A forward pass.
        traffic: What each of its operations reads and writes.
    """
    calls: Counter[tuple[Key, int]] = Counter()
    for entry, moved in zip(ledger.entries, traffic, strict=True):
        calls[key_of(entry.operation, moved), moved.read + moved.written] += 1
    return [
        Work(kind=kind, sizes=list(sizes), bytes=moved, calls=count) for ((kind, sizes), moved), count in calls.items()
    ]


def key_of(operation: Operation, moved: Traffic) -> Key:
    """The kind of an operation and the factors of its work, none of which is zero."""
    results = [tensor.numel for tensor in _tensors(operation.outputs)]
    if not (moved.read or moved.written) or (results and not any(results)):
        return NOTHING, ()
    kind, sizes = _KINDS.get(_plain(operation), _elements)(operation)
    return (kind, sizes) if all(sizes) else _elements(operation)  # a sum of no products fills its result with zeros


def _plain(operation: Operation) -> str:
    """The operation's name without what does not change its work: its namespace, and the mark of one in place."""
    name = operation.name.removeprefix("aten.")
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def _elements(operation: Operation) -> Key:
    """One element after the other, as many as the largest tensor has."""
    name = _plain(operation)
    tensors = _tensors((*operation.arguments, *operation.outputs))
    return _ALIKE.get(name, name), (max((tensor.numel for tensor in tensors), default=1),)


@_kind("convolution", "_convolution", "convolution_overrideable")
def _convolution(operation: Operation) -> Key:
    source, weight, _, stride, _, _, transposed, _, groups = operation.arguments[:9]
    first, second, *kernel = weight.shape
    elements, result = prod(kernel), operation.outputs[0]
    if transposed:
        positions = source.shape[0] * prod(source.shape[2:])
        return "transposed convolution", (first // groups, second, groups, elements, positions)
    sizes = (second, first // groups, groups, elements, result.numel // result.shape[1])
    return f"{_form(second, groups, kernel, max(stride))} convolution", sizes


def _form(inputs: int, groups: int, kernel: list[int], stride: int) -> str:
    """What libraries have kernels of their own for, on CPUs at least."""
    strided = " strided" if stride > 1 else ""
    if groups > 1:
        return ("depthwise" if inputs == 1 else "grouped") + strided
    if prod(kernel) == 1:
        return f"1×1{strided}"
    if strided:
        return "patch" if min(kernel) == stride else "strided"
    return "3×3" if prod(kernel) <= _SMALL_KERNEL else "large"


@_kind("mm", "addmm", "bmm", "baddbmm", "linear", "_addmm_activation")
def _product(operation: Operation) -> Key:
    left = operation.arguments[1 if "add" in operation.name else 0]
    result, inner = operation.outputs[0], left.shape[-1]
    batch = result.shape[0] if operation.name.endswith("bmm") else 1
    columns = result.shape[-1]
    return _of_rows(batch, result.numel // (batch * columns), columns, inner)


def _of_rows(batch: int, rows: int, columns: int, inner: int) -> Key:
    return ("vector product", (batch, columns, inner)) if rows == 1 else ("product", (batch, rows, columns, inner))


@_kind("_grouped_mm")
def _grouped_product(operation: Operation) -> Key:
    """Each group's rows times its own matrix, as many products of equally many rows: who goes where is not known."""
    left, right = operation.arguments[:2]
    columns = operation.outputs[0].shape[-1]
    rows = operation.outputs[0].numel // columns
    groups = min(next((factor.shape[0] for factor in (right, left) if len(factor.shape) > 2), 1), rows)
    return _of_rows(groups, rows // groups, columns, left.shape[-1])


@_kind(
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_attention_math",
)
def _attention(operation: Operation) -> Key:
    query, key = operation.arguments[:2]
    return "attention", (prod(query.shape[:-2]), query.shape[-2], key.shape[-2], query.shape[-1])


@_kind("max_pool2d_with_indices", "avg_pool2d")
def _pooling(operation: Operation) -> Key:
    sides = operation.arguments[1]
    window = prod(sides) if len(sides) > 1 else sides[0] ** 2
    return _plain(operation).removesuffix("_with_indices"), (operation.outputs[0].numel, window)


@_kind("_softmax")
def _softmax(operation: Operation) -> Key:
    source, dimension = operation.arguments[:2]
    width = source.shape[dimension] if source.shape else 1
    return "softmax", (source.numel // width, width)


@_kind("native_layer_norm")
def _layer_norm(operation: Operation) -> Key:
    source, shape = operation.arguments[:2]
    width = prod(shape)
    return "layer_norm", (source.numel // width, width)


def _tensors(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "numel"):
                yield item
