"""The table of fast rules, and the switch that runs torch's own instead.

torch works most results on meta out in Python, at up to several milliseconds a call and seconds for the first, which is
where nearly all the time of a pass without memory would go. A rule gives the tensors (shape, strides, dtype) that the
operation gives on the CPU, or None where it is not sure, and then torch is asked.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

aten = torch.ops.aten

META_KERNELS: dict[Any, Callable[..., Any]] = {}
"""Operation -> the function that gives its result, called with the operation's own arguments."""

VARIABLE = "ARCHPROF_META_KERNELS"
"""The environment variable that switches the rules off where it is 0."""

_ENABLED = ContextVar("meta_kernels", default=os.environ.get(VARIABLE, "1") != "0")


def meta_kernel(*operations: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function for some operations."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        META_KERNELS.update(dict.fromkeys(operations, function))
        return function

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
