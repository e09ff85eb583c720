"""Results on meta of views, asked of torch the shortest way.

A tensor's own method gives what the operation gives, in half of the time that calling the operation takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import META_KERNELS, aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor

META_KERNELS.update(
    {
        aten.view.default: torch.Tensor.view,
        aten._unsafe_view.default: torch.Tensor.view,
        aten.expand.default: torch.Tensor.expand,
        aten.permute.default: torch.Tensor.permute,
        aten.transpose.int: torch.Tensor.transpose,
        aten.t.default: torch.Tensor.t,
        aten.unsqueeze.default: torch.Tensor.unsqueeze,
        aten.squeeze.dim: torch.Tensor.squeeze,
        aten.select.int: torch.Tensor.select,
        aten.detach.default: torch.Tensor.detach,
    }
)


@meta_kernel(aten.clone.default)
def _clone(tensor: Tensor, *, memory_format: Any = None) -> Any:
    return empty(tensor.shape, tensor.dtype) if memory_format is torch.contiguous_format else None
