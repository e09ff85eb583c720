"""Tells which call of a module the operations of a backward pass belong to."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

_AUTOGRAD: Any = torch.autograd
_NO_NUMBER = 1 << 63
"""What autograd's nodes that no operation made have at least for a number."""


class Gradients:
    """autograd numbers its nodes as they are made, so a node's number says which call was running at the time."""

    def __init__(self) -> None:
        # (the number of the next node, the call that was running from then on)
        self._marks: list[tuple[int, int]] = []

    def mark(self, call: int) -> None:
        """From now on nodes belong to this call; there are nodes while gradients are recorded."""
        self._marks.append((_AUTOGRAD._get_sequence_nr(), call))

    def call(self, last: int) -> int | None:
        """The call that the operation that runs now gives a gradient of.

        It is ``last`` for a sum of gradients, which no node runs, and None for what hands a finished gradient over to
        its parameter: a copy that is only made because the recorder still holds the original.
        """
        node = torch._C._current_autograd_node()
        if node is None or not self._marks:
            return last
        number = node._sequence_nr()
        if number >= _NO_NUMBER:
            return None
        return self._marks[bisect_right(self._marks, number, key=itemgetter(0)) - 1][1]

    @staticmethod
    def run(outputs: list[Tensor]) -> None:
        """Run the backward pass from some results of the forward, with a gradient of one for each element."""
        unique = list({id(tensor): tensor for tensor in outputs}.values())
        with torch._C._DisableTorchDispatch():
            gradients = [torch.ones_like(tensor) for tensor in unique]
        _AUTOGRAD.backward(unique, gradients)
