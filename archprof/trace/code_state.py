"""Puts back what a pass left in the code of a model: globals, class attributes, closures, default arguments, caches.

That is put back where tensors were left in it, and else stays: code may also note there that it has registered
something, which is done once a process.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.memory_kinds import is_copy
from archprof.trace.state_kinds import (
    CLASS,
    DICT,
    KEYED,
    LRU_CACHE,
    SLOTS,
    Kind,
    Saved,
    function_parts,
    has_attributes,
    in_library,
    kind_of,
    members_of,
    parts_of,
    same,
    saved_parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_REACH = 2
"""How far globals are followed: those of the model's own functions, and of the functions that they name."""

_LARGE = 64
"""Items beyond which what is in a container of code is not looked into: it is a registry."""

_NAMES = {str, int, bool, type(None)}
"""Types of keys by which a registry lists what a library has, of which a pass changes none."""

PLAIN = {type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device, torch.Tensor}
PLAIN |= {torch.nn.Parameter, ModuleType, BuiltinFunctionType, MemberDescriptorType, GetSetDescriptorType}
"""Types of most values, which nothing can be left in."""

_KNOWN_STATES = 8
"""How many states of code are remembered; one is of all the classes of a model."""

_states: OrderedDict[frozenset[type], CodeState] = OrderedDict()


class CodeState:
    """What code held before a pass.

    Args:
        classes: Classes whose code a pass may run.
        functions: Functions, caches and classes that it may run beside.
    """

    def __init__(self, classes: Iterable[type], functions: Iterable[Any] = ()) -> None:
        self._seen: dict[int, Any] = {}
        self._objects: list[Saved] = []
        self._functions: list[FunctionType] = []
        self._caches: list[Any] = []
        for owner in {owner: None for class_ in classes for owner in class_.__mro__}:
            self._save_class(owner, 0)
        self._save([*functions], 0)
        self._with_attributes = self._functions_with_attributes()
        self.count_misses()

    @classmethod
    def of(cls, classes: frozenset[type]) -> CodeState:
        """The state of the code of some classes: that of an earlier pass, where nothing in it is another by now."""
        state = _states.pop(classes, None)
        if state is None or not state.holds():
            state = cls(classes)
        _states[classes] = state
        if len(_states) > _KNOWN_STATES:
            _states.popitem(last=False)
        state.count_misses()
        return state

    def holds(self) -> bool:
        """Whether code holds what it held."""
        return (
            all(same(kind.content(value), content) for value, kind, content in self._objects)
            and self._functions_with_attributes() == self._with_attributes
        )

    def count_misses(self) -> None:
        """Note how often each cache of a function has been filled."""
        self._misses = [function.cache_info().misses for function in self._caches]

    def _functions_with_attributes(self) -> list[FunctionType]:
        return [function for function in self._functions if function.__dict__]

    def _save(self, waiting: list[Any], reach: int) -> None:
        """Note what functions hold, and whatever else there is in code."""
        while waiting:
            value = waiting.pop()
            kind: Any = type(value)
            if kind in PLAIN or id(value) in self._seen:
                continue
            if issubclass(kind, type):
                self._save_class(value, reach)
            elif kind is FunctionType:
                self._save_function(value, reach)
            else:
                self._seen[id(value)] = value
                if issubclass(kind, LRU_CACHE):
                    self._caches.append(value)
                if _is_registry(value, kind):
                    self._objects.append((value, REGISTRY, REGISTRY.content(value)))
                    continue
                parts = saved_parts(value, kind, self._objects)
                waiting += parts if len(parts) <= _LARGE else []

    def _save_function(self, function: FunctionType, reach: int) -> None:
        if id(function) not in self._seen and not in_library(function.__globals__.get("__name__")):
            self._seen[id(function)] = function
            self._save_scope([function], reach)

    def _save_class(self, owner: type, reach: int) -> None:
        if id(owner) not in self._seen and not in_library(owner.__module__):
            self._seen[id(owner)] = owner
            self._objects.append((owner, CLASS, content := CLASS.content(owner)))
            self._save_scope(content, reach)

    def _save_globals(self, namespace: dict[str, Any], reach: int) -> None:
        if id(namespace) not in self._seen and not in_library(namespace.get("__name__")):
            self._seen[id(namespace)] = namespace
            self._objects.append((namespace, DICT, content := DICT.content(namespace)))
            self._save_scope(content, reach)

    def _save_scope(self, content: list[Any], reach: int) -> None:
        """Note what the values in a class or in the globals of a module hold."""
        functions, others = _changeable(content)
        self._functions += functions
        for function in functions:
            if attributes := function.__dict__:
                self._objects.append((attributes, DICT, DICT.content(attributes)))
        self._save(others, reach)
        if reach < _REACH:
            for namespace in {id(function.__globals__): function.__globals__ for function in functions}.values():
                self._save_globals(namespace, reach + 1)

    def restore(self) -> None:
        """Put back what tensors were left in."""
        for value, kind, content in self._objects:
            now = kind.content(value)
            if same(now, content):
                continue
            is_complete = kind is REGISTRY or is_copy(content)
            before = content if is_complete else _without_tensors(now, content, keyed=kind in KEYED)
            if before is not None:
                kind.put_back(value, before)
        for function in self._functions:
            attributes = function.__dict__
            if attributes and function not in self._with_attributes and _holds_tensor([attributes]):
                attributes.clear()
        for function, misses in zip(self._caches, self._misses, strict=True):
            if function.cache_info().misses != misses and _holds_tensor(gc.get_referents(function)):
                function.cache_clear()


def _is_registry(value: Any, kind: Any) -> bool:
    """Whether a container of code holds many things by name, and no tensor, so that more can only be added to it."""
    if kind_of(kind) is not DICT or len(value) <= _LARGE or not _NAMES.issuperset(map(type, value)):
        return False
    return not any(isinstance(item, torch.Tensor) for item in dict.values(value))


def _drop_tensors(registry: dict[Any, Any], _: list[Any]) -> None:
    for name in [name for name, item in dict.items(registry) if _holds_tensor([item])]:
        dict.pop(registry, name)


REGISTRY = Kind(lambda registry: [len(registry)], _drop_tensors)
"""A large table of names, of which only its length is looked at: it is asked for before and after every pass."""


def _changeable(content: list[Any]) -> tuple[list[FunctionType], list[Any]]:
    """What of the content of a class or a module something can be left in: functions of no library, and the rest."""
    functions: list[FunctionType] = []
    others: list[Any] = []
    for value in content:
        kind: Any = type(value)
        if kind in PLAIN:
            continue
        if kind in (staticmethod, classmethod):
            value, kind = value.__func__, type(value.__func__)
        if kind is FunctionType:
            if not in_library(value.__module__):
                functions.append(value)
                others += [part for part in function_parts(value) if type(part) not in PLAIN]
        elif issubclass(kind, type):
            if not in_library(value.__module__):
                others.append(value)
        elif kind_of(kind) is not None or parts_of(kind) is not None or has_attributes(kind):
            others.append(value)
    return functions, others


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
        if kind in PLAIN or id(value) in seen or issubclass(kind, (FunctionType, type)):
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
