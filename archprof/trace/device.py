"""Lets a model that is run without memory see the device that it would run on.

Models ask tensors where they are: to make others there, and to choose between kernels. A tensor on meta would send them
another way than the one that is to be counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.patch_attributes import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

_C: Any = torch._C
_BASE: Any = _C.TensorBase
_PYTHON = _C.DispatchKey.Python


def device_of(tensors: Iterable[Tensor | None]) -> torch.device:
    """The first device on which any of some tensors holds values; the CPU where none does."""
    devices = (tensor.device for tensor in tensors if tensor is not None and not tensor.is_meta)
    return next(devices, torch.device("cpu"))


def _outside() -> bool:
    """Whether this thread is in the model's own code, and not inside of an operation."""
    return bool(_C._len_torch_dispatch_stack()) and not _C._dispatch_tls_is_dispatch_key_excluded(_PYTHON)


@contextmanager
def presented(device: torch.device) -> Iterator[None]:
    """While it holds, a tensor on meta says that it is on a device, to whoever asks outside of an operation.

    Torch's own kernels on meta are written in Python too, and are told the truth: while one runs, no mode watches. So
    are other threads.
    """
    is_device = {f"is_{kind}": device.type == kind for kind in ("cpu", "cuda")}

    def where(tensor: Tensor) -> torch.device:
        found: torch.device = _BASE.device.__get__(tensor)
        return device if found.type == "meta" and _outside() else found

    def asked(name: str) -> property:
        true = getattr(_BASE, name)

        def whether(tensor: Tensor) -> bool:
            if _BASE.is_meta.__get__(tensor) and _outside():
                return is_device[name]
            return bool(true.__get__(tensor))

        return property(whether)

    def index(tensor: Tensor) -> int:
        found = where(tensor)
        return -1 if found.type == "cpu" else int(found.index or 0)

    replaced = {"device": property(where), "get_device": index, **{name: asked(name) for name in is_device}}
    with hold({(torch.Tensor, name): value for name, value in replaced.items()}):
        yield
