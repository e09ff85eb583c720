"""Takes back tensors of a pass that something still holds after it, however far from the model that is.

:mod:`~archprof.trace.model_state` puts back what a model holds, and what the code holds that it runs, as far as that is
followed. A function of a function of a function may keep a table in a global of its own, too: in a pass without memory
that is a tensor without values, with which the model would no longer run. Every tensor of a pass dies with it; one that
lives on is searched for in what Python knows to hold it, which takes milliseconds and hardly ever happens.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from sys import getrefcount
from types import CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import ref

from archprof.trace.device import is_meta
from archprof.trace.state_kinds import DICT, LRU_CACHE, SLOTS, has_attributes, in_library, kind_of, members_of, slots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from archprof.trace.record import TensorInfo, Trace

_FAR = 8
"""How many containers, one in the other, are gone up from a tensor."""


class MadeTensors:
    """The tensors without memory that a pass made."""

    def __init__(
        self, entries: list[tuple[Tensor, TensorInfo, Any]], placeholders: Iterable[Tensor], trace: Trace
    ) -> None:
        self._entries = entries
        self._placeholders = {id(tensor) for tensor in placeholders}
        self._trace = trace

    def take_back(self) -> None:
        """Take those that something else holds out of whatever holds them."""
        entries, self._entries = self._entries, []
        references = [
            (ref(tensor), info)
            for tensor, info, _ in entries
            if getrefcount(tensor) > _OWN_REFERENCES
            and is_meta(tensor)
            and (info.parameter is None or id(tensor) in self._placeholders)
        ]
        del entries  # with the last of them go those that only others of them held, as a view holds its base
        held = {id(tensor): (tensor, info) for reference, info in references if (tensor := reference()) is not None}
        if not held:
            return
        made = self._made()
        tensors = [tensor for tensor, info in held.values() if id(tensor) in self._placeholders or id(info) in made]
        del held
        if tensors:
            _take_out(tensors)

    def _made(self) -> set[int]:
        """The ids of what came out of an operation before it went into any: others were there before the pass."""
        before: set[int] = set()
        made: set[int] = set()
        for operation in (*self._trace.operations, *self._trace.backward):
            before.update(id(info) for info in operation.inputs if id(info) not in made)
            made.update(id(info) for info in operation.outputs if id(info) not in before)
        return made


def _counts(entries: list[tuple[Any, Any, Any]]) -> list[int]:
    return [getrefcount(tensor) for tensor, _, _ in entries]


_OWN_REFERENCES = _counts([(object(), None, None)])[0]
"""What Python counts for an object that nothing but such an entry holds."""


def _take_out(values: list[Any]) -> None:
    """Take objects out of the containers that hold them, and what cannot be changed out of those that hold it."""
    done = {id(values)}
    for _ in range(_FAR):
        gone = {id(value) for value in values}
        holders = [holder for holder in gc.get_referrers(*values) if id(holder) not in done]
        outer = [holder for holder in holders if _is_fixed(holder)]
        done |= {id(holder) for holder in holders} | {id(holders), id(outer)}
        for holder in holders:
            with suppress(Exception):  # it is anybody's, and what cannot be changed stays
                _remove(holder, gone)
        if not outer:
            return
        values = outer


def _is_fixed(holder: Any) -> bool:
    return type(holder) in (tuple, frozenset) or type(holder).__name__ == "_lru_list_elem"


def _remove(holder: Any, gone: set[int]) -> None:
    """Make an object hold what it holds but for some objects, where that is possible."""
    type_: Any = type(holder)
    kind = kind_of(type_)
    if issubclass(type_, LRU_CACHE):
        holder.cache_clear()
    elif kind is DICT:
        _remove_items(holder, gone)
    elif type_ is CellType:
        holder.cell_contents = None
    elif kind is not None:
        kind.put_back(holder, [value for value in kind.content(holder) if id(value) not in gone])
    elif has_attributes(type_):
        for slot, value in zip(slots(type_), SLOTS.content(holder), strict=True):
            if id(value) in gone:
                _reset(holder, slot.__name__)
        if hasattr(holder, "__dict__"):
            for name in _names(vars(holder), gone):
                _reset(holder, name)


def _remove_items(members: dict[Any, Any], gone: set[int]) -> None:
    """Take items out of a dictionary, be it one of its own or that of a module, a class or an object."""
    names = _names(members, gone)
    owners = [other for other in gc.get_referrers(members) if _owns(other, members)]
    kinds: list[Any] = [type(owner) for owner in owners]
    if any(not _is_code(owner) and not has_attributes(kind) for owner, kind in zip(owners, kinds, strict=True)):
        return  # a tensor's, or what a library keeps of its own
    for name in names:
        if not owners:
            members.pop(name, None)
        elif isinstance(owners[0], type):  # a class has to know of it; where nothing is there yet, it has None
            type.__setattr__(owners[0], name, None)
        elif _is_code(owners[0]):
            members[name] = None
        else:
            _reset(owners[0], name)


def _is_code(owner: Any) -> bool:
    """Whether it is a class, a function or a module of no library."""
    if isinstance(owner, ModuleType):
        return not in_library(owner.__name__)
    return isinstance(owner, (type, FunctionType)) and not in_library(owner.__module__)


def _names(members: dict[Any, Any], gone: set[int]) -> list[Any]:
    return [key for key, value in members_of(DICT.content(members)).items() if id(key) in gone or id(value) in gone]


def _owns(other: Any, members: dict[Any, Any]) -> bool:
    """Whether a dictionary is the one of an object's attributes, or of a function's globals."""
    if isinstance(other, type):
        return True
    if isinstance(other, FunctionType):
        return other.__globals__ is members
    return getattr(other, "__dict__", None) is members


def _reset(holder: Any, name: str) -> None:
    """Take an attribute away, or make it None where the object's constructor sets it, and so something asks for it."""
    if name in getattr(getattr(type(holder).__init__, "__code__", None), "co_names", ()):
        object.__setattr__(holder, name, None)
    else:
        object.__delattr__(holder, name)
