"""The tensors of a module, replaced only when somebody asks for one.

Most modules of a model are recorded without being run, for which the shapes of their own tensors do. To make tensors
without memory for all of them first would take longer than all else that is done for a pass.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_C: Any = torch._C


class DeferredTensors(dict[str, Any]):
    """Parameters or buffers by name, as a module holds them.

    Args:
        tensors: The module's own.
        placeholder: Gives what is to take the place of a tensor.
    """

    __slots__ = ("_placeholder",)

    def __init__(self, tensors: dict[str, Any], placeholder: Callable[[Tensor], Tensor]) -> None:
        super().__init__(tensors)
        self._placeholder: Callable[[Tensor], Tensor] | None = placeholder

    def replace(self) -> None:
        """Put the others in their place, as if they had been there since before the pass."""
        placeholder, self._placeholder = self._placeholder, None
        if placeholder is None:
            return
        with ExitStack() as stack:
            stack.enter_context(_C._DisableTorchDispatch())
            stack.enter_context(_C.DisableTorchFunction())
            stack.enter_context(torch.inference_mode(False))
            if _C._functorch.peek_interpreter_stack() is not None:
                stack.enter_context(temporarily_clear_interpreter_stack())
            for name, tensor in dict.items(self):
                if tensor is not None:
                    dict.__setitem__(self, name, placeholder(tensor))

    def __iter__(self) -> Any:
        # Where a subclass has it, Python copies a dictionary by asking for each item.
        return dict.__iter__(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy is a plain dictionary."""
        return dict, (self.copy(),)


def _replacing(name: str) -> Any:
    method = getattr(dict, name)

    def call(self: DeferredTensors, *args: Any, **kwargs: Any) -> Any:
        self.replace()
        return method(self, *args, **kwargs)

    return call


for _name in (
    *("__getitem__", "__setitem__", "__delitem__", "__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__repr__"),
    *("get", "items", "values", "pop", "popitem", "setdefault", "update", "copy", "clear"),
):
    setattr(DeferredTensors, _name, _replacing(_name))
