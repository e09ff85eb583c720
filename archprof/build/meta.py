"""Building without memory and without initialising what has no memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.trace.layout import META
from archprof.trace.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INITIALISERS: frozenset[Callable[..., Any]] = frozenset(
    {
        torch.nn.init.constant_,
        torch.nn.init.kaiming_uniform_,
        torch.nn.init.normal_,
        torch.nn.init.uniform_,
        torch.Tensor.fill_,
        torch.Tensor.normal_,
        torch.Tensor.uniform_,
        torch.Tensor.zero_,
    }
)
"""What fills a tensor, and is half of the time that building takes, for nothing on a tensor without values."""


ALLOCATIONS = frozenset(
    {torch.empty, torch.empty_strided, torch.full, torch.ones, torch.rand, torch.randn, torch.zeros}
)
"""Functions that make tensors as large as weights. ``arange``, ``linspace`` and ``tensor`` are not among them:
what they make is small, and models read it while they are made (a schedule of drop rates, a table of indices)."""


class SkipInitialisation(TorchFunctionMode):
    """Leaves tensors without values alone where they would be filled."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch for each of its functions."""
        if func in INITIALISERS:
            tensor = args[0] if args else (kwargs or {}).get("tensor")
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))


class AllocateOnMeta(TorchFunctionMode):
    """Gives new tensors that may be weights no memory, and leaves the others their values."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch for each of its functions."""
        kwargs = kwargs or {}
        if func in ALLOCATIONS and kwargs.get("device") is None:
            kwargs = {**kwargs, "device": "meta"}
        return func(*args, **kwargs)


class DirectShapes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Works out results without values directly, where torch would do it in Python, in milliseconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch imports its compiler, for seconds, to guard the method below from it.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        kwargs = kwargs or {}
        shape_of = SHAPES.get(func)
        if shape_of is not None and _without_values(args, kwargs):
            result = shape_of(*args, **kwargs)
            if result is not None:
                return result
        return func(*args, **kwargs)


def _without_values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an operation's first tensor is on meta, or what it makes is to be there, and so its result will be."""
    first = args[0] if args else None
    first = first[0] if isinstance(first, (list, tuple)) and first else first
    if isinstance(first, torch.Tensor):
        return first.is_meta
    return kwargs.get("device") == META


@contextmanager
def on_meta() -> Iterator[None]:
    """While it holds, new tensors have a shape and no memory."""
    with META, SkipInitialisation(), DirectShapes():  # type: ignore[no-untyped-call]
        yield


@contextmanager
def keeping_values() -> Iterator[None]:
    """As :func:`on_meta`, for a constructor that reads what it has just computed."""
    with AllocateOnMeta(), SkipInitialisation(), DirectShapes():  # type: ignore[no-untyped-call]
        yield
