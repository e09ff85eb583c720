"""How torch lays a result out in memory, given its operands: contiguous, channels last, or as they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

META = torch.device("meta")
"""Written out, because torch takes a name apart at each call."""


def empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A contiguous tensor without memory."""
    if shape:  # sizes one by one take torch two thirds of the time that a list of them does
        return torch.empty(*shape, dtype=dtype, device=META)
    return torch.empty((), dtype=dtype, device=META)


def without_memory(tensor: Tensor) -> Tensor:
    """A tensor without memory that lies as another does, in a storage as large."""
    elements = tensor.untyped_storage().nbytes() // tensor.itemsize
    result = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=META)
    if tensor.storage_offset() or elements != result.untyped_storage().nbytes() // tensor.itemsize:
        storage = empty((elements,), tensor.dtype).untyped_storage()
        result.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
    return result


def ordered(tensor: Tensor) -> bool:
    """Whether its dimensions lie in memory in their own order, with gaps or without, as a slice's still do.

    Kernels give a contiguous result for such operands. Dimensions of size 1, and broadcast ones, have no say.
    """
    if tensor.is_contiguous():
        return True
    last = 1 << 62
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        if size > 1 and stride:
            if stride >= last:
                return False
            last = stride
    return True


def channels_last(tensor: Tensor) -> bool:
    """Whether torch takes its channels to be the fastest in memory (c10/core/MemoryFormat.h)."""
    sizes = tensor.shape
    if len(sizes) == 4 and sizes[1] > 1 and sizes[2] > 1 and sizes[3] > 1 and tensor.is_contiguous():
        return False  # the commonest
    strides = tensor.stride()
    fastest_first = _CHANNELS_FASTEST.get(len(sizes))
    if fastest_first is None or not strides[1]:
        return False
    least = 0
    for dim in fastest_first:
        stride, size = strides[dim], sizes[dim]
        if not size or stride < least or (dim == 0 and least == strides[1]):
            return False
        least = stride * size
    return True


_CHANNELS_FASTEST = {4: (1, 3, 2, 0), 5: (1, 4, 3, 2, 0)}
"""Rank -> its dimensions from the fastest, where the channels are the fastest."""


def elementwise(
    shape: Sequence[int], *operands: Tensor, dtype: torch.dtype | None = None, with_number: bool = False
) -> Tensor:
    """The result of a function of each element of some tensors that broadcast to a shape.

    Its dimensions lie in memory in the order in which the operands' do, the first operand that tells any two
    of them apart having the say (TensorIterator's rule, aten/src/ATen/TensorIterator.cpp, reorder_dimensions). Where
    all of one shape have their channels fastest, so has the result (fast_set_up); a number beside them, which torch
    makes a tensor of, is of another shape.
    """
    shape, rank = tuple(shape), len(shape)
    for operand in operands:
        if operand.shape != shape or not ordered(operand):
            break
    else:
        return empty(shape, dtype or operands[0].dtype)
    if rank == 4 and not with_number and all(_is_channels_last(operand, shape) for operand in operands):
        return empty(shape, dtype or operands[0].dtype).to(memory_format=torch.channels_last)
    strides = [_steps(operand, shape) for operand in operands]
    fastest_first = list(reversed(range(rank)))
    for i in range(1, rank):
        moving = i
        for other in range(i - 1, -1, -1):
            order = _compare(fastest_first[other], fastest_first[moving], strides, shape)
            if order < 0:
                break
            if order > 0:
                swapped = fastest_first[moving], fastest_first[other]
                fastest_first[other], fastest_first[moving] = swapped
                moving = other
    result = [0] * rank
    step = 1
    for dim in fastest_first:
        result[dim] = step
        step *= max(shape[dim], 1)
    return torch.empty_strided(shape, result, dtype=dtype or operands[0].dtype, device=META)


def _is_channels_last(tensor: Tensor, shape: Sequence[int]) -> bool:
    """Whether it has a shape, and its channels fastest in memory, whatever the strides of dimensions of one."""
    return tensor.shape == shape and tensor.is_contiguous(memory_format=torch.channels_last)


def _steps(operand: Tensor, shape: Sequence[int]) -> list[int]:
    """Its strides in the result's dimensions: 0 where it is repeated; elsewhere a dimension of 1 keeps its own."""
    missing = len(shape) - operand.ndim
    pairs = zip(operand.shape, operand.stride(), shape[missing:], strict=True)
    return [0] * missing + [0 if size == 1 != whole else stride for size, stride, whole in pairs]


def _compare(dim: int, other: int, strides: list[list[int]], shape: Sequence[int]) -> int:
    """1 where ``dim`` is the slower one in memory, -1 where the faster, 0 where no operand tells."""
    for stride in strides:
        left, right = stride[dim], stride[other]
        if left and right:
            if left != right:
                return 1 if left > right else -1
            if shape[dim] > shape[other]:
                return 1
    return 0


def broadcast(*tensors: Tensor) -> list[int] | None:
    """The shape that some tensors broadcast to, or None where they do not."""
    return broadcast_sizes(*[tensor.shape for tensor in tensors])


def broadcast_sizes(*shapes: Sequence[int]) -> list[int] | None:
    """The shape that some shapes broadcast to, or None where they do not."""
    result = [1] * max([len(shape) for shape in shapes])
    for shape in shapes:
        for index in range(1, len(shape) + 1):
            size, other = result[-index], shape[-index]
            if size == 1:
                result[-index] = other
            elif other not in (1, size):
                return None
    return result
