"""The modules of rows that were built before, to be had again in a quarter of the time.

Variants of one architecture share most of their rows. What one of Ultralytics' own blocks makes without memory depends
on the arguments of its constructor alone; a block of somebody else's may keep count of its calls, and is always made
anew. A row is kept, pickled, when it is built for the second time, so that what is built once costs nothing.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from archprof.sources.spec import STOCK
from archprof.trace.tree import modules, registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.limits import Tally
    from archprof.builder.registry import Block, Call

MOST_BYTES = 64 * 10**6
"""What rows may take that are kept; beyond that it begins anew."""

Key = tuple[str, bytes]
"""A block's name, and what its constructor is given."""


class Template(NamedTuple):
    """A row's module, pickled, and what building it registers: modules, and elements of parameters."""

    data: bytes
    modules: int
    parameters: int


class Templates:
    """What rows were built, by what their modules depend on."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        # None for what was built once.
        self._found: dict[Key, Template | None] = {}

    def build(self, key: Key | None, make: Callable[[], nn.Module], tally: Tally) -> nn.Module:
        """A row's module, from its template where there is one.

        Args:
            key: What :func:`key_of` says of the row.
            make: Builds it.
            tally: What the whole model has registered.

        Raises:
            BuildError: Where that is too much by now.
        """
        if key is None:
            return make()
        if template := self._found.get(key):
            tally.add(template.modules, template.parameters)
            return _load(template.data)
        before = tally.modules, tally.parameters
        module = make()
        if key not in self._found:
            self._keep(key, None, len(key[1]))
        elif data := _dump(module):
            template = Template(data, tally.modules - before[0], tally.parameters - before[1])
            self._keep(key, template, len(data))
        return module

    def _keep(self, key: Key, template: Template | None, size: int) -> None:
        if size > self._most:
            return
        if self._bytes + size > self._most:
            self._found.clear()
            self._bytes = 0
        self._found[key] = template
        self._bytes += size


def key_of(block: Block, call: Call) -> Key | None:
    """What a row's module depends on; None where it may depend on more, or will have memory."""
    if block.family != STOCK or not torch.empty(0).is_meta:
        return None
    try:
        return block.name, pickle.dumps(
            (call.arguments, call.repeats, call.legacy, sorted(call.holding.items(), key=str))
        )
    except Exception:  # whatever a constructor takes
        return None


def _dump(module: Any) -> bytes | None:
    """A module as bytes; None where something in it has values, or is no data."""
    if not isinstance(module, nn.Module) or not all(tensor.is_meta for tensor in registered(module)):
        return None
    data = io.BytesIO()
    try:
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            _Pickler(module, data).dump(module)
    except Exception:  # pickle has as many errors as there are things that cannot be pickled
        return None
    return data.getvalue()


def _load(data: bytes) -> nn.Module:
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
        module: nn.Module = _Unpickler(io.BytesIO(data)).load()
    return module


class _Pickler(pickle.Pickler):
    """Pickles a module. What hangs on a class, as the activation that Ultralytics' convolutions share, stays there."""

    def __init__(self, module: nn.Module, file: io.BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._places = {
            id(value): (owner, name)
            for kind in {type(part) for part in modules(module)}
            for owner in kind.__mro__
            for name, value in vars(owner).items()
            if isinstance(value, (nn.Module, torch.Tensor))
        }

    def persistent_id(self, value: Any) -> tuple[type, str] | None:
        """Where something hangs that is not the module's own."""
        return self._places.get(id(value))


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, owner_and_name: tuple[type, str]) -> Any:
        """What hangs there now."""
        return getattr(*owner_and_name)


templates = Templates()
"""The process's."""
