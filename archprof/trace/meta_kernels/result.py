"""What an operation gives for tensors without memory."""

from __future__ import annotations

from typing import Any

from archprof.trace.meta_kernels.cpu_types import check_types, cpu_computes
from archprof.trace.meta_kernels.memory_requirements import check_memory
from archprof.trace.meta_kernels.registry import CPU_SEMANTICS, META_KERNELS, REQUIREMENTS, meta_kernels_enabled


def result_on_meta(operation: Any, args: Any, kwargs: Any) -> Any:
    """By the operation's rule, else by torch, as its CPU kernel would.

    Raises:
        Exception: What torch raises where its CPU kernel would refuse the arguments.
    """
    kernel = META_KERNELS.get(operation)
    if kernel is not None and meta_kernels_enabled():
        result = kernel(*args, **kwargs)
        if result is not None:
            return result
    for check in REQUIREMENTS.get(operation, ()):
        check(*args, **kwargs)
    check_memory(operation, args, kwargs)
    try:
        result = CPU_SEMANTICS.get(operation, operation)(*args, **kwargs)
    except Exception as error:
        if not isinstance(error, NotImplementedError) and cpu_computes(operation, args, kwargs):
            raise NotImplementedError(f"{operation} has to be run with values: {error}") from error
        raise
    check_types(operation, args, kwargs)
    return result
