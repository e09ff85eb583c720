"""The types and numbers that torch refuses on the CPU, of those that its kernels are not asked about (cpu_types)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import REDUCED, representable
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.meta_kernels.requirements import need, overloads, requires, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_OF_INTEGERS = """
    bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift __and__ __or__ __xor__
    __lshift__ __rshift__ gcd lcm
"""
_OF_MASKS = "masked_fill masked_fill_ masked_scatter masked_scatter_"


def _whole(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex)


@requires(*[operation for name in _OF_INTEGERS.split() for operation in overloads(f"{name} {name}_")])
def _integers(*args: Any, **kwargs: Any) -> None:
    for tensor in args:
        if isinstance(tensor, torch.Tensor):
            need(_whole(tensor.dtype), f"not implemented for {type_name(tensor.dtype)}: it is of integers")


@requires(*overloads(_OF_MASKS))
def _masks(tensor: Tensor, mask: Tensor, *args: Any, **kwargs: Any) -> None:
    need(mask.dtype == torch.bool, f"expected a mask of bool, but got {type_name(mask.dtype)}")


@requires(*overloads("sub sub_ rsub"))
def _no_difference_of_masks(tensor: Any, *args: Any, **kwargs: Any) -> None:
    need(
        not any(type(value) is bool for value in args[:1]),
        "Subtraction, the `-` operator, with a bool is not supported",
    )


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


@requires(*overloads("_linalg_svd"))
def _no_driver(matrix: Tensor, *args: Any, driver: str | None = None) -> None:
    need(driver is None, "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA")


@requires(*overloads("_fft_r2c _fft_c2c _fft_c2r"))
def _spectrum(tensor: Tensor, dims: Sequence[int], normalization: int, last: bool | int, *args: Any) -> None:
    """The CPU has no transforms in half precision at all; GPUs have those whose lengths are powers of two (cuFFT)."""
    need(tensor.dtype != torch.bfloat16, f"Unsupported dtype {type_name(tensor.dtype)}", NotImplementedError)
    if tensor.dtype in (torch.float16, torch.complex32):
        lengths = [tensor.shape[dim] for dim in dims]
        if type(last) is int:  # how long the result of a c2r is along its last dimension
            lengths[-1] = last
        message = (
            f"in half precision only lengths that are powers of two are supported, and only on GPUs, not {lengths}"
        )
        need(all(length & (length - 1) == 0 for length in lengths), f"Unsupported dtype Half: {message}")
