"""The sizes, dimensions and settings that torch refuses on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import each, in_range, is_vector
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.meta_kernels.requirements import need, overloads, requires, type_name

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


@requires(aten.diagonal_scatter.default)
def _diagonal(tensor: Tensor, source: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> None:
    expected = aten.diagonal.default(tensor, offset, dim1, dim2).shape
    sizes = f"{list(source.shape)} for {list(expected)}"
    need(source.shape == expected, f"expected src to have a size equal to the slice of self, but got {sizes}")


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


@requires(aten._adaptive_avg_pool2d.default)
def _adaptive_pool(tensor: Tensor, output_size: Sequence[int]) -> None:
    need(len(output_size) == 2, "adaptive_avg_pool2d: output_size must be 2")
    need(all(tensor.shape[1:]), f"adaptive_avg_pool2d: input has sizes {list(tensor.shape)}, some of them zero")


@requires(aten.grid_sampler_2d.default, aten.grid_sampler_3d.default)
def _grid_sampler(tensor: Tensor, grid: Tensor, *args: Any) -> None:
    sizes = f"{list(tensor.shape)} and {list(grid.shape)}"
    need(
        tensor.shape[0] == grid.shape[0], f"grid_sampler(): expected grid and input of one batch size, but got {sizes}"
    )
    types = f"{type_name(tensor.dtype)} and {type_name(grid.dtype)}"
    need(tensor.dtype == grid.dtype, f"grid_sampler(): expected grid and input of one dtype, but got {types}")
    need(all(tensor.shape[2:]), "grid_sampler(): expected input to have non-empty spatial dimensions")


@requires(*overloads("upsample_nearest2d upsample_bilinear2d upsample_bicubic2d _upsample_nearest_exact2d"))
def _upsample(tensor: Tensor, size: Sequence[int] | None, *args: Any, **kwargs: Any) -> None:
    need(tensor.ndim == 4, f"It is expected input_size equals to 4, but got size {tensor.ndim}")
    need(size is None or len(size) == 2, f"It is expected output_size equals to 2, but got {size}")
    sides = (*tensor.shape[1:], *(size or ()))
    need(all(sides), f"Input and output sizes should be greater than 0, but got {list(tensor.shape)} and {size}")


@requires(aten.im2col.default)
def _windows(tensor: Tensor, kernel: Any, dilation: Any, padding: Sequence[int], stride: Any) -> None:
    need(min(padding) >= 0, f"padding should be non-negative, but got {list(padding)}")


@requires(aten.pixel_unshuffle.default)
def _pixel_unshuffle(tensor: Tensor, factor: int) -> None:
    fits = factor > 0 and not any(size % factor for size in tensor.shape[-2:])
    need(fits, f"pixel_unshuffle expects height and width to be divisible by {factor}, but got {list(tensor.shape)}")


@requires(aten.bucketize.Tensor)
def _bucketize(tensor: Any, boundaries: Tensor, **kwargs: Any) -> None:
    need(boundaries.ndim == 1, f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")


@requires(aten.multinomial.default)
def _multinomial(tensor: Tensor, samples: int, replacement: bool = False, **kwargs: Any) -> None:
    need(samples > 0, "cannot sample n_sample <= 0 samples")
    fits = replacement or samples <= tensor.shape[-1]
    need(fits, "cannot sample n_sample > prob_dist.size(-1) samples without replacement")


@requires(aten.softshrink.default)
def _softshrink(tensor: Tensor, threshold: Any = 0.5) -> None:
    need(0 <= threshold < float("inf"), f"lambda must not be negative, and finite, but found {threshold}")


@requires(aten.convolution.default)
def _convolution(
    input_: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> None:
    need(min(padding, default=0) >= 0, "negative padding is not supported")
    need(min(stride, default=1) > 0, "non-positive stride is not supported")
    need(min(dilation, default=1) > 0, "dilation should be greater than zero")
    need(groups > 0, "non-positive groups is not supported")
    need(
        input_.dtype == weight.dtype,
        f"Input type ({type_name(input_.dtype)}) and weight type ({type_name(weight.dtype)}) differ",
    )
    need(input_.ndim == weight.ndim, f"Expected {weight.ndim}-dimensional input, but got {list(input_.shape)}")
    expected = weight.shape[0] if transposed else weight.shape[1] * groups
    sizes = f"groups={groups}, weight of size {list(weight.shape)}"
    channels = f"to have {expected} channels, but got {input_.shape[1]} channels instead"
    need(input_.shape[1] == expected, f"Given {sizes}, expected input{list(input_.shape)} {channels}")
    made = weight.shape[1] * groups if transposed else weight.shape[0]
    need(weight.shape[0] % groups == 0, f"Given {sizes}, expected weight to be divisible by groups at dimension 0")
    fits = is_vector(bias, made, input_.dtype)
    need(fits, f"Given {sizes}, expected bias to be 1-dimensional with {made} elements of {type_name(input_.dtype)}")
    if transposed:
        rank = weight.ndim - 2
        for extra, step, spread in zip(*[each(n, rank) or n for n in (output_padding, stride, dilation)], strict=False):
            need(0 <= extra < max(step, spread), "output padding must be smaller than either stride or dilation")


@requires(aten.native_batch_norm.default)
def _vectors(input_: Tensor, *args: Any) -> None:
    for parameter in args[:4]:
        rank = 1 if parameter is None else parameter.ndim
        need(rank == 1, f"TensorAccessor expected 1 dims but tensor has {rank}")
