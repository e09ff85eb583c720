"""Which functions that ``torch.jit`` compiled ask for a device: nobody can tell them another than they see."""

from __future__ import annotations

import re
from typing import Any

import torch

CALLERS = (torch._C.ScriptFunction, torch._C.ScriptMethod)
"""Classes of what is called."""

_DEVICE_OR_KIND = re.compile(r"prim::is_(?!nested|quantized|sparse|mkldnn)|prim::type|aten::get_device")
_NAMED = re.compile(r"(%[\w.]+) : Device = ")


def asks_for_device(function: Any) -> bool:
    """Whether a compiled function does anything with a device than to make or move tensors there."""
    graph = str(function.inlined_graph)
    if _DEVICE_OR_KIND.search(graph):
        return True
    devices = {*_NAMED.findall(graph)}
    readers = re.findall(r"= aten::(?:eq|ne|str|format|hash|__contains__|index)\(([^)]*)\)", graph)
    return any(name in devices for arguments in readers for name in arguments.split(", "))
