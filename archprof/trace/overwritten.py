"""Keeps the values of tensors that a pass writes into and did not make, and puts them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.memory_requirements import changes_shapes, targets
from archprof.trace.nested import flat
from archprof.trace.subclasses import computes_itself

if TYPE_CHECKING:
    from torch import Tensor

_C: Any = torch._C
_DATA: Any = _C.TensorBase.data


class Overwritten:
    """The tensors of the model's that one pass has written into, each as it was."""

    def __init__(self) -> None:
        self._made: set[int] = set()
        self._before: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}
        self._shapes: list[tuple[Tensor, Tensor]] = []

    def save(self, func: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """An operation is about to be computed: keep what it will write over, unless the pass made that."""
        for tensor in targets(func, args, kwargs):
            if _has_memory(tensor) and _memory(tensor) not in self._made:
                self.keep(tensor)
                if changes_shapes(func):
                    self.keep_shape(tensor)

    def keep_shape(self, tensor: Tensor) -> None:
        """Keep a tensor's shape and where its memory is, which are about to be others."""
        self._shapes.append((tensor, _DATA.__get__(tensor)))

    def keep(self, tensor: Tensor) -> None:
        """Keep a tensor that may be written over by an operation that does not say so, as batch norm does."""
        if _has_memory(tensor):
            key = (_memory(tensor), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
            if key not in self._before:
                self._before[key] = (tensor, tensor.detach().clone())

    def made(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        """An operation has been computed: what it gives is the pass's own, unless it is in memory of what it took."""
        if func.is_view:
            return
        given = {_memory(tensor) for tensor in flat((args, tuple(kwargs.values()))) if _has_memory(tensor)}
        self._made.update({_memory(tensor) for tensor in flat(result) if _has_memory(tensor)} - given)

    def put_back(self) -> None:
        """Write every value back; what several tensors share was first written over by the first."""
        for tensor, data in reversed(self._shapes):
            _DATA.__set__(tensor, data)
        self._shapes.clear()
        with torch.inference_mode():  # in which every tensor may be written to
            for tensor, values in reversed(self._before.values()):
                if tensor.shape != values.shape:  # as observers of a range do, which begin without elements
                    tensor.resize_(values.shape)
                tensor.copy_(values)
        self._before.clear()


def _has_memory(tensor: Tensor) -> bool:
    strided = tensor.layout is torch.strided and not tensor.is_nested and not computes_itself(tensor)
    return strided and not _C._functorch.is_functorch_wrapped_tensor(tensor)


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
