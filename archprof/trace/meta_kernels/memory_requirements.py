"""The memory that torch refuses to write to."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from archprof.trace.meta_kernels.arguments import overlaps_in_part, overlaps_itself
from archprof.trace.meta_kernels.requirements import need, overloads

_MAY_OVERLAP = frozenset(
    overloads("fill_ zero_ masked_fill_ index_fill_ index_put_ _index_put_impl_ tril_ triu_ fill_diagonal_ threshold_")
)


def check_memory(operation: Any, args: Any, kwargs: Any) -> None:
    """Refuse to write to a tensor of which several elements are one place, or that shares some with what is read.

    Raises:
        RuntimeError: As torch does.
    """
    for position in written(operation):
        target = kwargs.get(position) if isinstance(position, str) else args[position] if position < len(args) else None
        if not isinstance(target, torch.Tensor) or _may_overlap(operation):
            continue
        several = "more than one element of the written-to tensor refers to a single memory location"
        need(not overlaps_itself(target), f"unsupported operation: {several}. Please clone() the tensor first.")
        for source in args:
            if isinstance(source, torch.Tensor) and source is not target:
                shared = "some elements of the input tensor and the written-to tensor refer to a single memory location"
                need(not overlaps_in_part(target, source), f"unsupported operation: {shared}. Please clone() it first.")


@cache
def written(operation: Any) -> tuple[int | str, ...]:
    """The arguments that an operation's schema says are written to: positions, or names of those given by keyword."""
    return tuple(
        argument.name if argument.kwarg_only else index
        for index, argument in enumerate(operation._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


def _may_overlap(operation: Any) -> bool:
    """Whether torch does not look at the memory, or does not touch it."""
    return operation in _MAY_OVERLAP or torch.Tag.inplace_view in operation.tags
