"""Results of the commonest operations on meta tensors, worked out directly.

torch works most of these out in Python, at up to several milliseconds a call and seconds for the first, which is where
nearly all the time of a pass without memory goes. Each function here gives the tensors (shape, strides, dtype) that the
operation gives on the CPU, or None where it is not sure, and then torch is asked. The tests hold each against
torch on the CPU.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import torch

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


def _empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def _ordered(tensor: Tensor) -> bool:
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


def _channels_last(tensor: Tensor) -> bool:
    """Whether torch takes its channels to be the fastest in memory (c10/core/MemoryFormat.h)."""
    if tensor.ndim not in (4, 5) or not tensor.stride(1):
        return False
    least = 0
    for dim in (1, *range(tensor.ndim - 1, 1, -1), 0):
        stride, size = tensor.stride(dim), tensor.shape[dim]
        if not size or stride < least or (dim == 0 and least == tensor.stride(1)):
            return False
        least = stride * size
    return True


def _elementwise(shape: Sequence[int], *operands: Tensor) -> Tensor:
    """The result of a function of each element of some tensors that broadcast to a shape, all of one dtype.

    Its dimensions lie in memory in the order in which the operands' do, the first operand that tells any two
    of them apart having the say (TensorIterator's rule, aten/src/ATen/TensorIterator.cpp, reorder_dimensions).
    """
    if all(_ordered(operand) for operand in operands):
        return _empty(shape, operands[0].dtype)
    rank = len(shape)
    strides = [[0] * (rank - operand.ndim) + _steps(operand) for operand in operands]
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
    return torch.empty_strided(shape, result, dtype=operands[0].dtype, device="meta")


def _steps(operand: Tensor) -> list[int]:
    return [0 if size == 1 else stride for size, stride in zip(operand.shape, operand.stride(), strict=True)]


def _compare(dim: int, other: int, strides: list[list[int]], shape: Sequence[int]) -> int:
    """1 where ``dim`` is the slower one in memory, -1 where the faster, 0 where no operand tells."""
    for stride in strides:
        mine, its = stride[dim], stride[other]
        if mine and its:
            if mine != its:
                return 1 if mine > its else -1
            if shape[dim] > shape[other]:
                return 1
    return 0


_UNARY = """
    abs acos asin atan ceil cos cosh elu erf exp exp2 expm1 floor gelu hardsigmoid hardswish hardtanh leaky_relu log
    log10 log1p log2 mish neg reciprocal relu relu6 round rsqrt selu sigmoid silu sin sinh softplus sqrt square tan tanh
    celu hardshrink softshrink
"""


def _unary(tensor: Tensor, *parameters: Any, **keywords: Any) -> Any:
    return _elementwise(tensor.shape, tensor) if tensor.dtype.is_floating_point else None


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


@gives(aten.pow.Scalar)
def _power_of_a_number(base: Any, exponent: Tensor) -> Any:
    return _unary(exponent) if _ordered(exponent) and not isinstance(base, complex) else None


@gives(aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.minimum.default)
def _binary(left: Any, right: Any, *, alpha: Any = 1) -> Any:
    if not isinstance(right, torch.Tensor):
        return None if isinstance(right, complex) else _unary(left)
    if not isinstance(left, torch.Tensor):
        return None
    if left.dtype != right.dtype or not left.dtype.is_floating_point:
        return None
    if left.shape == right.shape:
        return _elementwise(left.shape, left, right)
    shape = _broadcast(left, right)
    return None if shape is None else _elementwise(shape, left, right)


def _broadcast(*tensors: Tensor) -> list[int] | None:
    """The shape that some tensors broadcast to, or None where they do not."""
    shape = [1] * max(tensor.ndim for tensor in tensors)
    for tensor in tensors:
        for index in range(1, tensor.ndim + 1):
            mine, other = shape[-index], tensor.shape[-index]
            if mine == 1:
                shape[-index] = other
            elif other not in (1, mine):
                return None
    return shape


@gives(aten.where.self)
def _where(condition: Tensor, left: Tensor, right: Tensor) -> Any:
    shape = _broadcast(condition, left, right)
    if shape is None or left.dtype != right.dtype or condition.dtype != torch.bool:
        return None
    result = _elementwise(shape, condition, left, right)
    return torch.empty_strided(shape, result.stride(), dtype=left.dtype, device="meta")


@gives(aten.add_.Tensor, aten.sub_.Tensor, aten.mul_.Tensor, aten.div_.Tensor)
def _binary_in_place(left: Tensor, right: Any, *, alpha: Any = 1) -> Any:
    result = _binary(left, right, alpha=alpha)
    return left if result is not None and result.shape == left.shape else None


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
    rank = input_.ndim - 2
    if rank not in (1, 2, 3) or weight.ndim != input_.ndim or input_.dtype != weight.dtype:
        return None
    if not (_ordered(input_) and weight.is_contiguous()):
        return None
    steps, pads, spread = _each(stride, rank), _each(padding, rank), _each(dilation, rank)
    kernel = weight.shape[2:]
    reach = [spread[i] * (kernel[i] - 1) for i in range(rank)]
    if transposed:
        extra = _each(output_padding, rank)
        channels = weight.shape[1] * groups
        fits = weight.shape[0] == input_.shape[1]
        size = [(input_.shape[2 + i] - 1) * steps[i] - 2 * pads[i] + reach[i] + extra[i] + 1 for i in range(rank)]
    else:
        channels = weight.shape[0]
        fits = weight.shape[1] * groups == input_.shape[1] and channels % groups == 0
        size = [(input_.shape[2 + i] + 2 * pads[i] - reach[i] - 1) // steps[i] + 1 for i in range(rank)]
    if not fits or min(size) < 1 or input_.shape[0] < 1:
        return None  # torch says what is wrong
    return _empty((input_.shape[0], channels, *size), input_.dtype)


def _each(numbers: Sequence[int], rank: int) -> Sequence[int]:
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
    if training or not input_.is_contiguous() or (mean is not None and mean.shape[0] != input_.shape[1]):
        return None
    return _empty(input_.shape, input_.dtype), _empty((0,), input_.dtype), _empty((0,), input_.dtype)


@gives(aten.native_layer_norm.default)
def _layer_norm(input_: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    kept = input_.ndim - len(shape)
    if list(input_.shape[kept:]) != list(shape) or input_.dtype != torch.float32:
        return None
    statistics = (*input_.shape[:kept], *[1] * len(shape))
    return _empty(input_.shape, input_.dtype), _empty(statistics, input_.dtype), _empty(statistics, input_.dtype)


@gives(aten.native_group_norm.default)
def _group_norm(
    input_: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, hw: int, groups: int, eps: float
) -> Any:
    if not input_.is_contiguous() or input_.dtype != torch.float32 or input_.numel() != n * c * hw:
        return None
    return _empty(input_.shape, input_.dtype), _empty((n, groups), input_.dtype), _empty((n, groups), input_.dtype)


@gives(aten._safe_softmax.default)
def _safe_softmax(input_: Tensor, dim: int, dtype: torch.dtype | None = None) -> Any:
    return None if dtype else _empty(input_.shape, input_.dtype)


@gives(aten._softmax.default, aten._log_softmax.default)
def _softmax(input_: Tensor, dim: int, half_to_float: bool) -> Any:
    return _empty(input_.shape, input_.dtype) if not half_to_float else None


@gives(aten.mm.default)
def _mm(left: Tensor, right: Tensor) -> Any:
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0] or left.dtype != right.dtype:
        return None
    return _empty((left.shape[0], right.shape[1]), left.dtype)


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
    return _empty((left.shape[0], left.shape[1], right.shape[2]), left.dtype)


@gives(aten.zeros_like.default, aten.ones_like.default)
def _like(tensor: Tensor, **keywords: Any) -> Any:
    """Another tensor of the same layout; with any option but a dtype it is left to torch."""
    dtype = keywords.pop("dtype", None) or tensor.dtype
    if any(value is not None and value is not False for value in keywords.values()) or not tensor.is_contiguous():
        return None
    return _empty(tensor.shape, dtype)


@gives(aten.cat.default)
def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    first = tensors[0]
    dim %= max(first.ndim, 1)
    length = 0
    for tensor in tensors:
        if tensor.dtype != first.dtype or tensor.ndim != first.ndim:
            return None
        length += tensor.shape[dim] if tensor.ndim else 0
        if any(a != b for i, (a, b) in enumerate(zip(tensor.shape, first.shape, strict=True)) if i != dim):
            return None
    if not first.ndim or all(_channels_last(tensor) for tensor in tensors):
        return None
    return _empty((*first.shape[:dim], length, *first.shape[dim + 1 :]), first.dtype)


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
    return _empty((*first.shape[:dim], len(tensors), *first.shape[dim:]), first.dtype)


@gives(
    aten.upsample_nearest2d.default,
    aten.upsample_bilinear2d.default,
    aten.upsample_bicubic2d.default,
    aten._upsample_nearest_exact2d.default,
)
def _upsample(input_: Tensor, output_size: Sequence[int], *rest: Any) -> Any:
    if not _ordered(input_) or input_.ndim != 4 or not input_.dtype.is_floating_point or min(output_size) < 1:
        return None
    return _empty((*input_.shape[:2], *output_size), input_.dtype)


def _pooled(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[int, ...] | None:
    """The shape that a 2d pooling gives, or None where it takes thought (rounding up) or fails."""
    if input_.ndim != 4 or not _ordered(input_) or ceil_mode or not input_.dtype.is_floating_point:
        return None
    kernel, padding, dilation = _each(kernel, 2), _each(padding, 2), _each(dilation, 2)
    stride = _each(stride, 2) if stride else kernel
    size = [
        (input_.shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(2)
    ]
    fits = min(size) >= 1 and all(2 * pad <= width for pad, width in zip(padding, kernel, strict=True))
    return (*input_.shape[:2], *size) if fits else None


@gives(aten.max_pool2d_with_indices.default)
def _max_pool(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Any:
    shape = _pooled(input_, kernel, stride, padding, dilation, ceil_mode)
    return shape and (_empty(shape, input_.dtype), _empty(shape, torch.int64))


@gives(aten.avg_pool2d.default)
def _average_pool(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Any:
    shape = _pooled(input_, kernel, stride, padding, (1,), ceil_mode)
    return shape and _empty(shape, input_.dtype)


@gives(aten._adaptive_avg_pool2d.default)
def _adaptive_average_pool(input_: Tensor, output_size: Sequence[int]) -> Any:
    if input_.ndim != 4 or not _ordered(input_) or min(output_size) < 1:
        return None
    return _empty((*input_.shape[:2], *output_size), input_.dtype)


@gives(aten.mean.dim, aten.sum.dim_IntList, aten.amax.default, aten.amin.default)
def _reduction(
    input_: Tensor, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Any:
    if not dims or dtype or not input_.is_contiguous() or not input_.dtype.is_floating_point or not prod(input_.shape):
        return None
    gone = {dim % input_.ndim for dim in dims}
    sizes = [1 if i in gone else size for i, size in enumerate(input_.shape) if keepdim or i not in gone]
    return _empty(sizes, input_.dtype)


@gives(aten.roll.default, aten.tril.default, aten.triu.default)
def _contiguous(input_: Tensor, *parameters: Any) -> Any:
    return _empty(input_.shape, input_.dtype)


@gives(aten.grid_sampler_2d.default)
def _grid_sampler(input_: Tensor, grid: Tensor, *parameters: Any) -> Any:
    if input_.ndim != 4 or grid.ndim != 4 or input_.shape[0] != grid.shape[0] or input_.dtype != grid.dtype:
        return None
    return _empty((*input_.shape[:2], *grid.shape[1:3]), input_.dtype)


@gives(aten.embedding.default)
def _embedding(weight: Tensor, indices: Tensor, *parameters: Any) -> Any:
    return _empty((*indices.shape, weight.shape[1]), weight.dtype) if weight.ndim == 2 else None


@gives(aten.index.Tensor)
def _index(input_: Tensor, indices: Sequence[Tensor | None]) -> Any:
    if len(indices) != 1 or not input_.is_contiguous() or not input_.ndim:
        return None
    rows = indices[0]
    if rows is None or rows.dtype != torch.int64 or not rows.is_contiguous():
        return None
    return _empty((*rows.shape, *input_.shape[1:]), input_.dtype)
