"""Copies of iterators, which a pass advances in the place of a model's own.

An iterator goes one way only. So while a pass lasts, a model holds a copy of each that stands where it stood;
afterwards it is given back its own, which nobody has advanced. Generators cannot be copied, and are left where a pass
leaves them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
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


def replace(holder: Any, values: dict[int, Any]) -> None:
    """Put other objects in the place of those of some ids, wherever a dictionary, a list or an object holds them."""
    for members in (holder, getattr(holder, "__dict__", None)):
        if isinstance(members, dict):
            for name in [name for name, value in dict.items(members) if id(value) in values]:
                dict.__setitem__(members, name, values[id(members[name])])
    if isinstance(holder, list):
        list.__setitem__(holder, slice(None), [values.get(id(value), value) for value in list.__iter__(holder)])
