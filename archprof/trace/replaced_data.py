"""``tensor.data = other``, which is no operation, and yet gives a tensor another shape and other memory."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.device import is_meta
from archprof.trace.patch_attributes import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from archprof.trace.recorder import Recorder

_TRUE: Any = torch.Tensor.data


@contextmanager
def watched_data(recorder: Recorder) -> Iterator[None]:
    """While it holds, a recorder is told of whatever this thread replaces so.

    Where one of the two has values and the other has not, the pass has to be made with values.
    """
    thread = get_ident()

    def replace(tensor: Tensor, other: Tensor) -> None:
        if get_ident() == thread:
            if is_meta(tensor) != is_meta(other):
                raise recorder.needs_values("Tensor.data, which is replaced")
            recorder.info(tensor)
            recorder.overwritten.keep_shape(tensor)
        _TRUE.__set__(tensor, other)
        if get_ident() == thread:
            recorder.forget(tensor)

    with hold({(torch.Tensor, "data"): property(_TRUE.__get__, replace)}):
        yield
