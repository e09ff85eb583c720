"""Lets a model that is run without memory see the device that it would run on.

Models ask tensors where they are: to make others there, and to choose between kernels. A tensor on meta would send them
another way than the one that is to be counted. What a tensor without values cannot tell (where its memory is, what is
in it) sends the pass back to be made with values.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.overrides
from torch.jit._builtins import _get_builtin_table
from torch.utils._device import DeviceContext

from archprof.trace.index_lists import with_tensors
from archprof.trace.legacy_types import LegacyType, legacy_types
from archprof.trace.meta_kernels.layout import META
from archprof.trace.patch_attributes import hold
from archprof.trace.script_device import CALLERS, asks_for_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor

_C: Any = torch._C
_BASE: Any = _C.TensorBase
_PYTHON = _C.DispatchKey.Python
_STORAGE: Any = _C.StorageBase
_function_modes: Any = torch.overrides._get_current_function_mode_stack
_where: Callable[[Any], torch.device] = _STORAGE.device.__get__

is_meta: Callable[[Tensor], bool] = _BASE.is_meta.__get__
"""Whether a tensor has no memory, also while a model is told otherwise."""

_OF_MEMORY: dict[Any, tuple[str, ...]] = {
    torch.Tensor: (
        *("numpy", "tolist", "data_ptr", "share_memory_", "__repr__", "__array__", "__dlpack__", "__reduce_ex__"),
    ),
    torch.UntypedStorage: ("tolist", "data_ptr", "share_memory_", "__getitem__", "__reduce__"),
}
"""Class -> its methods that tell of memory or of what is in it, and run no operation that would be seen."""


_MAKERS: dict[Any, tuple[str, ...]] = {
    torch: (
        *("empty", "empty_strided", "zeros", "ones", "full", "tensor", "arange", "linspace", "eye"),
        *("rand", "randn", "randint", "randperm"),
        *("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "randint_like"),
    ),
    torch.Tensor: ("new_empty", "new_zeros", "new_ones", "new_full", "new_tensor"),
}
"""Module or class -> its functions that make tensors on a device that is named."""


def device_of(tensors: Iterable[Tensor | None]) -> torch.device:
    """The first device on which any of some tensors holds values; the CPU where none does."""
    devices = (tensor.device for tensor in tensors if tensor is not None and not is_meta(tensor))
    return next(devices, torch.device("cpu"))


def _outside() -> bool:
    """Whether this thread is in the model's own code, and not inside of an operation."""
    return bool(_C._len_torch_dispatch_stack()) and not _C._dispatch_tls_is_dispatch_key_excluded(_PYTHON)


@contextmanager
def presented(device: torch.device, needs_values: Callable[[str], Exception]) -> Iterator[None]:
    """While it holds, a tensor on meta says that it is on a device, to whoever asks outside of an operation.

    Torch's own kernels on meta are written in Python too, and are told the truth: while one runs, no mode watches. So
    are other threads.

    Args:
        device: Where the model would run.
        needs_values: Makes the error for what only tensors with values do, of what that is.

    Raises:
        Exception: The error of ``needs_values``, where autocast is switched on: torch casts no tensor on meta.
    """
    if torch.is_autocast_enabled(device.type):
        raise needs_values("torch.autocast")
    presentation = _Presentation(device, needs_values)
    values = {(owner, name): value for owner, name, value in presentation.attributes()}
    with _known_to_scripts(values), hold(values):
        yield


@contextmanager
def _known_to_scripts(values: Mapping[tuple[Any, str], Any]) -> Iterator[None]:
    """While it holds, what takes the place of a function of torch's is that function to whatever is compiled.

    Torch compiles rules of derivatives when they are needed first, and finds the functions in them by what they are.
    """
    builtins: dict[int, str] = _get_builtin_table()  # type: ignore[no-untyped-call]
    own = {id(value): builtins.get(id(getattr(owner, name, None))) for (owner, name), value in values.items()}
    known = {key: operation for key, operation in own.items() if operation is not None}
    builtins.update(known)
    try:
        yield
    finally:
        for key in known:
            builtins.pop(key, None)


