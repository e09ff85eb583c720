"""The sizes, dimensions and settings that torch refuses on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import in_range
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.meta_kernels.requirements import need, overloads, requires

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from archprof.trace.meta_kernels.requirements import Check


_DIMENSIONS = {
    "_softmax _log_softmax _safe_softmax sort argsort index_select index_reduce index_add index_copy index_fill": (1,),
    "_softmax_backward_data _log_softmax_backward_data select_scatter slice_scatter": (2,),
    "cummax cummin _cummax_helper _cummin_helper": (-1,),
    "diagonal_scatter": (3, 4),
}


def _dimensions(positions: Sequence[int]) -> Check:
    def check(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
        values = (tensor, *args)
        dims = [values[position] for position in positions if position < len(values)]
        for dim in [*dims, *([kwargs["dim"]] if "dim" in kwargs else [])]:
            if type(dim) is int:
                _dimension(dim, max(tensor.ndim, 1))

    return check


def _dimension(dim: int, rank: int) -> None:
    expected = f"expected to be in range of [{-rank}, {rank - 1}], but got {dim}"
    need(in_range(dim, rank), f"Dimension out of range ({expected})", IndexError)


for _names, _positions in _DIMENSIONS.items():
    requires(*overloads(_names))(_dimensions(_positions))


@requires(aten.max.dim, aten.min.dim, aten.median.dim, aten.nanmedian.dim)
def _not_empty(tensor: Tensor, dim: int, keepdim: bool = False) -> None:
    need(0 not in tensor.shape[dim:][:1], f"Expected reduction dim {dim} to have non-zero size.", IndexError)


@requires(aten._weight_norm_interface.default)
def _norms(direction: Tensor, norm: Tensor, dim: int = 0) -> None:
    # The CPU's kernel reads and writes beyond the end of fewer norms, so it must not be asked.
    rows = direction.shape[dim]
    need(norm.numel() == rows, f"expected a norm for each of {rows} rows of the weight, but got {norm.numel()}")


@requires(*overloads("amax amin mean sum"))
def _rank(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    need(tensor.ndim <= 64, "only tensors with up to 64 dims are supported")


@requires(aten.mode.default)
def _mode(tensor: Tensor, dim: int = -1, keepdim: bool = False) -> None:
    _not_empty(tensor, dim)


@requires(aten.max.default, aten.min.default)
def _no_elements(tensor: Tensor) -> None:
    need(tensor.numel() > 0, "Expected reduction dim to be specified for input.numel() == 0.")


@requires(aten.uniform.default, aten.uniform_.default)
def _range(tensor: Tensor, low: float = 0.0, high: float = 1.0, **kwargs: Any) -> None:
    need(low <= high, f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")


@requires(aten._softmax_backward_data.default, aten._log_softmax_backward_data.default)
def _gradient(gradient: Tensor, output: Tensor, *args: Any) -> None:
    sizes = f"{list(gradient.shape)} for {list(output.shape)}"
    need(gradient.shape == output.shape, f"Expected a gradient of the same size as the output, but got {sizes}")


def _same_as_slice(view: Any) -> Check:
    def check(tensor: Tensor, source: Tensor, *args: Any, **kwargs: Any) -> None:
        expected = view(tensor, *args, **kwargs).shape
        sizes = f"{list(source.shape)} for {list(expected)}"
        need(source.shape == expected, f"expected src to have a size equal to the slice of self, but got {sizes}")

    return check


for _operation, _view in {
    aten.diagonal_scatter.default: aten.diagonal.default,
    aten.slice_scatter.default: aten.slice.Tensor,
    aten.select_scatter.default: aten.select.int,
}.items():
    requires(_operation)(_same_as_slice(_view))


@requires(*overloads("smooth_l1_loss"))
def _beta(tensor: Tensor, target: Tensor, reduction: int = 1, beta: float = 1.0) -> None:
    need(beta >= 0, "smooth_l1_loss does not support negative values for beta.")


@requires(aten.cat.default)
def _joined(tensors: Sequence[Tensor], dim: int = 0) -> None:
    shapes = {index: tensor.shape for index, tensor in enumerate(tensors) if tensor.shape != (0,)}  # left out by torch
    if not shapes:
        return
    first = next(iter(shapes.values()))
    _dimension(dim, len(first))
    for index, shape in shapes.items():
        ranks = f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}"
        need(len(shape) == len(first), ranks)
        for axis, (size, expected) in enumerate(zip(shape, first, strict=True)):
            sizes = f"Expected size {expected} but got size {size} for tensor number {index} in the list."
            fits = size == expected or axis == dim % len(first)
            need(fits, f"Sizes of tensors must match except in dimension {dim % len(first)}. {sizes}")


@requires(aten.stack.default)
def _stacked(tensors: Sequence[Tensor], dim: int = 0) -> None:
    if tensors:
        _dimension(dim, tensors[0].ndim + 1)


@requires(aten.roll.default)
def _roll(tensor: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> None:
    need(bool(shifts), "`shifts` required")
    both = f"shifts and dimensions must align. shifts: {len(shifts)}, dims: {len(dims)}"
    need(len(shifts) == (len(dims) or 1), both)
    if tensor.numel():
        for dim in dims:
            _dimension(dim, max(tensor.ndim, 1))


@requires(*overloads("index _unsafe_index"))
def _mask(tensor: Tensor, indices: Sequence[Tensor | None]) -> None:
    if any(index is not None and index.dtype is torch.uint8 for index in indices):
        raise NotImplementedError("what a mask of bytes picks depends on its values")  # torch says: refused


@requires(aten.bucketize.Tensor)
def _bucketize(tensor: Any, boundaries: Tensor, **kwargs: Any) -> None:
    need(boundaries.ndim == 1, f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")


@requires(aten.multinomial.default)
def _multinomial(tensor: Tensor, samples: int, replacement: bool = False, **kwargs: Any) -> None:
    need(samples > 0, "cannot sample n_sample <= 0 samples")
    need(tensor.shape[-1] <= 1 << 24, "number of categories cannot exceed 2^24")
    fits = replacement or samples <= tensor.shape[-1]
    need(fits, "cannot sample n_sample > prob_dist.size(-1) samples without replacement")


@requires(aten.softshrink.default)
def _softshrink(tensor: Tensor, threshold: Any = 0.5) -> None:
    need(0 <= threshold < float("inf"), f"lambda must not be negative, and finite, but found {threshold}")


@requires(aten.native_batch_norm.default)
def _vectors(input_: Tensor, *args: Any) -> None:
    for parameter in args[:4]:
        rank = 1 if parameter is None else parameter.ndim
        need(rank == 1, f"TensorAccessor expected 1 dims but tensor has {rank}")
