"""Puts back what a pass changed in the objects that a model holds, and what it left in the code of the model.

Models keep what they computed: tables of positions in dictionaries, keys and values of earlier calls in lists, masks in
globals or behind ``functools.cache``. In a pass without memory those are tensors without values, with which the model
would no longer run; and what a second pass finds it does not compute, so that its figures would be others.

What the model itself holds is put back as it was, however deep it is, also what hangs on its tensors.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from functools import cache
from itertools import islice
from types import FunctionType, GeneratorType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from archprof.trace.code_state import PLAIN, CodeState
from archprof.trace.iterators import copy_of, is_iterator, position, replace, was_advanced
from archprof.trace.state_kinds import DICT, LRU_CACHE, Saved, has_attributes, kind_of, same, saved_parts, slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OF_EVERY_MODULE = [*vars(nn.Module())]
"""Attributes of every module, in this order: its tensors, its hooks, and its children last."""

_OWN = len(_OF_EVERY_MODULE)

_EMPTY = {dict, OrderedDict, set, list}
"""Types of most containers, which are empty in most modules."""

_TENSORS = {Tensor, nn.Parameter}
_FIXED = PLAIN - _TENSORS
"""Types of most values, on which nothing can be left."""


@contextmanager
def put_back(modules: Iterable[nn.Module]) -> Iterator[State]:
    """While it holds, modules may be changed in any way; afterwards they and their code are as they were."""
    state = State([*modules])
    try:
        yield state
    finally:
        state.restore()


@cache
def _is_code(kind: Any) -> bool:
    return issubclass(kind, (FunctionType, LRU_CACHE, type))


@cache
def _has_one_dict(kind: Any) -> bool:
    """Whether objects of a type are modules, and hold all that they hold in their ``__dict__``."""
    return issubclass(kind, nn.Module) and kind_of(kind) is None and not slots(kind)


class State:
    """What objects held before a pass."""

    def __init__(self, objects: list[Any]) -> None:
        self._empty: list[Any] = []
        self._kinds: list[tuple[Any, type]] = []
        self._modules: list[tuple[Any, type, dict[str, Any]]] = []
        self._children: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._tensors: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._bare: list[dict[str, Any]] = []
        self._objects: list[Saved] = []
        self._copies: dict[int, Any] = {}
        self._one_way: list[tuple[Any, Any, list[Any]]] = []
        self._seen: dict[int, Any] = {id(value): value for value in objects}
        self._classes: set[type] = set()
        self._functions: list[Any] = []
        waiting: list[Any] = []
        for value in objects:
            self._save(value, waiting)
        while waiting:
            value = waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                self._save(value, waiting)
        self._code = [CodeState.of(frozenset(self._classes))]
        if self._functions:
            self._code.append(CodeState((), self._functions))

    def _save(self, value: Any, waiting: list[Any]) -> None:
        """Note what an object holds, and let wait what that may hold."""
        kind: Any = type(value)
        if _has_one_dict(kind):
            self._classes.add(kind)
            parts = self._save_module(value, kind)
        elif _is_code(kind):
            self._functions.append(value)
            return
        else:
            if has_attributes(kind):
                self._classes.add(kind)
            self._kinds.append((value, kind))
            parts = [part for part in saved_parts(value, kind, self._objects) if type(part) not in _FIXED]
        copies: dict[int, Any] = {}
        for part in parts:
            kind = type(part)
            if kind is tuple and _FIXED.issuperset(map(type, part)):
                continue
            if kind in _TENSORS:
                self._save_attributes(part, waiting)
            elif kind in _EMPTY and not part:
                self._empty.append(part)
            elif is_iterator(kind):
                if (copy := self._copies.setdefault(id(part), copy_of(part))) is not None:
                    copies[id(part)] = copy
                else:
                    self._one_way.append((value, part, position(part)))
            elif kind is GeneratorType:
                self._one_way.append((value, part, position(part)))
            else:
                waiting.append(part)
        if copies:
            replace(value, copies)

    def _save_module(self, module: Any, kind: type) -> list[Any]:
        """Note the attributes of a module, and give those that something can be left in."""
        attributes = module.__dict__
        self._modules.append((module, kind, attributes.copy()))
        if [*islice(attributes, _OWN)] != _OF_EVERY_MODULE:
            return [value for value in attributes.values() if type(value) not in _FIXED]
        values = [*attributes.values()]
        parts = [value for value in values[_OWN:] if type(value) not in _FIXED]
        _, parameters, buffers, *hooks, children = values[:_OWN]
        for tensors in (parameters, buffers):
            if tensors:
                self._tensors.append((tensors, tensors.copy()))
                for tensor in tensors.values():
                    if tensor is not None:
                        self._save_attributes(tensor, parts)
            else:
                self._empty.append(tensors)
        if any(hooks):
            parts += hooks
        else:
            self._empty += hooks
        if children:
            self._children.append((children, children.copy()))
            parts += [child for child in children.values() if id(child) not in self._seen and child is not None]
        else:
            self._empty.append(children)
        return parts

    def _save_attributes(self, tensor: Tensor, parts: list[Any]) -> None:
        """Note what hangs on a tensor."""
        attributes = tensor.__dict__
        (parts if attributes else self._bare).append(attributes)

    def advanced(self) -> list[tuple[Any, Any]]:
        """The generators that were advanced and cannot go back, each behind the object that holds it."""
        return [(holder, iterator) for holder, iterator, before in self._one_way if was_advanced(iterator, before)]

    def restore(self) -> None:
        """Put everything back."""
        for value in filter(None, self._empty):
            value.clear()
        for value, kind in self._kinds:
            if type(value) is not kind:
                object.__setattr__(value, "__class__", kind)
        for module, kind, values in self._modules:
            if type(module) is not kind:  # as torch makes of a module whose weight is parametrised
                object.__setattr__(module, "__class__", kind)
            if not same(module.__dict__, values):
                DICT.put_back(module.__dict__, [*values.keys(), *values.values()])
        for members, values in self._children:
            if not same(members, values):
                DICT.put_back(members, [*values.keys(), *values.values()])
        for members, values in self._tensors:  # others stand for them during the pass
            members.clear()
            members.update(values)
        for attributes in filter(None, self._bare):
            attributes.clear()
        for value, state, content in self._objects:
            if not same(state.content(value), content):
                state.put_back(value, content)
        for code in self._code:
            code.restore()
