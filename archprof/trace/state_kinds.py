"""The kinds of Python objects that code may change, what each of them holds, and how that is put back."""

from __future__ import annotations

import functools
import sys
from argparse import Namespace
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from functools import cache
from operator import is_
from threading import local
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from torch import Tensor, nn

from archprof.trace.memory_kinds import CONTENTS, Content, Copy

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT: Any = object()
"""What a cell, a slot or a key holds that holds nothing."""

_PLAIN_HOLDERS = (
    *(SimpleNamespace, Namespace, ChainMap, UserDict, UserList, local),
    *(WeakKeyDictionary, WeakSet, WeakValueDictionary),
)
"""Python's own classes whose instances are there to hold things."""

_LIBRARIES = frozenset({*sys.stdlib_module_names, "torch", "torchvision", "numpy", "archprof"})
"""Packages whose own state no model is asked for."""

LRU_CACHE = type(cache(lambda: None))


class Kind(NamedTuple):
    """How a kind of objects is saved.

    Attributes:
        content: What an object holds, as a list that has the same items in the same order until it is changed.
        put_back: Makes an object hold again what it held.
    """

    content: Callable[[Any], list[Any]]
    put_back: Callable[[Any, list[Any]], None]


Saved = tuple[Any, Kind, list[Any]]
"""An object, its kind, and what it held."""


# The methods of the built-in types themselves: those of a subclass may do anything.
def _dict_of(members: dict[Any, Any]) -> type[dict[Any, Any]]:
    return OrderedDict if isinstance(members, OrderedDict) else dict


def _dict_content(members: dict[Any, Any]) -> list[Any]:
    kind = _dict_of(members)
    return [*kind.keys(members), *kind.values(members)] if members else []


def members_of(content: list[Any]) -> dict[Any, Any]:
    """The content of something keyed, which is its keys and then its values, by key."""
    half = len(content) // 2
    return dict(zip(content[:half], content[half:], strict=True))


def _put_dict_back(members: dict[Any, Any], content: list[Any]) -> None:
    kind, before = _dict_of(members), members_of(content)
    for key in [key for key in kind.keys(members) if key not in before]:
        kind.__delitem__(members, key)
    if not all(map(is_, kind.keys(members), content)) or len(members) != len(
        before
    ):  # some are gone, or in another order
        kind.clear(members)
    for key, value in before.items():
        if kind.get(members, key, ABSENT) is not value:  # globals may be read by another thread meanwhile
            kind.__setitem__(members, key, value)


def _put_list_back(items: list[Any], content: list[Any]) -> None:
    list.__setitem__(items, slice(None), content)


def _put_set_back(items: set[Any], content: list[Any]) -> None:
    set.clear(items)
    set.update(items, content)


def _put_deque_back(items: deque[Any], content: list[Any]) -> None:
    deque.clear(items)
    deque.extend(items, content)


