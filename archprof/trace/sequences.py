"""Nested tensors whose rows are of several lengths: what an operation on them does, one sequence at a time.

Torch computes such an operation for each sequence by itself, so it is written down as that many operations on plain
tensors, whose shapes say what they cost. Jagged ones are a class written in Python, which takes itself apart into plain
tensors and, for attention, into these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.nested import flat, map_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from archprof.trace.record import TensorInfo

    Call = tuple[Any, dict[str, Any], tuple[TensorInfo, ...]]

_BY_ROWS = frozenset({"aten::linear", "aten::native_layer_norm"})
"""What meets each row of all sequences with the same weights, and is computed for all rows at once."""


def is_ragged(value: Any) -> bool:
    """Whether a value is a nested tensor that holds its sequences itself (layout strided)."""
    return isinstance(value, torch.Tensor) and value.is_nested and value.layout is torch.strided


def per_sequence(
    operation: Any, args: Any, kwargs: dict[str, Any], result: Any, info: Callable[[Tensor], TensorInfo]
) -> Iterator[Call]:
    """The calls, one a sequence, that an operation on nested tensors stands for: arguments, keywords and outputs.

    Nothing where it is not computed so: where it makes nested tensors of plain ones, or plain ones of nested.
    """
    given = [tensor for tensor in flat((args, tuple(kwargs.values()))) if is_ragged(tensor)]
    outputs = list(flat(result))
    counts = {tensor.size(0) for tensor in (*given, *filter(is_ragged, outputs))}
    if not given or len(counts) != 1 or not all(map(is_ragged, outputs)):
        return
    if operation.name() in _BY_ROWS:
        yield _described(info, args, kwargs, outputs)
        return
    rank = given[0].dim()
    parts: dict[int, list[TensorInfo]] = {
        id(tensor): [info(part) for part in tensor.unbind()] for tensor in (*given, *outputs)
    }
    (count,) = counts
    for index in range(count):

        def describe(tensor: Tensor, index: int = index) -> TensorInfo:
            if id(tensor) in parts:
                return parts[id(tensor)][index]
            shared = tensor.dim() != rank or tensor.size(0) not in (1, count)
            return info(tensor) if shared else info(tensor[index % tensor.size(0)])

        yield _described(describe, args, kwargs, outputs)


def _described(
    describe: Callable[[Tensor], TensorInfo], args: Any, kwargs: dict[str, Any], outputs: list[Tensor]
) -> Call:
    """A call with something in the place of each of its tensors."""

    def leaf(value: Any) -> Any:
        return describe(value) if isinstance(value, torch.Tensor) else value

    return map_leaves(leaf, tuple(args)), map_leaves(leaf, kwargs), tuple(map(describe, outputs))


def sizes(tensor: Tensor) -> tuple[int, ...]:
    """A tensor's shape; of a nested tensor, whose rows differ, that of all its rows one after the other."""
    if not tensor.is_nested:
        return tuple(tensor.shape)
    return tuple(tensor.values().shape) if tensor.layout == torch.jagged else _rows(tensor)


def _rows(tensor: Tensor) -> tuple[int, ...]:
    """All sequences one after the other as rows of one width; where widths differ, as elements."""
    widths = {part.shape[-1] for part in tensor.unbind() if part.ndim}
    width = widths.pop() if len(widths) == 1 else 0
    return (tensor.numel() // width, width) if width else (tensor.numel(),)
