"""What a pickle holds, as inert data: a name is a name, a call is a record of the call, and nothing is imported.

Lists, tuples, text, bytes, numbers, booleans and None stand for themselves; a set is a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = Any
"""A value of a pickle: plain data, or one of the classes below."""

MAX_KEY = 2**53


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the pickle refers to, as ``collections`` and ``OrderedDict``."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """Both parts, with a dot between them."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Table:
    """A dict. Keys other than text, whole numbers, booleans and None are left out, their values too."""

    entries: dict[str | int | bool | None, Node] = field(default_factory=dict)

    def set(self, key: Node, value: Node) -> None:
        """Set an entry, as ``table[key] = value``."""
        # Other keys are of no use here, and whoever chooses them could make them all collide.
        if key is None or type(key) in (str, bool) or (type(key) is int and abs(key) < MAX_KEY):
            self.entries[key] = value


@dataclass(slots=True, eq=False)
class Object:
    """What a call makes: ``callee(*arguments)``, and what is then put into it.

    Attributes:
        callee: What is called: a :class:`Name`, or whatever else the pickle has there.
        arguments: Its positional arguments.
        new: Whether ``callee.__new__`` is called, so that it is a class, and not ``callee`` itself.
        state: What ``__setstate__`` or ``__dict__`` gets, or None.
        items: What is appended, as to a list.
        table: What is set by key, as in a dict.
    """

    callee: Node
    arguments: tuple[Node, ...]
    new: bool = False
    state: Node = None
    items: list[Node] = field(default_factory=list)
    table: Table = field(default_factory=Table)


@dataclass(frozen=True, slots=True, eq=False)
class Persistent:
    """A reference to something outside the pickle: a storage, in what torch writes."""

    identifier: Node


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A value that is of no use here, as a number of a million digits; ``what`` names its kind."""

    what: str


_RECONSTRUCTORS = frozenset({"copy_reg._reconstructor", "copyreg._reconstructor"})


def class_of(node: Node) -> Name | None:
    """The class of an instance that a pickle makes without its constructor, or None for anything else."""
    if not isinstance(node, Object) or not isinstance(node.callee, Name):
        return None
    if node.new:
        return node.callee
    if node.callee.path in _RECONSTRUCTORS and node.arguments and isinstance(node.arguments[0], Name):
        return node.arguments[0]
    return None


def state_of(node: Node) -> Table | None:
    """An instance's ``__dict__``, or None where the pickle gives none."""
    if not isinstance(node, Object):
        return None
    state = node.state
    if isinstance(state, tuple) and len(state) == 2:  # (__dict__, slots)
        state = state[0]
    return state if isinstance(state, Table) else None


_DICTS = frozenset({"collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict"})


def table_of(node: Node) -> Table | None:
    """A dict or one of its relatives, or None for anything else."""
    if isinstance(node, Table):
        return node
    if not isinstance(node, Object) or not isinstance(node.callee, Name) or node.callee.path not in _DICTS:
        return None
    return node.table


def text_entries(node: Node) -> dict[str, Node]:
    """The entries of a dict or one of its relatives whose keys are text; none for anything else."""
    table = table_of(node)
    return {key: value for key, value in table.entries.items() if isinstance(key, str)} if table else {}
