"""Puts back what a pass changed in the objects that a model holds, and what it left in the code of the model.

Models keep what they computed: tables of positions in dictionaries, keys and values of earlier calls in lists, masks in
globals or behind ``functools.cache``. In a pass without memory those are tensors without values, with which the model
would no longer run; and what a second pass finds it does not compute, so that its figures would be others.

What the model itself holds is put back as it was, however deep it is. What code holds (globals, class attributes,
closures, default arguments, caches of functions) is put back where tensors were left in it, and else stays: code may
also note there that it has registered something, which is done once a process.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from contextlib import contextmanager
from operator import is_
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn

from archprof.trace.state_kinds import (
    CLASS,
    DICT,
    KEYED,
    LRU_CACHE,
    SLOTS,
    Kind,
    function_parts,
    has_attributes,
    in_library,
    kind_of,
    members_of,
    parts_of,
    slots,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_REACH = 2
"""How far globals are followed: those of the model's own functions, and of the functions that they name."""

_LARGE = 64
"""Items beyond which what is in a container of code is not looked into: it is a registry."""

_PLAIN = {type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device, torch.Tensor}
_PLAIN |= {torch.nn.Parameter, ModuleType, BuiltinFunctionType, MemberDescriptorType, GetSetDescriptorType}
"""Types of most values, which nothing can be left in."""

_EMPTY = {dict, OrderedDict, set, list}
"""Types of most containers, which are empty in most modules."""

Saved = tuple[Any, Kind, list[Any]]
"""An object, its kind, and what it held."""


class _Scope(NamedTuple):
    """What a class or the globals of a module held when they were last looked at.

    Attributes:
        content: As :class:`Kind` has it.
        functions: The functions in it, the model's own.
        others: What else something can be left in.
    """

    content: list[Any]
    functions: list[FunctionType]
    others: list[Any]


_modules: dict[str, _Scope] = {}
_classes: WeakKeyDictionary[type, _Scope] = WeakKeyDictionary()


@contextmanager
def put_back(modules: Iterable[nn.Module]) -> Iterator[None]:
    """While it holds, modules may be changed in any way; afterwards they and their code are as they were."""
    state = _State([*modules])
    try:
        yield
    finally:
        state.restore()


class _State:
    """What objects held before a pass."""

    def __init__(self, objects: list[Any]) -> None:
        self._seen: dict[int, Any] = {}
        self._empty: list[Any] = []
        self._held: list[Saved] = []
        self._code: list[Saved] = []
        self._functions: list[list[FunctionType]] = []
        self._caches: list[tuple[Any, int]] = []
        classes, code = self._save_held(objects)
        for owner in {owner for kind in classes for owner in kind.__mro__}:
            self._save_class(owner, 0)
        self._save_code(code, 0)

    def _save_held(self, waiting: list[Any]) -> tuple[set[type], list[Any]]:
        """Note what objects hold, and what they hold holds.

        Returns:
            The classes of the objects, and the functions and classes that they hold.
        """
        classes: set[type] = set()
        code: list[Any] = []
        while waiting:
            value = waiting.pop()
            if id(value) in self._seen:
                continue
            kind: Any = type(value)
            if issubclass(kind, (FunctionType, LRU_CACHE, type)):
                code.append(value)
                continue
            self._seen[id(value)] = value
            if kind in classes or has_attributes(kind):
                classes.add(kind)
            if issubclass(kind, nn.Module) and kind_of(kind) is None and not slots(kind):  # most of all that there is
                attributes = value.__dict__
                self._held.append((attributes, DICT, DICT.content(attributes)))
                parts: Iterable[Any] = attributes.values()
            else:
                parts = _saved(value, kind, self._held)
            for part in parts:
                if (kind := type(part)) in _EMPTY and not part:
                    self._empty.append(part)
                elif kind not in _PLAIN:
                    waiting.append(part)
        return classes, code

    def _save_code(self, waiting: list[Any], reach: int) -> None:
        """Note what functions hold, and whatever else there is in code."""
        while waiting:
            value = waiting.pop()
            kind = type(value)
            if kind in _PLAIN or id(value) in self._seen:
                continue
            if issubclass(kind, type):
                self._save_class(value, reach)
                continue
            if kind is FunctionType:
                self._save_function(value, reach)
                continue
            self._seen[id(value)] = value
            if issubclass(kind, LRU_CACHE):
                self._caches.append((value, value.cache_info().misses))
            parts = _saved(value, kind, self._code)
            waiting += parts if len(parts) <= _LARGE else []

    def _save_function(self, function: FunctionType, reach: int) -> None:
        if id(function) not in self._seen and not in_library(function.__globals__.get("__name__")):
            self._seen[id(function)] = function
            self._functions.append([function])
            self._save_scope(_scope([function]), reach)

    def _save_class(self, owner: type, reach: int) -> None:
        if id(owner) in self._seen or in_library(owner.__module__):
            return
        self._seen[id(owner)] = owner
        content = CLASS.content(owner)
        scope = _classes.get(owner)
        if scope is None or not _same(content, scope.content):
            scope = _classes[owner] = _scope(content)
        self._code.append((owner, CLASS, content))
        self._save_scope(scope, reach)

    def _save_globals(self, namespace: dict[str, Any], reach: int) -> None:
        name = namespace.get("__name__")
        if id(namespace) in self._seen or in_library(name):
            return
        self._seen[id(namespace)] = namespace
        content = DICT.content(namespace)
        scope = _modules.get(str(name))
        if scope is None or not _same(content, scope.content):
            scope = _modules[str(name)] = _scope(content)
        self._code.append((namespace, DICT, content))
        self._save_scope(scope, reach)

    def _save_scope(self, scope: _Scope, reach: int) -> None:
        self._functions.append(scope.functions)
        for function in scope.functions:
            if attributes := function.__dict__:
                self._seen[id(attributes)] = attributes
                self._code.append((attributes, DICT, DICT.content(attributes)))
        self._save_code([*scope.others], reach)
        if reach < _REACH:
            for namespace in {id(function.__globals__): function.__globals__ for function in scope.functions}.values():
                self._save_globals(namespace, reach + 1)

    def restore(self) -> None:
        """Put everything back."""
        for value in self._empty:
            if value:
                value.clear()
        for value, kind, content in self._held:
            if not _same(kind.content(value), content):
                kind.put_back(value, content)
        for value, kind, content in self._code:
            now = kind.content(value)
            if not _same(now, content) and (before := _without_tensors(now, content, keyed=kind in KEYED)) is not None:
                kind.put_back(value, before)
        for functions in self._functions:
            for function in functions:
                attributes = function.__dict__
                if attributes and id(attributes) not in self._seen and _holds_tensor([attributes]):
                    attributes.clear()
        for function, misses in self._caches:
            if function.cache_info().misses != misses and _holds_tensor(gc.get_referents(function)):
                function.cache_clear()


