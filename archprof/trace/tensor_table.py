"""What is known of the tensors of a pass: each is described once, and that stands for it wherever it is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.trace.device import is_meta
from archprof.trace.nested import flat
from archprof.trace.operators import PLAIN
from archprof.trace.placeholders import check_shape
from archprof.trace.record import TensorInfo
from archprof.trace.sequences import sizes
from archprof.trace.subclasses import inner_tensors, is_fake
from archprof.trace.tree import is_compiled

if TYPE_CHECKING:
    from torch import Tensor

PLAIN_TENSORS = frozenset({torch.Tensor, nn.Parameter})
"""Types of tensors that are no more than that."""


class TensorTable:
    """The tensors of one pass.

    Attributes:
        parameters: Each parameter of the model, with its memory, that of all its parts where it is made of others.
        with_values: The modules that hold tensors with values, with their paths.
        plain: The ids of those all of whose tensors are plain ones.
    """

    def __init__(self, tree: list[tuple[str, nn.Module]]) -> None:
        # Every tensor seen is kept, and its memory, so that an id() stays one tensor's for the whole pass.
        self._seen: dict[int, tuple[Tensor, TensorInfo, Any]] = {}
        self._earlier: list[tuple[Tensor, TensorInfo, Any]] = []
        self._meta_placeholders: dict[int, Tensor] = {}
        self._original_memory: dict[int, int] = {}  # the memory of a placeholder -> of what it stands for
        self.parameters: list[tuple[TensorInfo, tuple[int, ...]]] = []
        self.with_values: list[tuple[str, nn.Module]] = []
        self.plain: set[int] = set()
        for path, module in tree:
            self._register(path, module)

    def _register(self, path: str, module: nn.Module) -> None:
        """Note the parameters and buffers of a module, and whether it holds any values."""
        prefix, seen = f"{path}." if path else "", self._seen
        with_values, plain = is_compiled(type(module)), True
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                with_values = with_values or not is_meta(tensor)
                if type(tensor) not in PLAIN_TENSORS:
                    check_shape(tensor, path, module)
                    with_values, plain = with_values or is_fake(tensor), False
                known = seen.get(id(tensor))
                info = self.info(tensor) if known is None else known[1]
                plain = plain and info.storage > 0 and not tensor.is_nested
                if known is None:
                    info.parameter = prefix + name
                    if tensors is module._parameters:
                        parts = () if plain else inner_tensors(tensor)
                        memory = (info.storage, *[self.info(part).storage for part in parts])
                        self.parameters.append((info, memory))
        if with_values:
            self.with_values.append((path, module))
            if plain:
                self.plain.add(id(module))

    def info(self, tensor: Tensor) -> TensorInfo:
        """What is known of a tensor; always the same object for the same tensor."""
        known = self._seen.get(id(tensor))
        if known is not None:
            return known[1]
        memory = None
        try:
            memory = tensor.untyped_storage()
            storage = memory._cdata
            storage = self._original_memory.get(storage, storage)
        except (NotImplementedError, RuntimeError):  # a sparse tensor, or one that stands for many inside of a vmap
            storage = -id(tensor)
        info = TensorInfo(sizes(tensor) if tensor.is_nested else tuple(tensor.shape), tensor.dtype, storage)
        self._seen[id(tensor)] = (tensor, info, memory)
        return info

    def forget(self, tensor: Tensor) -> None:
        """A tensor may have another shape or other memory than when it was seen; of a parameter a part is its own."""
        if (known := self._seen.pop(id(tensor), None)) is None:
            return
        self._earlier.append(known)
        placeholder = self._meta_placeholders.get(id(tensor))
        if placeholder is not None and placeholder.shape == tensor.shape:
            self._earlier.append(self._seen.pop(id(placeholder)))
            info = self.info(placeholder)
            self._seen[id(tensor)] = (tensor, info, None)
        else:
            self._meta_placeholders.pop(id(tensor), None)
            info = self.info(tensor)
        if info.storage == known[1].storage:
            info.parameter = known[1].parameter

    def _infos(self, value: Any) -> tuple[TensorInfo, ...]:
        """What is known of the tensors in something, in order."""
        if type(value) is tuple and len(value) == 1:
            (value,) = value
        if isinstance(value, torch.Tensor):
            known = self._seen.get(id(value))
            return (self.info(value) if known is None else known[1],)
        infos: list[TensorInfo] = []
        for item in value if type(value) in (tuple, list) else (value,):
            if isinstance(item, torch.Tensor):
                infos.append(self.info(item))
            elif type(item) not in PLAIN:
                infos += [self.info(tensor) for tensor in flat(item)]
        return tuple(infos)

    def _described_by_name(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {key: self._described(value) for key, value in kwargs.items()}

    def _described(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.info(value)
        if not isinstance(value, (list, tuple)):
            return value
        described: list[Any] = []
        for item in value:
            kind = type(item)
            if kind in PLAIN_TENSORS:
                described.append(self.info(item))
            elif kind in PLAIN or (kind is tuple and PLAIN.issuperset(map(type, item))):
                described.append(item)
            elif isinstance(item, torch.Tensor):
                described.append(self.info(item))
            else:
                described.append(self._described(item))
        return tuple(described)

    def _described_on_meta(self, values: Any) -> tuple[Any, ...] | None:
        """As :meth:`_described`; None where something is neither plain nor a tensor without values."""
        described: list[Any] = []
        seen = self._seen
        for value in values:
            kind = type(value)
            if kind in PLAIN_TENSORS:
                if not is_meta(value):
                    return None
                known = seen.get(id(value))
                described.append(self.info(value) if known is None else known[1])
            elif kind in PLAIN:
                described.append(value)
            elif kind is list or kind is tuple:
                inner = tuple(value) if PLAIN.issuperset(map(type, value)) else self._described_on_meta(value)
                if inner is None:
                    return None
                described.append(inner)
            else:
                return None
        return tuple(described)