class _Presentation:
    """What takes the place of attributes of tensors, of their memory, and of what asks them."""

    def __init__(self, device: torch.device, needs_values: Callable[[str], Exception]) -> None:
        self.device = device
        self.needs_values = needs_values
        self._index = -1 if device.type == "cpu" else int(device.index or 0)
        self._prefix = "torch." if device.type == "cpu" else f"torch.{device.type}."
        self._told_as_it_is = False
        self._default_is_meta = _default_is_meta()

    def attributes(self) -> Iterator[tuple[Any, str, Any]]:
        """Each of them: whose it is, its name, and what it is meanwhile."""
        kind = self.device.type
        yield torch.Tensor, "device", self._property(_BASE.device, self.device)
        yield torch.Tensor, "is_meta", self._property(_BASE.is_meta, False)
        yield torch.UntypedStorage, "device", self._property(_STORAGE.device, self.device)
        if hasattr(_BASE, f"is_{kind}"):
            yield torch.Tensor, f"is_{kind}", self._property(getattr(_BASE, f"is_{kind}"), True)
        if hasattr(_BASE, kind):
            yield torch.Tensor, kind, self._to_own(getattr(_BASE, kind))
        yield torch.Tensor, "get_device", self._get_device(_BASE.get_device)
        yield torch, "get_device", self._get_device(torch.get_device)
        yield torch.Tensor, "type", self._type()
        yield torch.Tensor, "to", self._to()
        for name in ("__getitem__", "__setitem__"):
            yield torch.Tensor, name, self._indexed(getattr(_BASE, name))
        for owner, names in _MAKERS.items():
            for name in names:
                yield owner, name, self._made(getattr(owner, name), f"{owner.__name__}.{name}")
        yield torch, "as_tensor", self._as_tensor(torch.as_tensor)
        yield torch.Tensor, "__deepcopy__", self._deepcopy(torch.Tensor.__deepcopy__)
        for owner, names in _OF_MEMORY.items():
            for name in names:
                yield owner, name, self._valued(getattr(owner, name), f"{owner.__name__}.{name}")
        for caller in CALLERS:
            yield caller, "__call__", self._compiled(caller.__call__)
        yield torch, "set_autocast_enabled", self._autocast(torch.set_autocast_enabled)
        yield from legacy_types(kind, self._type_name)

    def _hides(self, subject: Any) -> bool:
        """Whether a tensor, or the memory of one, is not to be seen as it is."""
        without = is_meta(subject) if isinstance(subject, torch.Tensor) else _where(subject).type == "meta"
        return without and not self._told_as_it_is and _outside()

    def _type_name(self, value: Any) -> str | None:
        with _C.DisableTorchFunctionSubclass():  # which would ask in the place of the true attributes again
            if not isinstance(value, torch.Tensor) or not self._hides(value):
                return None
            name: str = _BASE.type(value)
            return name.replace("torch.meta.", self._prefix)

    def _property(self, true: Any, answer: Any) -> property:
        get, hides = true.__get__, self._hides
        return property(lambda subject: answer if hides(subject) else get(subject))

    def _get_device(self, true: Callable[[Tensor], int]) -> Any:
        def get_device(tensor: Tensor) -> int:
            return self._index if self._hides(tensor) else true(tensor)

        return get_device

    def _type(self) -> Any:
        def type_(tensor: Tensor, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
            if dtype is None:
                return self._type_name(tensor) or _BASE.type(tensor)
            return _BASE.type(tensor, dtype.true if isinstance(dtype, LegacyType) else dtype, *args, **kwargs)

        return type_

    def _to(self) -> Any:
        """``to``, which gives the tensor itself where there is nothing to change."""

        def to(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            if self._hides(tensor):
                if any(_is_device(value, META) for value in (*args, *kwargs.values())):
                    raise self.needs_values("Tensor.to, with the meta device")
                args = tuple([META if _is_device(value, self.device) else value for value in args])
                kwargs = {key: META if _is_device(value, self.device) else value for key, value in kwargs.items()}
            return _BASE.to(tensor, *args, **kwargs)

        return to

    def _to_own(self, true: Callable[..., Tensor]) -> Any:
        """``cpu`` or ``cuda``, likewise."""

        def to_own(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            if self._hides(tensor) and all(_is_device(value, self.device) for value in args[:1]):
                return _BASE.to(tensor, META, *args[1:], **kwargs)
            return true(tensor, *args, **kwargs)

        return to_own

    def _as_tensor(self, true: Callable[..., Tensor]) -> Any:
        def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
            if isinstance(data, torch.Tensor) and device is not None and _is_device(device, self.device):
                return data.to(device, dtype or data.dtype)
            return true(data, dtype=dtype, device=device)

        return as_tensor

    def _made(self, true: Callable[..., Any], name: str) -> Any:
        """What makes a tensor: one without values that the model asks for itself cannot be told from the others."""

        def make(*args: Any, device: Any = None, **kwargs: Any) -> Any:
            if device is None:
                if _C._len_torch_function_stack() and self._defaults_to_meta():
                    raise self.needs_values(f"{name}, on the meta device")
                return true(*args, **kwargs)
            if _is_device(device, META) and _outside():
                raise self.needs_values(f"{name}, on the meta device")
            return true(*args, device=device, **kwargs)

        return make

    def _defaults_to_meta(self) -> bool:
        """Whether the model is within ``torch.device("meta")``, in which it was not called."""
        return not self._default_is_meta and _outside() and _default_is_meta()

    def _indexed(self, true: Callable[..., Any]) -> Any:
        """Indexing, by numbers that are known."""

        def indexed(tensor: Tensor, index: Any, *values: Any) -> Any:
            return true(tensor, with_tensors(index) if self._hides(tensor) else index, *values)

        return indexed

    def _deepcopy(self, true: Callable[..., Tensor]) -> Any:
        """Torch would copy the memory of a tensor that is said to have some."""

        def deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
            before, self._told_as_it_is = self._told_as_it_is, True
            try:
                return true(tensor, memo)
            finally:
                self._told_as_it_is = before

        return deepcopy

    def _valued(self, true: Callable[..., Any], name: str) -> Any:
        def valued(subject: Any, *args: Any, **kwargs: Any) -> Any:
            if self._hides(subject):
                raise self.needs_values(name)
            return true(subject, *args, **kwargs)

        return valued

    def _compiled(self, true: Callable[..., Any]) -> Any:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            if _outside() and asks_for_device(function):
                raise self.needs_values(f"the compiled function {function.name}, which asks for its device")
            return true(function, *args, **kwargs)

        return call

    def _autocast(self, true: Callable[..., None]) -> Any:
        """What switches autocast on and off, for a kind of device: of old for graphics cards."""

        def set_enabled(*args: Any) -> None:
            kind = args[0] if len(args) > 1 else "cuda"
            if args[-1] and kind == self.device.type and _outside():
                raise self.needs_values("torch.autocast")
            true(*args)

        return set_enabled


def _default_is_meta() -> bool:
    """Whether what names no device is made on meta."""
    modes = [mode for mode in _function_modes() if isinstance(mode, DeviceContext)]
    return bool(modes) and modes[-1].device == META


def _is_device(value: Any, device: torch.device) -> bool:
    """Whether an argument names a device."""
    if isinstance(value, bool) or not isinstance(value, (str, int, torch.device)):
        return False
    try:
        named = torch.device(value)
    except RuntimeError:
        return False
    return named.type == device.type and named.index in (None, device.index)
