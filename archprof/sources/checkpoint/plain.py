"""Inert data -> dicts, lists, text and numbers, within bounds: a list that holds itself, or doubles, has no end."""

from __future__ import annotations

from typing import Any

from archprof.sources.checkpoint.limits import MAX_VALUE_DEPTH, MAX_VALUES
from archprof.sources.checkpoint.nodes import Name, Node, Object, class_of, state_of, table_of

_PATHS = frozenset({"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path"})
_NAMESPACES = frozenset({"Namespace", "SimpleNamespace", "IterableSimpleNamespace"})
_SEQUENCES = frozenset(
    f"{module}.{name}" for module in ("builtins", "__builtin__") for name in ("set", "frozenset", "list")
)


def plain(node: Node, what: str) -> Any:
    """A node as None, bool, int, float, str, list or dict; a tuple becomes a list, and what is none of these its name.

    Args:
        node: The node.
        what: What to call it in a message, as "the YAML".

    Raises:
        ValueError: Where it unfolds without bound.
    """
    budget = [MAX_VALUES]

    def convert(node: Node, depth: int) -> Any:
        budget[0] -= 1
        if budget[0] < 0 or depth > MAX_VALUE_DEPTH:
            bound = f"{MAX_VALUES:,} values" if budget[0] < 0 else f"{MAX_VALUE_DEPTH} levels"
            raise ValueError(f"{what} in it unfolds into more than {bound}")
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        if isinstance(node, (list, tuple)):
            return [convert(item, depth + 1) for item in node]
        if isinstance(node, Object) and isinstance(node.callee, Name):
            if node.callee.path in _SEQUENCES and node.arguments:
                return convert(node.arguments[0], depth + 1)
            if node.callee.name in _PATHS and node.callee.module.startswith("pathlib"):
                return "/".join(str(part) for part in node.arguments if isinstance(part, str))
        kind = class_of(node)
        table = state_of(node) if kind and kind.name in _NAMESPACES else table_of(node)
        if table is not None:
            return {key: convert(item, depth + 1) for key, item in table.entries.items()}
        return f"<{kind.path if kind else 'value'}>"

    return convert(node, 0)
