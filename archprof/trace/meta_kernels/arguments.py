"""What the rules and the checks ask of arguments, by whole numbers alone."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

REDUCED = (torch.float16, torch.bfloat16)
"""Types whose normalisations may have parameters of float32."""


def each(numbers: Sequence[int], rank: int) -> Sequence[int] | None:
    """One number for each of some dimensions, where one may stand for all; None where there are others."""
    if len(numbers) == rank:
        return numbers
    return [numbers[0]] * rank if len(numbers) == 1 else None


def in_range(dim: int, rank: int) -> bool:
    """Whether a dimension is one of so many, counted from either end."""
    return -rank <= dim < rank


def real(*numbers: Any) -> bool:
    """Whether all are plain numbers: a bool and a complex number have rules of their own in torch."""
    return all(type(number) in (int, float) for number in numbers)


def representable(dtype: torch.dtype, *numbers: Any) -> bool:
    """Whether all are plain numbers that a floating-point type has, or infinite."""
    return real(*numbers) and (
        dtype != torch.float16 or all(abs(number) <= _LARGEST_HALF or isinf(number) for number in numbers)
    )


_LARGEST_HALF = torch.finfo(torch.float16).max


def is_vector(tensor: Tensor | None, length: int, dtype: torch.dtype) -> bool:
    """Whether a parameter is left out, or a vector of the right length and type."""
    return tensor is None or (tensor.shape == (length,) and tensor.dtype == dtype)


def overlaps_itself(tensor: Tensor) -> bool:
    """Whether several elements are one place in memory, as torch tells it (c10 has_internal_overlap)."""
    if tensor.is_contiguous():
        return False
    return any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def overlaps_in_part(target: Tensor, source: Tensor) -> bool:
    """Whether two tensors share some memory but are not the same one, as torch tells it (ATen get_overlap_status).

    It looks only at tensors without gaps.
    """
    if target is source or target._cdata == source._cdata or not target.numel() or not source.numel():
        return False
    if target.untyped_storage()._cdata != source.untyped_storage()._cdata:
        return False
    if not (without_gaps(target) and without_gaps(source)):
        return False
    begin, other = (tensor.storage_offset() * tensor.itemsize for tensor in (target, source))
    end, other_end = begin + target.numel() * target.itemsize, other + source.numel() * source.itemsize
    if (begin, end) == (other, other_end):
        return target.stride() != source.stride()
    return bool(begin < other_end and other < end)


def without_gaps(tensor: Tensor) -> bool:
    """Whether its elements fill one stretch of memory, in whatever order (ATen is_non_overlapping_and_dense)."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True
