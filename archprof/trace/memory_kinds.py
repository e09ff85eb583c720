"""Objects with memory or a state of their own, beside tensors, that a forward may change in place: how they are saved.

NumPy's arrays, bytes that can be changed, and generators of random numbers. What such an object holds is copied.
"""

from __future__ import annotations

import array
import random
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 1 << 26
"""Bytes up to which an array is copied; a larger one stays as a pass leaves it."""

_numpy: Any = sys.modules.get("numpy")  # which torch has imported, where there is one


class Content(NamedTuple):
    """How the content of a type of objects is copied and written back."""

    read: Callable[[Any], Any]
    write: Callable[[Any, Any], None]


class Copy:
    """A copy of what an object holds; it is equal to another that was made while the object held the same."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Copy) and _bits(self.value) == _bits(other.value)


def is_copy(content: list[Any]) -> bool:
    """Whether what was saved of an object is a copy of its memory."""
    return len(content) == 1 and isinstance(content[0], Copy)


def _bits(value: Any) -> Any:
    """Something equal for the same content, whatever its numbers are: NaN is not equal to itself."""
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    return (value.dtype, value.shape, value.tobytes()) if hasattr(value, "tobytes") else value


def _read_array(values: Any) -> Any:
    return values.copy() if values.flags.writeable and values.nbytes <= LIMIT else None


def _write_array(values: Any, before: Any) -> None:
    if before is None:
        return
    if values.shape != before.shape:
        values.resize(before.shape, refcheck=False)
    values[...] = before


def _write_items(items: Any, before: Any) -> None:
    items[:] = before


def _write_stream(stream: torch.Generator, before: torch.Tensor) -> None:
    stream.set_state(before)


def _contents() -> dict[type, Content]:
    contents = {
        bytearray: Content(bytes, _write_items),
        array.array: Content(lambda items: items[:], _write_items),
        memoryview: Content(
            lambda view: None if view.readonly or not view.contiguous or view.nbytes > LIMIT else view.tobytes(),
            lambda view, before: None if before is None else _write_items(view.cast("B"), before),
        ),
        random.Random: Content(random.Random.getstate, random.Random.setstate),
        torch.Generator: Content(torch.Generator.get_state, _write_stream),
    }
    if _numpy is not None:
        contents[_numpy.ndarray] = Content(_read_array, _write_array)
        contents[_numpy.random.Generator] = Content(
            lambda generator: generator.bit_generator.state,
            lambda generator, before: setattr(generator.bit_generator, "state", before),
        )
        contents[_numpy.random.RandomState] = Content(
            lambda stream: stream.get_state(legacy=False), lambda stream, before: stream.set_state(before)
        )
    return contents


CONTENTS = _contents()
"""Type -> how what it holds is copied."""
