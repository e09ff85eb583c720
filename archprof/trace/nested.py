"""The tensors in what models are given and give back: tuples, lists, dicts and dataclasses of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import PackedSequence

from archprof.errors import RunError
from archprof.trace.state_kinds import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

RESULTS = 10_000
"""Results that a model may give one after the other."""


def flat(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists, dicts and dataclasses, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from flat(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from flat(getattr(value, field.name, None))


def within(value: Any, seen: set[int] | None = None) -> Iterator[Tensor]:
    """As :func:`flat`, also of the attributes of whatever object, each looked into once."""
    seen = set() if seen is None else seen
    if isinstance(value, torch.Tensor):
        yield value
        return
    if isinstance(value, (type, ModuleType, torch.nn.Module)) or callable(value) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        items = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
    else:
        items = [*getattr(value, "__dict__", {}).values(), *SLOTS.content(value)]
    for item in items:
        yield from within(item, seen)


def drained(results: Iterator[Any]) -> list[Any]:
    """What a model gives one after the other, which it computes only then.

    Raises:
        RunError: Where there is no end of it.
    """
    items = list(islice(results, RESULTS + 1))
    if len(items) > RESULTS:
        raise RunError(
            f"the model gives more than {RESULTS:,} results one after the other", hint="give it one that ends"
        )
    return items


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same containers with each tensor replaced; what is inside of a dataclass stays."""
    return map_leaves(lambda leaf: function(leaf) if isinstance(leaf, torch.Tensor) else leaf, value)


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """The same tuples, lists and dicts with each thing in them that is none of these replaced."""
    if isinstance(value, PackedSequence):  # how long its sequences are is read where it is run
        return PackedSequence(function(value.data), *value[1:])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[map_leaves(function, item) for item in value])
    if isinstance(value, (list, tuple)):
        return type(value)([map_leaves(function, item) for item in value])
    if isinstance(value, dict):
        return {key: map_leaves(function, item) for key, item in value.items()}
    return function(value)
