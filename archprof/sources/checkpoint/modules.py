"""The module tree of a saved model: classes, attributes, parameters and buffers, named as its state dict names them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from archprof.sources.checkpoint.contents import Module, Role, Tensor
from archprof.sources.checkpoint.limits import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_MODULES,
    MAX_NAME,
    MAX_TENSORS,
)
from archprof.sources.checkpoint.nodes import Name, Node, Object, Table, class_of, state_of, table_of, text_entries
from archprof.sources.checkpoint.tensors import Storages, tensor_of


class Parts(NamedTuple):
    """What hangs directly on one module: modules, and tensors with their roles, by name."""

    modules: dict[str, Node]
    tensors: dict[str, tuple[Node, Role | None]]


PartsOf = Callable[[Name, Table], Parts]
"""A module's class and its ``__dict__`` -> what hangs on it."""


class Tree(NamedTuple):
    """All modules and tensors of a model, by path and name."""

    modules: dict[str, Module]
    tensors: dict[str, Tensor]


def is_module(node: Node) -> bool:
    """Whether a node is a pickled ``torch.nn.Module``."""
    state = state_of(node)
    return class_of(node) is not None and state is not None and "_modules" in state.entries


def parts_of_module(kind: Name, state: Table) -> Parts:
    """What hangs on a pickled ``torch.nn.Module``; buffers that its state dict leaves out are left out."""
    transient = state.entries.get("_non_persistent_buffers_set")
    if isinstance(transient, Object) and transient.arguments:  # set([...]), before protocol 4
        transient = transient.arguments[0]
    left_out = list(islice(transient, MAX_ATTRIBUTES)) if isinstance(transient, list) else []
    parameters, buffers = (text_entries(state.entries.get(key)) for key in ("_parameters", "_buffers"))
    tensors: dict[str, tuple[Node, Role | None]] = {name: (value, "parameter") for name, value in parameters.items()}
    tensors |= {name: (value, "buffer") for name, value in buffers.items() if name not in left_out}
    return Parts(text_entries(state.entries.get("_modules")), tensors)


def walk(root: Node, storages: Storages, parts_of: PartsOf) -> Tree:
    """Every module below a model, itself included.

    Args:
        root: The model.
        storages: The storages of its file.
        parts_of: What hangs on a module.

    Raises:
        ValueError: Where there are too many, they hold themselves, or a tensor is damaged.
    """
    modules: dict[str, Module] = {}
    tensors: dict[str, Tensor] = {}
    entries = 0
    stack = [("", root, 0)]
    while stack:
        path, node, depth = stack.pop()
        kind, state = class_of(node), state_of(node)
        if kind is None or state is None:
            continue  # None where a module was taken out
        _check(depth, MAX_DEPTH, "modules in one another")
        entries += len(state.entries)
        _check(entries, MAX_ENTRIES, "entries")
        entries += sum(len(table.entries) for value in state.entries.values() if (table := table_of(value)))
        _check(entries, MAX_ENTRIES, "entries")
        parts = parts_of(kind, state)
        _check(len(modules) + len(stack) + len(parts.modules), MAX_MODULES, "modules")
        _check(len(tensors) + len(parts.tensors), MAX_TENSORS, "tensors")
        modules[path] = Module(kind.path, _attributes(state))
        for name, (value, role) in parts.tensors.items():
            full = join(path, name)
            if tensor := read(full, value, storages):
                tensors[full] = msgspec.structs.replace(tensor, role=role)
        stack.extend((join(path, name), child, depth + 1) for name, child in reversed(parts.modules.items()))
    return Tree(modules, tensors)


def read(name: str, node: Node, storages: Storages) -> Tensor | None:
    """A tensor, or None where it is none.

    Raises:
        ValueError: Where it is damaged, with its name.
    """
    try:
        return tensor_of(node, storages)
    except ValueError as error:
        raise ValueError(f"tensor {name!r} is damaged: {error}") from None


def join(path: str, name: str) -> str:
    """A module's path and a name in it, with a dot between them.

    Raises:
        ValueError: Where that is absurdly long.
    """
    if len(path) + len(name) > MAX_NAME:
        raise ValueError(f"a module or tensor has a name of {len(path) + len(name):,} characters")
    return f"{path}.{name}" if path else name


def _attributes(state: Table) -> dict[str, Any]:
    plain = (
        (key, value)
        for key, value in state.entries.items()
        if isinstance(key, str) and key[:1] != "_" and len(key) <= MAX_NAME and _is_plain(value)
    )
    return dict(islice(plain, MAX_ATTRIBUTES))


def _is_plain(value: Node) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 8 and all(type(item) in (bool, int, float) for item in value)
    return type(value) in (bool, int, float) or (isinstance(value, str) and len(value) <= MAX_NAME)


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise ValueError(f"the model has more than {most:,} {what}")
