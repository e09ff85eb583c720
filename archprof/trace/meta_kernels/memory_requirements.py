"""The memory that torch refuses to write to, or to look into."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import overlaps_in_part, overlaps_itself
from archprof.trace.meta_kernels.requirements import need, overloads, requires
from archprof.trace.record import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAY_OVERLAP = frozenset(
    overloads("fill_ zero_ masked_fill_ index_fill_ index_put_ _index_put_impl_ tril_ triu_ fill_diagonal_ threshold_")
)


def check_memory(operation: Any, args: Any, kwargs: Any) -> None:
    """Refuse to write to a tensor of which several elements are one place, or that shares some with what is read.

    Raises:
        RuntimeError: As torch does.
    """
    for target in targets(operation, args, kwargs):
        if _may_overlap(operation):
            return
        several = "more than one element of the written-to tensor refers to a single memory location"
        need(not overlaps_itself(target), f"unsupported operation: {several}. Please clone() the tensor first.")
        for source in args:
            if isinstance(source, torch.Tensor) and source is not target:
                shared = "some elements of the input tensor and the written-to tensor refer to a single memory location"
                need(not overlaps_in_part(target, source), f"unsupported operation: {shared}. Please clone() it first.")


def targets(operation: Any, args: Any, kwargs: Any) -> Iterator[torch.Tensor]:
    """The tensors that an operation writes to."""
    for position in written(operation):
        value = kwargs.get(position) if isinstance(position, str) else args[position] if position < len(args) else None
        if isinstance(value, torch.Tensor):
            yield value


@cache
def changes_shapes(operation: Any) -> bool:
    """Whether the tensors that an operation writes to may have another shape or other memory afterwards."""
    schema = getattr(operation, "_schema", None)
    if schema is None:
        return False
    return torch.Tag.inplace_view in operation.tags or any(argument.is_out for argument in schema.arguments)


def _may_overlap(operation: Any) -> bool:
    """Whether torch does not look at the memory, or does not touch it."""
    return operation in _MAY_OVERLAP or torch.Tag.inplace_view in operation.tags


@requires(*overloads("as_strided as_strided_ as_strided_copy"))
def _within_storage(
    tensor: torch.Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> None:
    if 0 in size or len(size) != len(stride):
        return
    start = tensor.storage_offset() if storage_offset is None else storage_offset
    last = start + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
    elements = tensor.untyped_storage().nbytes() // tensor.itemsize
    strides = f"sizes {list(size)}, strides {list(stride)} and storage offset {start}"
    need(bool(last < elements), f"{strides} are out of bounds for storage of {elements} elements")


@requires(*overloads("as_strided_scatter"))
def _within_own_storage(tensor: torch.Tensor, source: torch.Tensor, *args: Any, **kwargs: Any) -> None:
    _within_storage(tensor.contiguous(), *args, **kwargs)
