"""The types of operands that torch refuses on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import REDUCED, representable
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.meta_kernels.requirements import need, overloads, requires, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from archprof.trace.meta_kernels.requirements import Check


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
        need(len(types) < 2, f"expected tensors of one dtype, but got {' and '.join(sorted(map(type_name, types)))}")

    return check


def _types(position: int, allowed: tuple[torch.dtype, ...]) -> Check:
    def check(*args: Any, **kwargs: Any) -> None:
        tensor = args[position] if position < len(args) else None
        if isinstance(tensor, torch.Tensor):
            expected = " or ".join(map(type_name, allowed))
            need(tensor.dtype in allowed, f"expected {expected}, but got a tensor of {type_name(tensor.dtype)}")

    return check


def _whole(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex)


for _names, _positions in _SAME_TYPES.items():
    requires(*overloads(_names))(_same_types(_positions))
for _names, (_position, _allowed) in _TYPES.items():
    requires(*overloads(_names))(_types(_position, _allowed))


@requires(*overloads(_NOT_OF_MASKS))
def _no_difference_of_masks(*args: Any, **kwargs: Any) -> None:
    masks = any(type(value) is bool or getattr(value, "dtype", None) == torch.bool for value in args[:2])
    need(not masks, "Subtraction, the `-` operator, with a bool tensor is not supported")


@requires(*overloads(_OF_NO_MASK))
def _no_mask(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    need(tensor.dtype != torch.bool, "does not support bool input")


@requires(aten._safe_softmax.default)
def _not_complex(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    need(not tensor.dtype.is_complex, "isneginf does not support complex inputs.")


@requires(*overloads(_OF_FLOATS))
def _floats(tensor: Tensor, *args: Any, **kwargs: Any) -> None:
    need(not _whole(tensor.dtype), f"only supports floating-point dtypes, but got {type_name(tensor.dtype)}")


_OF_BITS = "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_and_ bitwise_or_ bitwise_xor_ bitwise_not_"


@requires(*overloads(_OF_BITS))
def _bits(*args: Any, **kwargs: Any) -> None:
    for tensor in args:
        if isinstance(tensor, torch.Tensor):
            need(_whole(tensor.dtype), f"bitwise operations are not implemented for {type_name(tensor.dtype)}")


@requires(*overloads("add add_ sub sub_ rsub"))
def _factor(left: Any, right: Any, factor: Any = 1, *, alpha: Any = 1, **kwargs: Any) -> None:
    types = [value.dtype for value in (left, right) if isinstance(value, torch.Tensor)]
    for number in (factor, alpha):
        masks = all(dtype == torch.bool for dtype in types) and type(right) not in (int, float, complex)
        need(type(number) is not bool or masks, "Boolean alpha only supported for Boolean results.")
        complex_ = any(dtype.is_complex for dtype in types) or type(right) is complex
        need(type(number) is not complex or complex_, "For non-complex input tensors, alpha must not be complex")
        floats = type(right) in (float, complex) or not all(map(_whole, types))
        need(type(number) is not float or floats, "For integral input tensors, alpha must not be a float")
        _representable(left, left, number)


@requires(
    *overloads("masked_fill masked_fill_ hardtanh hardtanh_ clamp clamp_ clamp_min clamp_min_ clamp_max clamp_max_")
)
def _representable(tensor: Any, *values: Any, **kwargs: Any) -> None:
    if isinstance(tensor, torch.Tensor):
        message = f"value cannot be converted to type {type_name(tensor.dtype)} without overflow"
        need(all(type(value) not in (int, float) or representable(tensor.dtype, value) for value in values), message)


@requires(*overloads("masked_fill masked_fill_"))
def _whole_number(tensor: Tensor, mask: Tensor, value: Any) -> None:
    if type(value) in (int, float) and tensor.dtype != torch.bool and _whole(tensor.dtype):
        limits = torch.iinfo(tensor.dtype)
        message = f"value cannot be converted to type {type_name(tensor.dtype)} without overflow"
        need(limits.min <= value <= limits.max, message)


@requires(aten.pow.Tensor_Scalar, aten.pow_.Scalar)
def _power(tensor: Tensor, exponent: Any) -> None:
    negative = type(exponent) is int and exponent < 0 and _whole(tensor.dtype)
    need(not negative, "Integers to negative integer powers are not allowed.")


@requires(*overloads("add_ sub_ mul_ div_"))
def _castable(left: Tensor, right: Any, *args: Any, **kwargs: Any) -> None:
    result = torch.result_type(left, right)
    need(
        torch.can_cast(result, left.dtype), f"result type {type_name(result)} can't be cast to {type_name(left.dtype)}"
    )


@requires(*overloads("native_batch_norm native_layer_norm native_group_norm"))
def _parameter_types(input_: Tensor, *args: Any, **kwargs: Any) -> None:
    types = {value.dtype for value in args if isinstance(value, torch.Tensor)} - {input_.dtype}
    mixed = input_.dtype in REDUCED and types == {torch.float32}
    message = "mixed dtype: expect parameters of the input's type"
    need(
        not types or mixed, f"{message}, {type_name(input_.dtype)}, but got {', '.join(sorted(map(type_name, types)))}"
    )
    if mixed:
        parameters = {value.dtype for value in args if isinstance(value, torch.Tensor)}
        need(parameters == types, message)
