"""What an operation gives for tensors without memory."""

from __future__ import annotations

from typing import Any

import torch

from archprof.trace.meta_kernels.cpu_kernels import (
    ALWAYS,
    DOUBTED,
    TensorKind,
    answer,
    can_be_asked,
    cpu_computes,
    elements,
    smaller,
)
from archprof.trace.meta_kernels.cpu_types import check_types, of_another_device
from archprof.trace.meta_kernels.layout import META
from archprof.trace.meta_kernels.memory_requirements import check_memory
from archprof.trace.meta_kernels.registry import CPU_SEMANTICS, META_KERNELS, REQUIREMENTS, meta_kernels_enabled
from archprof.trace.nested import flat, map_tensors


def result_on_meta(operation: Any, args: Any, kwargs: Any) -> Any:
    """By the operation's rule, else by torch, as its CPU kernel would.

    Raises:
        NotImplementedError: Where only a pass with values can tell.
        Exception: What torch raises where its CPU kernel would refuse the arguments.
    """
    kernel = META_KERNELS.get(operation)
    if kernel is not None and meta_kernels_enabled():
        result = kernel(*args, **kwargs)
        if result is not None:
            return result
    check_memory(operation, args, kwargs)
    try:
        for check in REQUIREMENTS.get(operation, ()):
            check(*args, **kwargs)
        result = CPU_SEMANTICS.get(operation, operation)(*args, **kwargs)
    except Exception as error:
        if not isinstance(error, NotImplementedError) and cpu_computes(operation, args, kwargs):
            raise _needs_values(operation, str(error)) from error
        raise
    given = list(flat((args, kwargs)))
    if not can_be_asked(operation, given):
        return result
    check_types(operation, args, kwargs, given)
    if kernel is not None or operation in CPU_SEMANTICS:  # of which the tests know that they are right
        return result
    return _as_on_cpu(operation, args, kwargs, given, result)


def _as_on_cpu(operation: Any, args: Any, kwargs: Any, given: list[Any], result: Any) -> Any:
    """A result of torch's meta kernel held against the CPU's, where it is small enough, or in doubt.

    What autograd calls has been checked by its forward.
    """
    outputs = list(flat(result))
    if not given or operation._opname.endswith("_backward"):
        return result
    size = elements((*given, *outputs))
    if size > ALWAYS and (size > DOUBTED or not _is_doubted(operation, args, kwargs, given)):
        return result
    cpu = answer(operation, args, kwargs)
    if cpu.refusal is not None:
        if cpu.of_values or of_another_device(cpu.refusal):
            return result
        raise _needs_values(operation, cpu.refusal)
    expected = iter(cpu.outputs)
    inputs = {id(tensor) for tensor in given}

    def typed(tensor: torch.Tensor) -> torch.Tensor:
        kind = next(expected, None)
        if kind is None or id(tensor) in inputs or kind == TensorKind(tuple(tensor.shape), tensor.dtype):
            return tensor
        if kind.shape == tuple(tensor.shape):
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=kind.dtype, device=META)
        return torch.empty(kind.shape, dtype=kind.dtype, device=META)

    return map_tensors(typed, result)


def _is_doubted(operation: Any, args: Any, kwargs: Any, given: list[Any]) -> bool:
    """Whether the CPU refuses smaller arguments of the same relation; the true sizes may be others' multiples."""
    cpu = answer(operation, args, kwargs, smaller(given))
    return cpu.refusal is not None and not cpu.of_values and not of_another_device(cpu.refusal)


def _needs_values(operation: Any, reason: str) -> NotImplementedError:
    return NotImplementedError(f"{operation} has to be run with values: {reason}")
