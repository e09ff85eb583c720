"""The sizes and settings of convolutions, pooling and resampling that torch refuses on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.trace.meta_kernels.arguments import each, is_vector
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.meta_kernels.requirements import need, overloads, requires, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from archprof.trace.meta_kernels.requirements import Check


def _adaptive_pool(dimensions: int) -> Check:
    def check(tensor: Tensor, output_size: Sequence[int]) -> None:
        need(len(output_size) == dimensions, f"adaptive_avg_pool{dimensions}d: output_size must be {dimensions}")
        sizes = f"adaptive_avg_pool{dimensions}d: input has sizes {list(tensor.shape)}, some of them zero"
        need(all(tensor.shape[-dimensions:]), sizes)

    return check


requires(aten._adaptive_avg_pool2d.default)(_adaptive_pool(2))
requires(aten._adaptive_avg_pool3d.default)(_adaptive_pool(3))


@requires(*overloads("fractional_max_pool2d fractional_max_pool3d"))
def _fractional_pool(tensor: Tensor, kernel: Sequence[int], *args: Any, **kwargs: Any) -> None:
    need(min(kernel) > 0, f"fractional_max_pool: kernel size should be greater than zero, but got {list(kernel)}")


@requires(aten.grid_sampler_2d.default, aten.grid_sampler_3d.default)
def _grid_sampler(tensor: Tensor, grid: Tensor, *args: Any) -> None:
    sizes = f"{list(tensor.shape)} and {list(grid.shape)}"
    need(
        tensor.shape[0] == grid.shape[0], f"grid_sampler(): expected grid and input of one batch size, but got {sizes}"
    )
    types = f"{type_name(tensor.dtype)} and {type_name(grid.dtype)}"
    need(tensor.dtype == grid.dtype, f"grid_sampler(): expected grid and input of one dtype, but got {types}")
    need(all(tensor.shape[2:]), "grid_sampler(): expected input to have non-empty spatial dimensions")


_RESIZED = {
    1: "upsample_nearest1d upsample_linear1d _upsample_nearest_exact1d",
    2: "upsample_nearest2d upsample_bilinear2d upsample_bicubic2d _upsample_nearest_exact2d",
    3: "upsample_nearest3d upsample_trilinear3d _upsample_nearest_exact3d",
}


def _upsample(dimensions: int) -> Check:
    def check(tensor: Tensor, size: Sequence[int] | None, *args: Any, **kwargs: Any) -> None:
        rank = dimensions + 2
        need(tensor.ndim == rank, f"It is expected input_size equals to {rank}, but got size {tensor.ndim}")
        need(
            size is None or len(size) == dimensions,
            f"It is expected output_size equals to {dimensions}, but got {size}",
        )
        sides = (*tensor.shape[1:], *(size or ()))
        need(all(sides), f"Input and output sizes should be greater than 0, but got {list(tensor.shape)} and {size}")

    return check


for _dimensions, _names in _RESIZED.items():
    requires(*overloads(_names))(_upsample(_dimensions))


@requires(aten.im2col.default)
def _windows(tensor: Tensor, kernel: Any, dilation: Any, padding: Sequence[int], stride: Any) -> None:
    need(min(padding) >= 0, f"padding should be non-negative, but got {list(padding)}")


@requires(aten.pixel_unshuffle.default)
def _pixel_unshuffle(tensor: Tensor, factor: int) -> None:
    fits = factor > 0 and not any(size % factor for size in tensor.shape[-2:])
    need(fits, f"pixel_unshuffle expects height and width to be divisible by {factor}, but got {list(tensor.shape)}")


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
    rank = weight.ndim - 2
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    for name, numbers in {**settings, **({"output_padding": output_padding} if transposed else {})}.items():
        lengths = f"expected {name} to be a single integer value or a list of {rank} values, but got {list(numbers)}"
        need(len(numbers) in (1, rank), lengths)
    is_allowed = 0 in input_.shape[:2] or all(input_.shape)
    need(is_allowed, f"Only zero batch or zero channel inputs are supported, but got input shape: {list(input_.shape)}")
    expected = weight.shape[0] if transposed else weight.shape[1] * groups
    sizes = f"groups={groups}, weight of size {list(weight.shape)}"
    channels = f"to have {expected} channels, but got {input_.shape[1]} channels instead"
    need(input_.shape[1] == expected, f"Given {sizes}, expected input{list(input_.shape)} {channels}")
    need(all(weight.shape[2:]), f"kernel size should be greater than zero, but got {list(weight.shape[2:])}")
    made = weight.shape[1] * groups if transposed else weight.shape[0]
    need(weight.shape[0] % groups == 0, f"Given {sizes}, expected weight to be divisible by groups at dimension 0")
    fits = is_vector(bias, made, input_.dtype)
    need(fits, f"Given {sizes}, expected bias to be 1-dimensional with {made} elements of {type_name(input_.dtype)}")
    if transposed:
        for extra, step, spread in zip(*[each(n, rank) or n for n in (output_padding, stride, dilation)], strict=True):
            need(0 <= extra < max(step, spread), "output padding must be smaller than either stride or dilation")
