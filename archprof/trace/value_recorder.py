"""Sees every operation of a pass that is computed for real, and writes it down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.higher_order import run_higher_order
from archprof.trace.nested import flat, map_tensors
from archprof.trace.record import NamedOperator
from archprof.trace.recorder import Recorder
from archprof.trace.regions import WINDOW_ELEMENTS, window_elements
from archprof.trace.sequences import is_ragged, per_sequence

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch._ops import HigherOrderOperator

_SPARSE = frozenset({torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc})


class ValueRecorder(Recorder):  # type: ignore[no-untyped-call]
    """Records while everything is computed for real."""

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        super().__init__(model, tree)
        self._fast_paths = self._fast_rules = False

    def prepare(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The model as it is, and the inputs without what was computed before; their gradients are their own."""
        for _, module in self._tree:
            for buffer in module._buffers.values():
                if buffer is not None:
                    self.overwritten.keep(buffer)
        return tuple(map_tensors(_as_leaf, inputs))

    def _parts(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A function that is made of others, taken apart, unless it is one operation on nested tensors."""
        if any(map(is_ragged, flat((args, tuple(kwargs.values()))))):
            return NotImplemented
        return super()._parts(func, args, kwargs)

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result."""
        self.overwritten.save(func, args, kwargs)
        result = func(*args, **kwargs)
        self.overwritten.made(func, args, kwargs, result)
        return result

    def check_tracer(self, func: Any) -> None:
        """A tracer sees every operation that is computed."""

    def compute_higher_order(self, operator: HigherOrderOperator, args: Any, kwargs: dict[str, Any]) -> Any:
        """What an operator gives that takes functions."""
        return run_higher_order(self, operator, args, kwargs)

    def note(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        """Write an operation down; on sparse tensors it costs what only their values tell, on nested ones its parts."""
        tensors = list(flat((args, tuple(kwargs.values()))))
        if any(tensor.layout in _SPARSE for tensor in tensors):
            func = NamedOperator(f"{func._overloadpacket} (sparse)")
        calls = list(per_sequence(func, args, kwargs, result, self.info)) if any(map(is_ragged, tensors)) else []
        for arguments, keywords, outputs in calls:
            self.append(func, self._described(arguments), self._described_by_name(keywords), outputs)
        if (count := window_elements(func, args)) is not None:
            kwargs = {**kwargs, WINDOW_ELEMENTS: count()}
        if not calls:
            super().note(func, args, kwargs, result)


def _as_leaf(tensor: Tensor) -> Tensor:
    """The same values, without what they were computed from."""
    return tensor.detach().requires_grad_(tensor.requires_grad)
