"""Which tensors keep their values in a pass without memory, so that a model may steer by them.

They are small and depend on no input: sizes, positions, tables of indices. What is computed of them alone is computed
for real, what is computed of them and of others is not, and what others were written into is known no longer.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import META, without_memory
from archprof.trace.meta_kernels.memory_requirements import targets
from archprof.trace.meta_kernels.result import result_on_meta
from archprof.trace.nested import flat, map_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archprof.trace.overwritten import Overwritten
    from archprof.trace.record import TensorInfo

LIMIT = 1 << 16
"""Elements up to which a tensor keeps its values."""


def is_table(tensor: Tensor) -> bool:
    """Whether a buffer is a small table of whole numbers, which keeps its values."""
    return not (tensor.is_floating_point() or tensor.is_complex()) and tensor.numel() <= LIMIT


class Constants:
    """The constants of one pass."""

    def __init__(self, overwritten: Overwritten) -> None:
        self._stale: set[int] = set()
        self._overwritten = overwritten

    def made(self, func: Any, args: Any, kwargs: dict[str, Any], *, real: bool) -> Any:
        """What an operation makes of no tensor: where it may and is small, for real."""
        device = kwargs.get("device")
        if not _has_device(func) or (device is not None and torch.device(device).type == "meta"):
            return result_on_meta(func, args, kwargs)
        result = result_on_meta(func, args, {**kwargs, "device": META})
        return func(*args, **kwargs) if real and _small(result) else result

    def computed(self, func: Any, args: Any, kwargs: dict[str, Any], info: Callable[[Tensor], TensorInfo]) -> Any:
        """What an operation gives whose tensors all have values; None where it is not to be computed for real.

        Args:
            func: The operation.
            args: What it is called with.
            kwargs: The same by keyword.
            info: Gives what is known of a tensor. It is the recorder's, which holds these constants: to keep it would
                make a cycle, and a whole pass would wait for Python to look for it.
        """
        tensors = list(flat((args, tuple(kwargs.values()))))
        for tensor in tensors:
            if tensor.numel() > LIMIT or (info(tensor).parameter is not None and not is_table(tensor)):
                return None
            if self._stale and _memory(tensor) in self._stale:
                return None
        if any(info(target).parameter is not None for target in targets(func, args, kwargs)):
            return None  # the model's own is left as it is
        if prod([max(tensor.numel(), 1) for tensor in tensors]) > LIMIT and not func.is_view:
            # It may be large: two vectors make a matrix.
            on_meta = map_tensors(without_memory, (list(args), kwargs))
            if not _small(result_on_meta(func, on_meta[0], on_meta[1])):
                return None
        self._overwritten.save(func, args, kwargs)
        return func(*args, **kwargs)

    def forget(self, func: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """An operation was not computed for real: what it writes to is known no longer."""
        for target in targets(func, args, kwargs):
            if not target.is_meta:
                self._stale.add(_memory(target))


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _small(result: Any) -> bool:
    return all(tensor.numel() <= LIMIT for tensor in flat(result))


@cache
def _has_device(func: Any) -> bool:
    return any(argument.name == "device" for argument in func._schema.arguments)