def _scope(content: list[Any]) -> _Scope:
    """What of the content of a class or a module something can be left in."""
    functions: list[FunctionType] = []
    others: list[Any] = []
    for value in content:
        kind: Any = type(value)
        if kind in _PLAIN:
            continue
        if kind in (staticmethod, classmethod):
            value, kind = value.__func__, type(value.__func__)
        if kind is FunctionType:
            if not in_library(value.__module__):
                functions.append(value)
                others += [part for part in function_parts(value) if type(part) not in _PLAIN]
        elif issubclass(kind, type):
            if not in_library(value.__module__):
                others.append(value)
        elif kind_of(kind) is not None or parts_of(kind) is not None or has_attributes(kind):
            others.append(value)
    return _Scope(content, functions, others)


def _saved(value: Any, kind: Any, saved: list[Saved]) -> list[Any]:
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


def _same(now: list[Any], before: list[Any]) -> bool:
    return len(now) == len(before) and all(map(is_, now, before))


def _without_tensors(now: list[Any], before: list[Any], *, keyed: bool) -> list[Any] | None:
    """What an object is to hold that code changed: what it held, where that or the change is of tensors.

    Returns:
        None where it may stay as it is.
    """
    if not keyed:
        known = {id(value) for value in before}
        new = [value for value in now if id(value) not in known]
        return before if _holds_tensor(new) or (len(now) != len(before) and _holds_tensor(before)) else None
    members, former = members_of(now), members_of(before)
    absent = object()
    changed = [
        key
        for key in {**former, **members}
        if (value := members.get(key, absent)) is not (earlier := former.get(key, absent))
        and (_holds_tensor([value]) or _holds_tensor([earlier]))
    ]
    for key in changed:
        members.pop(key, None)
        if key in former:
            members[key] = former[key]
    return [*members.keys(), *members.values()] if changed else None


def _holds_tensor(waiting: list[Any]) -> bool:
    """Whether there is a tensor among some values, or in what they hold."""
    seen: dict[int, Any] = {}
    waiting = [*waiting]
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.Tensor):
            return True
        kind: Any = type(value)
        if kind in _PLAIN or id(value) in seen or issubclass(kind, (FunctionType, type)):
            continue
        seen[id(value)] = value
        if kind.__name__ == "_lru_list_elem":
            waiting += [part for part in gc.get_referents(value) if type(part) is not kind]
        elif (container := kind_of(kind)) is not None:
            waiting += container.content(value)
        elif (fixed := parts_of(kind)) is not None:
            waiting += fixed(value)
        elif has_attributes(kind):
            waiting += [*SLOTS.content(value), *getattr(value, "__dict__", {}).values()]
    return False
