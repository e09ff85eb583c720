"""What code that is not installed keeps in its modules, which one row may change and another read.

Such a change is in no row's key, so nothing is kept of rows of blocks that are not Ultralytics' or the zoo's once a
module of the user's is not as its import left it.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from archprof.cache import code_files
from archprof.pipeline.composition.passes import NotComposableError

DEEPEST = 8
"""Containers in containers that are looked into."""

MOST = 20_000
"""Objects of a module that are looked into; in one with more nobody knows what is changed."""

_imported: WeakKeyDictionary[ModuleType, str] = WeakKeyDictionary()
"""Each module as it was when it was seen first."""


def check(factory: Any) -> None:
    """See to it that the module of a block, and those that it imports, are as they were.

    Args:
        factory: What makes the block.

    Raises:
        NotComposableError: Where one is not.
    """
    for module in _modules(factory):
        form = _form(vars(module), module.__name__, set(), 0)
        if _imported.setdefault(module, form) != form:
            raise NotComposableError(f"rows may change what others read in {module.__name__}")


def _modules(factory: Any) -> list[ModuleType]:
    """The modules of the user's that a block may look into."""
    found: dict[ModuleType, None] = {}
    values = [factory]
    while values:
        value = values.pop()
        module = value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", None) or "")
        if module is not None and module not in found and code_files.is_edited(module):
            found[module] = None
            values += [part for part in vars(module).values() if isinstance(part, (ModuleType, FunctionType, type))]
    return list(found)


def _form(value: Any, owner: str, seen: set[int], depth: int) -> str:
    """Text that is another one where a value, or something in it, was replaced.

    Args:
        value: The value.
        owner: The module whose own classes are looked into.
        seen: What was looked into already.
        depth: How deep it is.

    Raises:
        NotComposableError: Where there is more than can be looked into.
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    name = f"{type(value).__qualname__} {id(value)}"
    if id(value) in seen or depth > DEEPEST or isinstance(value, (ModuleType, FunctionType, MethodType)):
        return name
    seen.add(id(value))
    if len(seen) > MOST:
        raise NotComposableError(f"{owner} keeps more than is looked into")
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{name} [{', '.join(_form(part, owner, seen, depth + 1) for part in value)}]"
    if isinstance(value, dict):
        kept = value if depth else {key: part for key, part in value.items() if not str(key).startswith("__")}
    elif isinstance(value, type) and value.__module__ != owner:
        return name
    else:
        kept = {key: part for key, part in getattr(value, "__dict__", {}).items() if not str(key).startswith("__")}
    pairs = [
        f"{_form(key, owner, seen, depth + 1)}:{_form(part, owner, seen, depth + 1)}" for key, part in kept.items()
    ]
    return f"{name} {{{', '.join(pairs)}}}"
