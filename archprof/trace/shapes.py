"""Results of the commonest operations on meta tensors, worked out directly.

torch works many of these out in Python, at half a millisecond a call, which is where nearly all the time of a pass
without memory goes. Each function here gives the very tensor (shape, strides, dtype) that torch would give, or
None where it is not sure, and then torch is asked. The tests hold each against torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


aten = torch.ops.aten

SHAPES: dict[Any, Callable[..., Any]] = {}
"""Operation -> the function that gives its result, called with the operation's own arguments."""
