"""Building without memory and without initialising what has no memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import DeviceContext, _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.trace.meta_kernels.layout import META
from archprof.trace.meta_kernels.registry import META_KERNELS, meta_kernels_enabled
from archprof.trace.meta_kernels.result import result_on_meta
from archprof.trace.patch_attributes import hold

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
"""What fills a tensor, for nothing on a tensor without values."""

ALLOCATIONS: frozenset[Callable[..., Any]] = frozenset(
    {torch.empty, torch.empty_strided, torch.full, torch.ones, torch.rand, torch.randn, torch.zeros}
)
"""Functions that make tensors as large as weights. ``arange``, ``linspace`` and ``tensor`` are not among them:
what they make is small, and models read it while they are made (a schedule of drop rates, a table of indices)."""

RESETTING = (nn.Linear, nn.LayerNorm, nn.modules.batchnorm._NormBase, nn.modules.conv._ConvNd)
"""The commonest modules that fill what they have just made."""

_EMPTY = frozenset({torch.empty, torch.ones, torch.zeros})
"""Functions that differ in the values only."""

_PLAIN = frozenset({bool, dict, float, int, list, str, tuple, type(None)})
"""Types of what a module holds that is neither a tensor nor a module."""


def _unfilled(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """The tensor without values that a function would fill."""
    if func not in INITIALISERS:
        return None
    tensor = args[0] if args else kwargs.get("tensor")
    return tensor if isinstance(tensor, torch.Tensor) and tensor.is_meta else None


class AllocateOnMeta(TorchFunctionMode):
    """Gives new tensors that may be weights no memory, and does not fill them; leaves the others their values."""

    makers: ClassVar[frozenset[Callable[..., Any]]] = ALLOCATIONS
    """The functions whose tensors get no memory."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch for each of its functions."""
        kwargs = kwargs or {}
        if func in self.makers and kwargs.get("device") is None:
            kwargs = {**kwargs, "device": META}
            if func in _EMPTY:
                with torch._C._DisableTorchDispatch():  # torch does this itself: nobody below need look at it
                    return torch.empty(*args, **kwargs)
        elif (tensor := _unfilled(func, args, kwargs)) is not None:
            return tensor
        return func(*args, **kwargs)


class OnMeta(AllocateOnMeta, DeviceContext):
    """Makes every new tensor on meta, as ``torch.device("meta")`` does."""

    makers = frozenset(_device_constructors())

    def __init__(self) -> None:
        DeviceContext.__init__(self, META)


class DirectShapes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Works out results without values directly, where torch would do it in Python, in milliseconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch imports its compiler, for seconds, to guard the method below from it.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        kwargs = kwargs or {}
        if func in META_KERNELS and _without_values(args, kwargs):
            return result_on_meta(func, args, kwargs)
        return func(*args, **kwargs)


def _without_values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an operation's first tensor is on meta, or what it makes is to be there, and so its result will be."""
    first = args[0] if args else None
    first = first[0] if isinstance(first, (list, tuple)) and first else first
    if isinstance(first, torch.Tensor):
        return first.is_meta
    return kwargs.get("device") == META


def _unless_on_meta(reset: Callable[[Any], None]) -> Callable[[Any], None]:
    def reset_parameters(module: Any) -> None:
        weight = module._parameters.get("weight")
        if weight is None or not weight.is_meta:
            reset(module)

    return reset_parameters


def _set_attribute(module: nn.Module, name: str, value: Any) -> None:
    """What ``nn.Module`` does to set an attribute, which asks of numbers and names in vain what they might be."""
    held = module.__dict__
    if type(value) in _PLAIN and not (
        name in held.get("_modules", ()) or name in held.get("_parameters", ()) or name in held.get("_buffers", ())
    ):
        object.__setattr__(module, name, value)
    else:
        _SET_ATTRIBUTE(module, name, value)


_SET_ATTRIBUTE = nn.Module.__setattr__


def _refuse_to_trace(*_args: Any, **_options: Any) -> Any:
    """What ``torch.jit.trace`` does meanwhile.

    Torch's tracer notes the sizes of a call when its arguments are read. Modes read them twice, the tracer raises, and
    the note stays for the next trace of the process, which may end in an error of torch's own.

    Raises:
        RuntimeError: Always.
    """
    raise RuntimeError("torch's tracer cannot follow what is built on meta")


_TRACERS = {
    (torch.jit, "trace_module"): _refuse_to_trace,
    (torch.jit._trace, "_trace_impl"): _refuse_to_trace,
    (torch.jit._trace, "_get_trace_graph"): _refuse_to_trace,
}
"""Functions that trace what they are given."""

_QUICK: dict[tuple[type, str], Any] = {
    (nn.Module, "__setattr__"): _set_attribute,
    **{(kind, "reset_parameters"): _unless_on_meta(kind.reset_parameters) for kind in RESETTING},
}
"""Methods of torch's that are a third of the time that building takes, replaced meanwhile."""

_HELD: dict[tuple[Any, str], Any] = {**_QUICK, **_TRACERS}
"""What is replaced while something is built without memory."""


def _direct_shapes() -> AbstractContextManager[Any]:
    """The fast rules, unless they are switched off."""
    return DirectShapes() if meta_kernels_enabled() else nullcontext()  # type: ignore[no-untyped-call]


@contextmanager
def on_meta() -> Iterator[None]:
    """While it holds, new tensors have a shape and no memory."""
    with OnMeta(), _direct_shapes(), hold(_HELD):
        yield


@contextmanager
def keeping_values() -> Iterator[None]:
    """As :func:`on_meta`, for a constructor that reads what it has just computed."""
    with AllocateOnMeta(), _direct_shapes(), hold(_HELD):
        yield
