"""Results on meta of what makes tensors."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import real
from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@meta_kernel(aten.zeros_like.default, aten.ones_like.default)
def _like(tensor: Tensor, **keywords: Any) -> Any:
    """Another tensor of the same layout; with any option but a dtype it is left to torch."""
    dtype = keywords.pop("dtype", None) or tensor.dtype
    if any(value is not None and value is not False for value in keywords.values()) or not tensor.is_contiguous():
        return None
    return empty(tensor.shape, dtype)


def _is_meta(device: Any) -> bool:
    """Whether a tensor that is made on a device, if one is named, has no memory."""
    return device is not None and torch.device(device).type == "meta"


@meta_kernel(aten.ones.default, aten.zeros.default)
def _filled(size: Sequence[int], *, dtype: Any = None, device: Any = None, **rest: Any) -> Any:
    if not _is_meta(device) or any(rest.values()):
        return None
    return empty(size, dtype or torch.get_default_dtype())


@meta_kernel(aten.arange.default)
def _count_up(end: float, **keywords: Any) -> Any:
    return _range(0, end, **keywords)


@meta_kernel(aten.arange.start, aten.arange.start_step)
def _range(start: float, end: float, step: float = 1, *, dtype: Any = None, device: Any = None, **rest: Any) -> Any:
    if not _is_meta(device) or not real(start, end, step) or not step or (end - start) / step < 0:
        return None
    is_integer = type(start) is type(end) is type(step) is int
    dtype = dtype or (torch.int64 if is_integer else torch.get_default_dtype())
    if not dtype.is_floating_point and (dtype != torch.int64 or not is_integer):
        return None
    return empty([ceil((end - start) / step)], dtype)
