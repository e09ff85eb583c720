"""What torch's CPU kernels refuse and its meta kernels do not.

Held before an operation is left to a meta kernel; the rules that need none hold it themselves. A message says what
torch's says, and is of the same kind.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import (
    REDUCED,
    each,
    in_range,
    is_vector,
    overlaps_in_part,
    overlaps_itself,
    representable,
)
from archprof.trace.meta_kernels.registry import REQUIREMENTS, aten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    Check = Callable[..., None]


def requires(*operations: Any) -> Callable[[Check], Check]:
    """Enter a check of the arguments of some operations."""

    def add(check: Check) -> Check:
        for operation in operations:
            REQUIREMENTS.setdefault(operation, []).append(check)
        return check

    return add


def _overloads(names: str) -> Iterator[Any]:
    """Every overload of some operations, those in place too; what this release of torch has not is left out."""
    for name in names.split():
        packet = getattr(aten, name, None)
        yield from (getattr(packet, overload) for overload in packet.overloads()) if packet else ()


def _need(condition: bool, message: str, kind: type[Exception] = RuntimeError) -> None:
    if not condition:
        raise kind(message)


# -- types ---------------------------------------------------------------------------------------------------

_SAME_TYPES = {
    "mm dot vdot mv bmm _grouped_mm grid_sampler_2d grid_sampler_3d linalg_cross cross complex _cdist_forward": (0, 1),
    "addmm addmm_ addmv addmv_ addbmm addbmm_ baddbmm baddbmm_": (0, 1, 2),
    "index_copy index_copy_ index_add index_add_": (0, 3),
    "put put_": (0, 2),
    "nll_loss_forward nll_loss2d_forward": (0, 2),
    "masked_scatter masked_scatter_": (0, 2),
}
_TYPES = {
    "masked_fill masked_fill_ masked_scatter masked_scatter_": (1, (torch.bool,)),
    "index_copy index_copy_ index_fill index_fill_": (2, (torch.int64,)),
    "index_add index_add_": (2, (torch.int64, torch.int32)),
    "put put_": (1, (torch.int64,)),
    "nll_loss_forward nll_loss2d_forward": (1, (torch.int64, torch.uint8)),
}
_NOT_OF_MASKS = "sub sub_ rsub"
_OF_NO_MASK = "relu relu_ argmax argmin topk"
_OF_FLOATS = "var std var_mean std_mean multinomial"


def _same_types(positions: Sequence[int]) -> Check:
    def check(*args: Any, **kwargs: Any) -> None:
        types = {
            args[index].dtype for index in positions if index < len(args) and isinstance(args[index], torch.Tensor)
        }
        _need(len(types) < 2, f"expected tensors of one dtype, but got {' and '.join(sorted(map(_name, types)))}")

    return check


def _types(position: int, allowed: tuple[torch.dtype, ...]) -> Check:
    def check(*args: Any, **kwargs: Any) -> None:
        tensor = args[position] if position < len(args) else None
        if isinstance(tensor, torch.Tensor):
            expected = " or ".join(map(_name, allowed))
            _need(tensor.dtype in allowed, f"expected {expected}, but got a tensor of {_name(tensor.dtype)}")

    return check


def _whole(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


for _names, _positions in _SAME_TYPES.items():
    requires(*_overloads(_names))(_same_types(_positions))
for _names, (_position, _allowed) in _TYPES.items():
    requires(*_overloads(_names))(_types(_position, _allowed))


@requires(*_overloads(_NOT_OF_MASKS))
def _no_difference_of_masks(*args: Any, **kwargs: Any) -> None:
    masks = any(type(value) is bool or getattr(value, "dtype", None) == torch.bool for value in args[:2])
    _need(not masks, "Subtraction, the `-` operator, with a bool tensor is not supported")


@requires(*_overloads(_OF_NO_MASK))
def _no_mask(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    _need(tensor.dtype != torch.bool, "does not support bool input")


@requires(aten._safe_softmax.default)
def _not_complex(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    _need(not tensor.dtype.is_complex, "isneginf does not support complex inputs.")


@requires(*_overloads(_OF_FLOATS))
def _floats(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    _need(not _whole(tensor.dtype), f"only supports floating-point dtypes, but got {_name(tensor.dtype)}")


@requires(*_overloads("add add_ sub sub_ rsub"))
def _factor(left: Any, right: Any, factor: Any = 1, *, alpha: Any = 1, **kwargs: Any) -> None:
    types = [value.dtype for value in (left, right) if isinstance(value, torch.Tensor)]
    for number in (factor, alpha):
        masks = all(dtype == torch.bool for dtype in types)
        _need(type(number) is not bool or masks, "Boolean alpha only supported for Boolean results.")
        complex_ = any(dtype.is_complex for dtype in types) or type(right) is complex
        _need(type(number) is not complex or complex_, "For non-complex input tensors, alpha must not be complex")
        floats = type(right) in (float, complex) or not all(map(_whole, types))
        _need(type(number) is not float or floats, "For integral input tensors, alpha must not be a float")
        _representable(left, left, number)


@requires(
    *_overloads("masked_fill masked_fill_ hardtanh hardtanh_ clamp clamp_ clamp_min clamp_min_ clamp_max clamp_max_")
)
def _representable(tensor: Any, *values: Any, **kwargs: Any) -> None:
    if isinstance(tensor, torch.Tensor):
        message = f"value cannot be converted to type {_name(tensor.dtype)} without overflow"
        _need(all(type(value) not in (int, float) or representable(tensor.dtype, value) for value in values), message)


@requires(*_overloads("masked_fill masked_fill_"))
def _whole_number(tensor: Tensor, mask: Tensor, value: Any) -> None:
    if type(value) in (int, float) and tensor.dtype != torch.bool and _whole(tensor.dtype):
        limits = torch.iinfo(tensor.dtype)
        message = f"value cannot be converted to type {_name(tensor.dtype)} without overflow"
        _need(limits.min <= value <= limits.max, message)


@requires(aten.pow.Tensor_Scalar, aten.pow_.Scalar)
def _power(tensor: Tensor, exponent: Any) -> None:
    negative = type(exponent) is int and exponent < 0 and tensor.dtype != torch.bool and _whole(tensor.dtype)
    _need(not negative, "Integers to negative integer powers are not allowed.")


@requires(*_overloads("add_ sub_ mul_ div_"))
def _castable(left: Tensor, right: Any, *args: Any, **kwargs: Any) -> None:
    result = torch.result_type(left, right)
    _need(torch.can_cast(result, left.dtype), f"result type {_name(result)} can't be cast to {_name(left.dtype)}")


# -- dimensions ----------------------------------------------------------------------------------------------

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
                rank = max(tensor.ndim, 1)
                expected = f"expected to be in range of [{-rank}, {rank - 1}], but got {dim}"
                _need(in_range(dim, rank), f"Dimension out of range ({expected})", IndexError)

    return check


for _names, _positions in _DIMENSIONS.items():
    requires(*_overloads(_names))(_dimensions(_positions))


@requires(aten.roll.default)
def _roll(tensor: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> None:
    _need(bool(shifts), "`shifts` required")
    both = f"shifts and dimensions must align. shifts: {len(shifts)}, dims: {len(dims)}"
    _need(len(shifts) == (len(dims) or 1), both)
    if tensor.numel():
        for dim in dims:
            _dimensions((1,))(tensor, dim)


@requires(*_overloads("index index_put index_put_ _unsafe_index"))
def _index(tensor: Tensor, indices: Sequence[Tensor | None], *args: Any, **kwargs: Any) -> None:
    for size, index in zip(tensor.shape, indices, strict=False):
        there = size > 0 or index is None or index.dtype in (torch.bool, torch.uint8) or not index.numel()
        _need(bool(there), "index is out of bounds for dimension with size 0", IndexError)


@requires(aten._adaptive_avg_pool2d.default)
def _adaptive_pool(tensor: Tensor, output_size: Sequence[int]) -> None:
    _need(len(output_size) == 2, "adaptive_avg_pool2d: output_size must be 2")
    _need(all(tensor.shape[1:]), f"adaptive_avg_pool2d: input has sizes {list(tensor.shape)}, some of them zero")


@requires(aten.grid_sampler_2d.default, aten.grid_sampler_3d.default)
def _grid_sampler(tensor: Tensor, grid: Tensor, *args: Any) -> None:
    sizes = f"{list(tensor.shape)} and {list(grid.shape)}"
    _need(
        tensor.shape[0] == grid.shape[0], f"grid_sampler(): expected grid and input of one batch size, but got {sizes}"
    )
    _need(all(tensor.shape[2:]), "grid_sampler(): expected input to have non-empty spatial dimensions")


@requires(*_overloads("upsample_nearest2d upsample_bilinear2d upsample_bicubic2d _upsample_nearest_exact2d"))
def _upsample(tensor: Tensor, size: Sequence[int] | None, *args: Any, **kwargs: Any) -> None:
    _need(tensor.ndim == 4, f"It is expected input_size equals to 4, but got size {tensor.ndim}")
    _need(size is None or len(size) == 2, f"It is expected output_size equals to 2, but got {size}")
    sides = (*tensor.shape[1:], *(size or ()))
    _need(all(sides), f"Input and output sizes should be greater than 0, but got {list(tensor.shape)} and {size}")


@requires(aten.im2col.default)
def _windows(tensor: Tensor, kernel: Any, dilation: Any, padding: Sequence[int], stride: Any) -> None:
    _need(min(padding) >= 0, f"padding should be non-negative, but got {list(padding)}")


@requires(aten.pixel_unshuffle.default)
def _pixel_unshuffle(tensor: Tensor, factor: int) -> None:
    fits = factor > 0 and not any(size % factor for size in tensor.shape[-2:])
    _need(fits, f"pixel_unshuffle expects height and width to be divisible by {factor}, but got {list(tensor.shape)}")


@requires(aten.bucketize.Tensor)
def _bucketize(tensor: Any, boundaries: Tensor, **kwargs: Any) -> None:
    _need(boundaries.ndim == 1, f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")


@requires(aten.multinomial.default)
def _multinomial(tensor: Tensor, samples: int, replacement: bool = False, **kwargs: Any) -> None:
    _need(samples > 0, "cannot sample n_sample <= 0 samples")
    fits = replacement or samples <= tensor.shape[-1]
    _need(fits, "cannot sample n_sample > prob_dist.size(-1) samples without replacement")


@requires(aten.softshrink.default)
def _softshrink(tensor: Tensor, threshold: Any = 0.5) -> None:
    _need(0 <= threshold < float("inf"), f"lambda must not be negative, and finite, but found {threshold}")


# -- layers --------------------------------------------------------------------------------------------------


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
    _need(min(padding, default=0) >= 0, "negative padding is not supported")
    _need(min(stride, default=1) > 0, "non-positive stride is not supported")
    _need(min(dilation, default=1) > 0, "dilation should be greater than zero")
    _need(groups > 0, "non-positive groups is not supported")
    _need(
        input_.dtype == weight.dtype,
        f"Input type ({_name(input_.dtype)}) and weight type ({_name(weight.dtype)}) differ",
    )
    _need(input_.ndim == weight.ndim, f"Expected {weight.ndim}-dimensional input, but got {list(input_.shape)}")
    expected = weight.shape[0] if transposed else weight.shape[1] * groups
    sizes = f"weight of size {list(weight.shape)}, groups={groups}"
    fits = input_.shape[1] == expected
    _need(fits, f"Given {sizes}, expected input{list(input_.shape)} to have {expected} channels")
    made = weight.shape[1] * groups if transposed else weight.shape[0]
    _need(weight.shape[0] % groups == 0, f"Given {sizes}, expected weight to be divisible by groups at dimension 0")
    fits = is_vector(bias, made, input_.dtype)
    _need(fits, f"Given {sizes}, expected bias to be 1-dimensional with {made} elements of {_name(input_.dtype)}")
    if transposed:
        rank = weight.ndim - 2
        for extra, step, spread in zip(*[each(n, rank) or n for n in (output_padding, stride, dilation)], strict=False):
            _need(0 <= extra < max(step, spread), "output padding must be smaller than either stride or dilation")


@requires(*_overloads("native_batch_norm native_layer_norm native_group_norm"))
def _parameter_types(input_: Tensor, *args: Any, **kwargs: Any) -> None:
    types = {value.dtype for value in args if isinstance(value, torch.Tensor)} - {input_.dtype}
    mixed = input_.dtype in REDUCED and types == {torch.float32}
    message = "mixed dtype: expect parameters to have the scalar type of the input"
    _need(not types or mixed, f"{message}, {_name(input_.dtype)}, but got {', '.join(sorted(map(_name, types)))}")
    if mixed:
        parameters = {value.dtype for value in args if isinstance(value, torch.Tensor)}
        _need(parameters == types, message)


# -- memory --------------------------------------------------------------------------------------------------

_MAY_OVERLAP = frozenset(
    _overloads("fill_ zero_ masked_fill_ index_fill_ index_put_ _index_put_impl_ tril_ triu_ fill_diagonal_ threshold_")
)


def check_memory(operation: Any, args: Any, kwargs: Any) -> None:
    """Refuse to write to a tensor of which several elements are one place, or that shares some with what is read.

    Raises:
        RuntimeError: As torch does.
    """
    for position in _written(operation):
        target = kwargs.get(position) if isinstance(position, str) else args[position] if position < len(args) else None
        if not isinstance(target, torch.Tensor):
            continue
        several = "more than one element of the written-to tensor refers to a single memory location"
        _need(not overlaps_itself(target), f"unsupported operation: {several}. Please clone() the tensor first.")
        for source in args:
            if isinstance(source, torch.Tensor) and source is not target:
                shared = "some elements of the input tensor and the written-to tensor refer to a single memory location"
                _need(
                    not overlaps_in_part(target, source), f"unsupported operation: {shared}. Please clone() it first."
                )


@cache
def _written(operation: Any) -> tuple[int | str, ...]:
    """The arguments that an operation's schema says are written to, where torch looks at their memory."""
    if operation in _MAY_OVERLAP or torch.Tag.inplace_view in operation.tags:
        return ()
    return tuple(
        argument.name if argument.kwarg_only else index
        for index, argument in enumerate(operation._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
