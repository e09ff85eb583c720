"""Functions that a model traces while it runs, as ``torch.func.linearize`` and ``make_fx`` do.

A tracer runs the function on what it was given, and asks for shapes on fake tensors, which compute nothing. Torch asks
whoever watches a pass before the modes of its tracers, so that what is a tracer's has to be left to them.
"""

from __future__ import annotations

from typing import Any

import torch

_C: Any = torch._C

_PROXY = _C._TorchDispatchModeKey.PROXY
_FAKE = _C._TorchDispatchModeKey.FAKE


def is_traced() -> bool:
    """Whether a tracer follows what runs; it sees nothing of what is answered in its place."""
    return _C._get_dispatch_mode(_PROXY) is not None


def on_fake_tensors() -> bool:
    """Whether what runs computes nothing, not even where it names no tensor."""
    return _C._get_dispatch_mode(_FAKE) is not None
