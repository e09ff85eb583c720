"""Results of the commonest operations on meta tensors, worked out directly.

torch works most of these out in Python, at up to several milliseconds a call and seconds for the first, which is where
nearly all the time of a pass without memory goes. Each function here gives the tensors (shape, strides, dtype) that the
operation gives on the CPU, or None where it is not sure, and then torch is asked. The tests hold each against
torch on the CPU.
"""

from __future__ import annotations

from math import ceil, prod
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import broadcast, channels_last, elementwise, empty, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

aten = torch.ops.aten

SHAPES: dict[Any, Callable[..., Any]] = {}
"""Operation -> the function that gives its result, called with the operation's own arguments."""


def gives(*operations: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function for some operations."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        SHAPES.update(dict.fromkeys(operations, function))
        return function

    return add


_UNARY = """
    abs acos asin atan ceil cos cosh elu erf exp exp2 expm1 floor gelu hardsigmoid hardswish hardtanh leaky_relu log
    log10 log1p log2 mish neg reciprocal relu relu6 round rsqrt selu sigmoid silu sin sinh softplus sqrt square tan tanh
    celu hardshrink softshrink
"""


def _unary(tensor: Tensor, *parameters: Any, **keywords: Any) -> Any:
    return elementwise(tensor.shape, tensor) if tensor.dtype.is_floating_point else None


def _in_place(tensor: Tensor, *parameters: Any, **keywords: Any) -> Any:
    return tensor if tensor.dtype.is_floating_point else None


for _name in _UNARY.split():
    SHAPES[getattr(aten, _name).default] = _unary
    if hasattr(aten, _name + "_"):
        SHAPES[getattr(aten, _name + "_").default] = _in_place
SHAPES[aten.clamp.default] = _unary
SHAPES[aten.clamp_min.default] = _unary
SHAPES[aten.clamp_max.default] = _unary
SHAPES[aten.pow.Tensor_Scalar] = _unary
for _name in ("add", "sub", "mul", "div", "rsub"):
    SHAPES[getattr(aten, _name).Scalar] = _unary


@gives(*(getattr(aten, name).Scalar for name in ("eq", "ne", "lt", "le", "gt", "ge")))
def _comparison(tensor: Tensor, number: Any) -> Any:
    return elementwise(tensor.shape, tensor, dtype=torch.bool)


@gives(aten.pow.Scalar)
def _power_of_a_number(base: Any, exponent: Tensor) -> Any:
    return _unary(exponent) if ordered(exponent) and not isinstance(base, complex) else None


@gives(aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.minimum.default)
def _binary(left: Any, right: Any, *, alpha: Any = 1) -> Any:
    if not isinstance(right, torch.Tensor):
        return None if isinstance(right, complex) else _unary(left)
    if not isinstance(left, torch.Tensor):
        return None
    dtypes = {left.dtype, right.dtype} - {torch.bool}  # a mask becomes numbers
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or not dtype.is_floating_point:
        return None
    if left.shape == right.shape:
        return elementwise(left.shape, left, right, dtype=dtype)
    shape = broadcast(left, right)
    return None if shape is None else elementwise(shape, left, right, dtype=dtype)


@gives(aten.bitwise_not.default, aten.logical_not.default)
def _of_a_mask(mask: Tensor) -> Any:
    return elementwise(mask.shape, mask) if mask.dtype == torch.bool else None


@gives(aten.bitwise_and.Tensor, aten.bitwise_or.Tensor, aten.logical_and.default, aten.logical_or.default)
def _of_two_masks(left: Tensor, right: Tensor) -> Any:
    shape = broadcast(left, right)
    both = left.dtype == right.dtype == torch.bool
    return elementwise(shape, left, right) if shape is not None and both else None


@gives(aten.masked_fill.Scalar)
def _masked_fill(tensor: Tensor, mask: Tensor, value: Any) -> Any:
    shape = broadcast(tensor, mask)
    return empty(shape, tensor.dtype) if shape == list(tensor.shape) and tensor.is_contiguous() else None


@gives(aten.where.self)
def _where(condition: Tensor, left: Tensor, right: Tensor) -> Any:
    shape = broadcast(condition, left, right)
    if shape is None or left.dtype != right.dtype or condition.dtype != torch.bool:
        return None
    return elementwise(shape, condition, left, right, dtype=left.dtype)


@gives(aten.add_.Tensor, aten.sub_.Tensor, aten.mul_.Tensor, aten.div_.Tensor)
def _binary_in_place(left: Tensor, right: Any, *, alpha: Any = 1) -> Any:
    result = _binary(left, right, alpha=alpha)
    return left if result is not None and result.shape == left.shape and result.dtype == left.dtype else None


@gives(aten.convolution.default)
def _convolution(
    input_: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Any:
    sizes, kernels = input_.shape, weight.shape
    rank = len(sizes) - 2
    if rank not in (1, 2, 3) or len(kernels) != len(sizes) or input_.dtype != weight.dtype:
        return None
    last = channels_last(input_)
    if not weight.is_contiguous() or (last and (transposed or rank != 2)) or not (last or ordered(input_)):
        return None
    steps, pads, spread = each(stride, rank), each(padding, rank), each(dilation, rank)
    reach = [spread[i] * (kernels[2 + i] - 1) for i in range(rank)]
    if transposed:
        extra = each(output_padding, rank)
        channels = kernels[1] * groups
        fits = kernels[0] == sizes[1]
        size = [(sizes[2 + i] - 1) * steps[i] - 2 * pads[i] + reach[i] + extra[i] + 1 for i in range(rank)]
    else:
        channels = kernels[0]
        fits = kernels[1] * groups == sizes[1] and channels % groups == 0
        size = [(sizes[2 + i] + 2 * pads[i] - reach[i] - 1) // steps[i] + 1 for i in range(rank)]
    if not fits or min(size) < 1 or sizes[0] < 1:
        return None  # torch says what is wrong
    result = empty((sizes[0], channels, *size), input_.dtype)
    return result.to(memory_format=torch.channels_last) if last else result


def each(numbers: Sequence[int], rank: int) -> Sequence[int]:
    """One number may stand for all dimensions."""
    return numbers if len(numbers) == rank else [numbers[0]] * rank


@gives(aten.native_batch_norm.default)
def _batch_norm(
    input_: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    result = None if training else normalised(input_, mean)
    return None if result is None else (result, empty((0,), input_.dtype), empty((0,), input_.dtype))


def normalised(input_: Tensor, mean: Tensor | None) -> Tensor | None:
    """What batch normalisation gives in evaluation, without the statistics, which are empty there."""
    shape = input_.shape
    if mean is not None and mean.shape[0] != shape[1]:
        return None
    if len(shape) == 4 and channels_last(input_):
        return empty(shape, input_.dtype).to(memory_format=torch.channels_last)
    return empty(shape, input_.dtype) if ordered(input_) else None


@gives(aten.native_layer_norm.default)
def _layer_norm(input_: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    kept = input_.ndim - len(shape)
    if list(input_.shape[kept:]) != list(shape) or input_.dtype != torch.float32:
        return None
    statistics = (*input_.shape[:kept], *[1] * len(shape))
    return empty(input_.shape, input_.dtype), empty(statistics, input_.dtype), empty(statistics, input_.dtype)


@gives(aten.native_group_norm.default)
def _group_norm(
    input_: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, hw: int, groups: int, eps: float
) -> Any:
    if not input_.is_contiguous() or input_.dtype != torch.float32 or input_.numel() != n * c * hw:
        return None
    return empty(input_.shape, input_.dtype), empty((n, groups), input_.dtype), empty((n, groups), input_.dtype)


@gives(aten._safe_softmax.default)
def _safe_softmax(input_: Tensor, dim: int, dtype: torch.dtype | None = None) -> Any:
    return None if dtype else empty(input_.shape, input_.dtype)


@gives(aten._softmax.default, aten._log_softmax.default)
def _softmax(input_: Tensor, dim: int, half_to_float: bool) -> Any:
    return empty(input_.shape, input_.dtype) if not half_to_float else None


@gives(aten.mm.default)
def _mm(left: Tensor, right: Tensor) -> Any:
    mine, other = left.shape, right.shape
    if len(mine) != 2 or len(other) != 2 or mine[1] != other[0] or left.dtype != right.dtype:
        return None
    return empty((mine[0], other[1]), left.dtype)


@gives(aten.addmm.default)
def _addmm(bias: Tensor, left: Tensor, right: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(left, right)
    return product if product is not None and bias.dtype == left.dtype and bias.shape == product.shape[1:] else None


@gives(aten.bmm.default)
def _bmm(left: Tensor, right: Tensor) -> Any:
    if left.ndim != 3 or right.ndim != 3 or left.dtype != right.dtype:
        return None
    if left.shape[0] != right.shape[0] or left.shape[2] != right.shape[1]:
        return None
    return empty((left.shape[0], left.shape[1], right.shape[2]), left.dtype)


@gives(*([aten._grouped_mm.default] if hasattr(aten, "_grouped_mm") else []))  # torch 2.8
def _grouped_mm(
    left: Tensor, right: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None
) -> Any:
    # Some releases of torch refuse float32 on meta alone. Rows of whole 16 bytes are what no device pads.
    rows, wide = left.shape[0], right.shape[-1]
    if (left.ndim, right.ndim) != (2, 3) or left.dtype != right.dtype or bias is not None or out_dtype is not None:
        return None
    if offs is None or left.shape[1] != right.shape[1] or wide * left.dtype.itemsize % 16:
        return None
    return empty([rows, wide], left.dtype)


@gives(aten.zeros_like.default, aten.ones_like.default)
def _like(tensor: Tensor, **keywords: Any) -> Any:
    """Another tensor of the same layout; with any option but a dtype it is left to torch."""
    dtype = keywords.pop("dtype", None) or tensor.dtype
    if any(value is not None and value is not False for value in keywords.values()) or not tensor.is_contiguous():
        return None
    return empty(tensor.shape, dtype)


def _is_meta(device: Any) -> bool:
    """Whether a tensor that is made on a device, if one is named, has no memory."""
    return device is not None and torch.device(device).type == "meta"


@gives(aten.ones.default, aten.zeros.default)
def _filled(size: Sequence[int], *, dtype: Any = None, device: Any = None, **rest: Any) -> Any:
    if not _is_meta(device) or any(rest.values()):
        return None
    return empty(size, dtype or torch.get_default_dtype())


@gives(aten.arange.default)
def _count_up(end: float, **keywords: Any) -> Any:
    return _range(0, end, **keywords)


@gives(aten.arange.start, aten.arange.start_step)
def _range(start: float, end: float, step: float = 1, *, dtype: Any = None, device: Any = None, **rest: Any) -> Any:
    numbers = (start, end, step)
    if not _is_meta(device) or not step or (end - start) / step < 0:
        return None
    if not all(type(number) in (int, float) for number in numbers):
        return None
    whole = all(type(number) is int for number in numbers)
    return empty([ceil((end - start) / step)], dtype or (torch.int64 if whole else torch.get_default_dtype()))


@gives(aten.cat.default)
def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    dtype, shapes = tensors[0].dtype, [tuple(tensor.shape) for tensor in tensors]
    rank = len(shapes[0])
    if not rank or any(tensor.dtype != dtype for tensor in tensors):
        return None
    dim %= rank
    before, after = shapes[0][:dim], shapes[0][dim + 1 :]
    if any(shape[:dim] != before or shape[dim + 1 :] != after for shape in shapes):
        return None
    if all(channels_last(tensor) for tensor in tensors):
        return None
    return empty((*before, sum([shape[dim] for shape in shapes]), *after), dtype)


@gives(aten.stack.default)
def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    first = tensors[0]
    if any(tensor.shape != first.shape or tensor.dtype != first.dtype for tensor in tensors):
        return None
    if first.ndim > 2 and not all(
        tensor.is_contiguous() and tensor.stride(-1) == 1 != tensor.stride(1) for tensor in tensors
    ):
        return None
    dim %= first.ndim + 1
    return empty((*first.shape[:dim], len(tensors), *first.shape[dim:]), first.dtype)


@gives(aten.mean.dim, aten.sum.dim_IntList, aten.amax.default, aten.amin.default)
def _reduction(
    input_: Tensor, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Any:
    shape = input_.shape
    if not dims or dtype or not input_.dtype.is_floating_point or not prod(shape):
        return None
    gone = {dim % len(shape) for dim in dims}
    sizes = [1 if i in gone else size for i, size in enumerate(shape) if keepdim or i not in gone]
    return empty(sizes, input_.dtype)


@gives(aten.roll.default, aten.tril.default, aten.triu.default)
def _contiguous(input_: Tensor, *parameters: Any) -> Any:
    return empty(input_.shape, input_.dtype)


@gives(aten.grid_sampler_2d.default)
def _grid_sampler(input_: Tensor, grid: Tensor, *parameters: Any) -> Any:
    if input_.ndim != 4 or grid.ndim != 4 or input_.shape[0] != grid.shape[0] or input_.dtype != grid.dtype:
        return None
    return empty((*input_.shape[:2], *grid.shape[1:3]), input_.dtype)


@gives(aten.embedding.default)
def _embedding(weight: Tensor, indices: Tensor, *parameters: Any) -> Any:
    return empty((*indices.shape, weight.shape[1]), weight.dtype) if weight.ndim == 2 else None


@gives(aten.index.Tensor)
def _index(input_: Tensor, indices: Sequence[Tensor | None]) -> Any:
    if len(indices) != 1 or not input_.is_contiguous() or not input_.ndim:
        return None
    rows = indices[0]
    if rows is None or rows.dtype != torch.int64 or not rows.is_contiguous():
        return None
    return empty((*rows.shape, *input_.shape[1:]), input_.dtype)


@gives(aten.all.dim, aten.any.dim)
def _reduction_of_a_mask(mask: Tensor, dim: int, keepdim: bool = False) -> Any:
    if mask.dtype != torch.bool or not mask.ndim:
        return None
    dim %= mask.ndim
    sizes = [*mask.shape[:dim], *([1] if keepdim else []), *mask.shape[dim + 1 :]]
    return empty(sizes, torch.bool)
