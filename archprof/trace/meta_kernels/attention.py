"""Lets attention on tensors without values run as on the CPU: one operation.

torch has fused kernels for the CPU and for CUDA, which differ in name but not in what they compute, and none for
tensors without values, where it takes attention apart into some fifteen operations that no device runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import without_gaps
from archprof.trace.meta_kernels.layout import META, broadcast_sizes, elementwise
from archprof.trace.meta_kernels.registry import aten, meta_kernel
from archprof.trace.meta_kernels.requirements import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

_library: Any = torch.library.Library
_flash_enabled: Any = torch.backends.cuda.flash_sdp_enabled


@contextmanager
def fused_attention() -> Iterator[None]:
    """While it holds, attention on meta tensors runs as the CPU's kernel, where the CPU would run that."""
    library: Any = _library("aten", "IMPL")
    try:
        library.impl("scaled_dot_product_attention", _attend, "AutogradMeta")
        yield
    finally:
        library._destroy()


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    need(0 <= dropout_p <= 1, f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if not _fuses(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa):
        _check_mask(attn_mask, query, key)
        parts: Tensor = aten.scaled_dot_product_attention.default.decompose(
            *(query, key, value, attn_mask, dropout_p, is_causal), scale=scale, enable_gqa=enable_gqa
        )
        return parts
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.where(attn_mask, 0.0, -torch.inf).to(query.dtype)
    flat = query.ndim == 3
    if flat:
        query, key, value = (tensor.unsqueeze(0) for tensor in (query, key, value))
        while attn_mask is not None and attn_mask.ndim < 4:
            attn_mask = attn_mask.unsqueeze(0)
    result: Tensor = aten._scaled_dot_product_flash_attention_for_cpu.default(
        query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale
    )[0]
    return result.squeeze(0) if flat else result


def _fuses(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    is_causal: bool,
    shares_heads: bool,
) -> bool:
    """Whether the CPU has a fused kernel for this (aten/src/ATen/native/transformers/sdp_utils_cpp.cpp)."""
    tensors = (query, key, value)
    if query.ndim not in (3, 4) or any(tensor.ndim != query.ndim or not tensor.numel() for tensor in tensors):
        return False
    heads, fewer = query.shape[-3], key.shape[-3]
    return (
        _flash_enabled()
        and dropout == 0.0
        and all(tensor.stride(-1) == 1 and tensor.shape[-1] == query.shape[-1] for tensor in tensors)
        and key.shape[:-1] == value.shape[:-1]
        and key.shape[:-3] == query.shape[:-3]
        and (heads == fewer or (shares_heads and heads % fewer == 0))
        and query.dtype == key.dtype == value.dtype
        and query.dtype.is_floating_point
        and (mask is None or (not is_causal and _masks(mask, query, key)))
    )


def _check_mask(mask: Tensor | None, query: Tensor, key: Tensor) -> None:
    """Refuse a mask that is added to no scores; what else is wrong the parts of attention say."""
    if mask is None or min(query.ndim, key.ndim) < 2 or not query.numel():
        return
    flat = mask.ndim < 2 and query.ndim == key.ndim == 4
    need(not flat, f"Dimension out of range: attn_mask has the shape {list(mask.shape)}", IndexError)
    batch = broadcast_sizes(query.shape[:-2], key.shape[:-2])
    if batch is not None:
        scores = [*batch, query.shape[-2], key.shape[-2]]
        fits = broadcast_sizes(mask.shape, scores) == scores
        need(fits, f"output with shape {scores} doesn't match the broadcast shape of the mask {list(mask.shape)}")


def _masks(mask: Tensor, query: Tensor, key: Tensor) -> bool:
    """Whether the kernel takes a mask: of truth values, or of numbers of the scores' type, for all scores."""
    scores = (*query.shape[:-1], key.shape[-2])
    return (
        mask.ndim in (2, query.ndim)
        and not mask.requires_grad
        and mask.dtype in (torch.bool, query.dtype)
        and all(size in (1, whole) for size, whole in zip(mask.shape, scores[-mask.ndim :], strict=True))
    )


@meta_kernel(aten._scaled_dot_product_flash_attention_for_cpu.default)
def _flash_attention(query: Tensor, key: Tensor, value: Tensor, *rest: Any, **keywords: Any) -> Any:
    if not query.dtype.is_floating_point or not query.dtype == key.dtype == value.dtype:
        return None
    batch, heads, length, _ = query.shape
    kind = query.dtype if query.dtype == torch.float64 else torch.float32
    # Both lie in memory as the CPU's kernel lays them out.
    if without_gaps(query):
        output = torch.empty_strided(query.shape, query.stride(), dtype=query.dtype, device=META)
    else:
        output = elementwise(query.shape, query)
    return output, torch.empty((batch, length, heads), dtype=kind, device=META).transpose(1, 2)
