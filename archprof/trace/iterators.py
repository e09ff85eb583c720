"""Copies of iterators, which a pass advances in the place of a model's own.

An iterator goes one way only. So while a pass lasts, a model holds a copy of each that stands where it stood;
afterwards it is given back its own, which nobody has advanced. Generators cannot be copied, nor what takes from one,
and are left where a pass leaves them; whether it has advanced them is told.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from operator import length_hint
from types import GeneratorType
from typing import Any

_SOURCES = frozenset({"builtins", "itertools"})


def _is_iterator(kind: Any) -> bool:
    return kind.__module__ in _SOURCES and issubclass(kind, Iterator)


is_iterator: Callable[[Any], bool] = cache(_is_iterator)
"""Whether a type is one of Python's own iterators; others hold where they are in attributes."""


def copy_of(iterator: Any) -> Any:
    """An iterator that gives what another is going to give, without advancing it; None where there can be none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons are to copy none of itertools'
            return _copy(iterator)
    except (TypeError, AttributeError):
        return None


def _copy(iterator: Any) -> Any:
    function, arguments, *state = iterator.__reduce__()
    # What it runs over is shared, and iterators that it takes from are copied.
    copy = function(*[_copy(value) if is_iterator(type(value)) else value for value in arguments])
    if state and state[0] is not None:
        copy.__setstate__(_copied_state(state[0]))
    return copy


def _copied_state(value: Any) -> Any:
    if is_iterator(type(value)):
        return _copy(value)
    if isinstance(value, tuple):
        return tuple(map(_copied_state, value))
    return list(value) if isinstance(value, list) else value


def position(iterator: Any) -> list[Any]:
    """Where a generator stands, or an iterator that takes from one: what has other items once it was advanced."""
    if isinstance(iterator, GeneratorType):
        frame = iterator.gi_frame
        if frame is None:
            return []
        inner = [] if iterator.gi_yieldfrom is None else position(iterator.gi_yieldfrom)
        return [frame.f_lasti, *frame.f_locals.values(), *inner]
    if not is_iterator(type(iterator)):
        return []
    try:
        sources = iterator.__reduce__()[1]
    except (TypeError, AttributeError):
        sources = ()
    return [length_hint(iterator, -1), *(item for source in sources for item in position(source))]


def was_advanced(iterator: Any, before: list[Any]) -> bool:
    """Whether an iterator stands elsewhere than at a position; of a generator whose variables stay this is not seen."""
    after = position(iterator)
    pairs = zip(before, after, strict=False)
    return len(before) != len(after) or any(
        old is not new and (type(old) is not int or old != new) for old, new in pairs
    )


def replace(holder: Any, values: dict[int, Any]) -> None:
    """Put other objects in the place of those of some ids, wherever a dictionary, a list or an object holds them."""
    for members in (holder, getattr(holder, "__dict__", None)):
        if isinstance(members, dict):
            for name in [name for name, value in dict.items(members) if id(value) in values]:
                dict.__setitem__(members, name, values[id(members[name])])
    if isinstance(holder, list):
        list.__setitem__(holder, slice(None), [values.get(id(value), value) for value in list.__iter__(holder)])