def _cell_content(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:
        return [ABSENT]


def _put_cell_back(cell: CellType, content: list[Any]) -> None:
    if content[0] is not ABSENT:
        cell.cell_contents = content[0]
    elif _cell_content(cell)[0] is not ABSENT:
        del cell.cell_contents


@cache
def slots(kind: type) -> tuple[MemberDescriptorType, ...]:
    """The slots that a class and those above it declare."""
    members = [value for owner in kind.__mro__ for value in vars(owner).values()]
    return tuple(member for member in members if type(member) is MemberDescriptorType)


def _type_of(value: Any) -> Any:
    return type(value)


def _slots_content(value: Any) -> list[Any]:
    content, kind = [], _type_of(value)
    for slot in slots(kind):
        try:
            content.append(slot.__get__(value))
        except AttributeError:
            content.append(ABSENT)
    return content


def _put_slots_back(value: Any, content: list[Any]) -> None:
    for slot, member, now in zip(slots(_type_of(value)), content, _slots_content(value), strict=True):
        if member is not now:
            slot.__delete__(value) if member is ABSENT else slot.__set__(value, member)


def _class_content(owner: type) -> list[Any]:
    return [*vars(owner).keys(), *vars(owner).values()]


def _put_class_back(owner: type, content: list[Any]) -> None:
    before = members_of(content)
    for name, value in before.items():
        if vars(owner).get(name, ABSENT) is not value:
            type.__setattr__(owner, name, value)
    for name in vars(owner).keys() - before.keys():
        type.__delattr__(owner, name)


def _memory(content: Content) -> Kind:
    return Kind(lambda value: [Copy(content.read(value))], lambda value, before: content.write(value, before[0].value))


DICT = Kind(_dict_content, _put_dict_back)
SLOTS = Kind(_slots_content, _put_slots_back)
CLASS = Kind(_class_content, _put_class_back)

_CHANGEABLE: dict[type, Kind] = {
    dict: DICT,
    list: Kind(list.copy, _put_list_back),
    set: Kind(lambda items: [*set.__iter__(items)], _put_set_back),
    deque: Kind(lambda items: [*deque.__iter__(items)], _put_deque_back),
    CellType: Kind(_cell_content, _put_cell_back),
    **{type_: _memory(content) for type_, content in CONTENTS.items()},
}
KEYED = (DICT, CLASS)
"""Those whose content is keys, and then as many values."""


def function_parts(function: FunctionType) -> list[Any]:
    """What a function holds: variables of those around it, default arguments, and attributes."""
    closure = function.__closure__
    if closure and function.__code__.co_freevars == _SUPER:
        closure = None
    if not (closure or function.__defaults__ or function.__kwdefaults__ or function.__dict__):
        return []
    inside = [*(closure or ()), *(function.__defaults__ or ()), *function.__dict__.values()]
    return [*inside, function.__kwdefaults__]


_SUPER = ("__class__",)
"""The variables around a method that calls ``super()``."""

_FIXED: dict[type, Callable[[Any], list[Any]]] = {
    tuple: list,
    frozenset: list,
    FunctionType: function_parts,
    MethodType: lambda method: [method.__self__, method.__func__],
    functools.partial: lambda partial: [partial.func, partial.args, partial.keywords],
    staticmethod: lambda method: [method.__func__],
    classmethod: lambda method: [method.__func__],
    property: lambda method: [method.fget],
    LRU_CACHE: lambda function: [function.__wrapped__],
}
"""What holds something else and cannot be changed itself -> what it holds."""


@cache
def kind_of(type_: type) -> Kind | None:
    """How objects of a type are changed; None where they cannot be, apart from their attributes."""
    return next((kind for base, kind in _CHANGEABLE.items() if issubclass(type_, base)), None)


@cache
def parts_of(type_: type) -> Callable[[Any], list[Any]] | None:
    """What objects of a type hold that cannot be changed."""
    return next((parts for base, parts in _FIXED.items() if issubclass(type_, base)), None)


@cache
def has_attributes(type_: type) -> bool:
    """Whether a model may keep things in the attributes of such an object: modules, and objects of no library."""
    if issubclass(type_, (type, Tensor, ModuleType, BuiltinFunctionType)) or type_ in _FIXED or type_ in _CHANGEABLE:
        return False
    return issubclass(type_, (nn.Module, *_PLAIN_HOLDERS)) or not in_library(type_.__module__)


@cache
def in_library(module: object) -> bool:
    """Whether a module of this name is Python's own, torch's or archprof's."""
    return not isinstance(module, str) or module.partition(".")[0] in _LIBRARIES


def saved_parts(value: Any, kind: Any, saved: list[Saved]) -> list[Any]:
    """Note what an object holds, and give that."""
    parts: list[Any] = []
    if (container := kind_of(kind)) is not None:
        saved.append((value, container, parts := container.content(value)))
    elif (fixed := parts_of(kind)) is not None:
        parts = fixed(value)
    if has_attributes(kind):
        if slots(kind):
            saved.append((value, SLOTS, inside := SLOTS.content(value)))
            parts = parts + inside
        if isinstance(attributes := getattr(value, "__dict__", None), dict):
            saved.append((attributes, DICT, DICT.content(attributes)))
            parts = [*parts, *attributes.values()]
    return parts


def same(now: Any, before: Any) -> bool:
    """Whether a container holds what it held; one that is equal is as good, and asking for that is the quickest."""
    try:
        return bool(now == before)
    except Exception:  # of tensors and arrays that are others now
        return False
