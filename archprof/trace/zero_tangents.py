"""Leaves out products with tangents that are zero by construction.

In forward differentiation the tangent of what does not vary, a layer's weight for one, is a tensor without memory. An
operation that knows no better fills it with zeros first: of a linear layer, ``x · 0ᵀ`` runs beside ``ẋ · Wᵀ``. Such a
product gives a tensor of zeros, and is written down as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archprof.trace.record import TensorInfo

aten = torch.ops.aten

_ZERO = aten._efficientzerotensor.default
_PRODUCTS = frozenset({aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default, aten.convolution.default})


class ZeroTangents:
    """The tangents of one pass that are zero.

    Attributes:
        standing_in: Whether there has been any.
    """

    def __init__(self) -> None:
        self.standing_in = False
        self._filled: set[int] = set()

    def seen(self, func: Any, args: Any, result: Any, info: Callable[[Tensor], TensorInfo]) -> tuple[Any, Any] | None:
        """An operation has run.

        Returns:
            The operation and arguments to write down instead; None where it is to be written down as it ran.
        """
        if func is _ZERO:
            self.standing_in = True
        elif not self.standing_in:
            return None
        elif func is aten.zeros.default:
            if not args[0]:  # one zero, which is expanded to the tangent's shape
                self._filled.add(info(result).storage)
        elif func in _PRODUCTS and any(info(operand).storage in self._filled for operand in args[:2]):
            return aten.zeros.default, (list(result.shape),)
        return None
