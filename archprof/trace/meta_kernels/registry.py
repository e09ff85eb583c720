"""The table of fast rules, and the switch that runs torch's own instead.

torch works most results on meta out in Python, at up to several milliseconds a call and seconds for the first, which is
where nearly all the time of a pass without memory would go. A rule gives the tensors (shape, strides, dtype) that the
operation gives on the CPU, or None where it is not sure that the CPU would give any, and then torch is asked.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Kernel = Callable[..., Any]

aten = torch.ops.aten

META_KERNELS: dict[Any, Kernel] = {}
"""Operation -> the function that gives its result, called with the operation's own arguments."""

CPU_SEMANTICS: dict[Any, Kernel] = {}
"""Operation -> what to run in the place of torch's own meta kernel, which accepts or gives what the CPU does not."""

REQUIREMENTS: dict[Any, list[Callable[..., None]]] = {}
"""Operation -> checks of its arguments that torch's own meta kernel leaves out and the CPU's makes."""

VARIABLE = "ARCHPROF_META_KERNELS"
"""The environment variable that switches the rules off where it is 0."""

_ENABLED = ContextVar("meta_kernels", default=os.environ.get(VARIABLE, "1") != "0")


def meta_kernel(*operations: Any) -> Callable[[Kernel], Kernel]:
    """Enter a rule for some operations."""

    def add(kernel: Kernel) -> Kernel:
        META_KERNELS.update(dict.fromkeys(operations, kernel))
        return kernel

    return add


def as_on_cpu(*operations: Any) -> Callable[[Kernel], Kernel]:
    """Enter what to run instead of torch's meta kernel for some operations."""

    def add(kernel: Kernel) -> Kernel:
        CPU_SEMANTICS.update(dict.fromkeys(operations, kernel))
        return kernel

    return add


def meta_kernels_enabled() -> bool:
    """Whether the rules here, and the fast paths of modules, are used at all."""
    return _ENABLED.get()


@contextmanager
def torch_meta_kernels() -> Iterator[None]:
    """While it holds, torch's own meta kernels and modules' own forwards run: slower, and with the same trace."""
    token = _ENABLED.set(False)
    try:
        yield
    finally:
        _ENABLED.reset(token)
