"""The tree of modules of an ONNX file, by the scopes that its exporter wrote, or by its nodes where it wrote none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.records.profile import Module
from archprof.trace.onnx_graph.scopes import module_path, weight_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.count.memory import Memory, Traffic
    from archprof.count.onnx_operators.ledger import Entry, Ledger
    from archprof.count.onnx_operators.parameters import Parameters


@dataclass(slots=True)
class _Scope:
    """One module while it is put together: what it runs itself, without its children."""

    calls: int = 0
    parameters: int = 0
    own: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    largest: int = -1
    type: str = ""
    shapes: list[list[int]] = field(default_factory=list)

    def add(self, entry: Entry, moved: Traffic) -> None:
        """Take in an operation."""
        operation = entry.operation
        self.calls = max(self.calls, operation.repeats)
        for index, value in enumerate((*entry.count, *moved)):
            self.own[index] += value
        cost = 2 * entry.count.macs + entry.count.elementwise_flops
        if cost > self.largest and not _is_conversion(entry):
            self.largest = cost
            self.type = entry.label


def module_paths(ledger: Ledger) -> list[str]:
    """The path of the module of each operation: its scope, or that of the weight that it reads.

    In a file with neither each operation is a module of its own, and those that compute nothing belong to the graph.
    """
    operations = [entry.operation for entry in ledger.entries]
    paths = [module_path(operation.node) for operation in operations]
    if not any(paths):
        paths = [weight_path(operation) for operation in operations]
    if any(paths):
        return paths
    return ["" if entry.state == "free" else _label(entry) for entry in ledger.entries]


def modules(ledger: Ledger, paths: Sequence[str], memory: Memory, weights: Parameters) -> list[Module]:
    """One entry a module, parents before children, in the order in which they first run.

    The type of a module is its own most expensive operator, with the precision where that is not float32. A parameter
    belongs to the module that reads it first.

    Args:
        ledger: The file's operations.
        paths: The module of each, as :func:`module_paths` has it.
        memory: What each moves.
        weights: The file's parameters.
    """
    scopes: dict[str, _Scope] = {"": _Scope()}
    owners: dict[str, _Scope] = {}
    # A file's constants stand where they please.
    for entry, path in zip(ledger.entries, paths, strict=True):
        if entry.state != "free" and not _is_conversion(entry):
            _scope(scopes, path)
    for index, (entry, path, moved) in enumerate(zip(ledger.entries, paths, memory.traffic, strict=True)):
        scope = _scope(scopes, path)
        scope.add(entry, moved)
        shapes = [list(tensor.shape) for tensor in entry.operation.made if tensor.shape is not None]
        while (
            path and entry.operation.read and not _is_conversion(entry)
        ):  # what ran last in a module, or below it, is what it gives
            scopes[path].shapes = shapes
            path = path.rpartition(".")[0]
        if paths[index]:  # a weight that a node outside all modules converts is that of the module that reads it then
            for tensor in entry.operation.read:
                for source in tensor.sources:
                    owners.setdefault(source.name, scope)
    scopes[""].shapes = [list(tensor.shape) for tensor in ledger.trace.outputs if tensor.shape is not None]
    for name, elements in weights.by_name.items():
        owners.get(name, scopes[""]).parameters += elements
    return _entries(scopes)


def _is_conversion(entry: Entry) -> bool:
    """Whether an operation only converts numbers, as a quantiser puts it in anywhere."""
    return entry.operation.node.type in ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")


def _label(entry: Entry) -> str:
    """A name for a node without a scope; a dot in it would mean a parent."""
    node = entry.operation.node
    return (node.proto.name or f"{node.type}_{node.key}").replace(".", "_").replace("/", "_").strip("_")


def _scope(scopes: dict[str, _Scope], path: str) -> _Scope:
    """The module of a path, entered with its parents where it is new."""
    if path not in scopes:
        _scope(scopes, path.rpartition(".")[0])
        scopes[path] = _Scope()
    return scopes[path]


def _entries(scopes: dict[str, _Scope]) -> list[Module]:
    children: dict[str, list[str]] = {}
    for path in scopes:
        if path:
            children.setdefault(path.rpartition(".")[0], []).append(path)
    return _tree("", scopes, children)


def _tree(path: str, scopes: dict[str, _Scope], children: dict[str, list[str]]) -> list[Module]:
    """A module, and all that is in it."""
    scope = scopes[path]
    below = [_tree(child, scopes, children) for child in children.get(path, ())]
    macs, elementwise, read, written = scope.own
    module = Module(
        path=path,
        type=scope.type if path else "Graph",
        depth=path.count(".") + 1 if path else 0,
        calls=scope.calls if path else 1,
        parameters=scope.parameters + sum(tree[0].parameters for tree in below),
        own_parameters=scope.parameters,
        macs=macs + sum(tree[0].macs for tree in below),
        own_macs=macs,
        elementwise_flops=elementwise + sum(tree[0].elementwise_flops for tree in below),
        own_elementwise_flops=elementwise,
        bytes_read=read + sum(tree[0].bytes_read for tree in below),
        own_bytes_read=read,
        bytes_written=written + sum(tree[0].bytes_written for tree in below),
        own_bytes_written=written,
        output_shapes=scope.shapes or (below[-1][0].output_shapes if below else []),
    )
    return [module, *(inner for tree in below for inner in tree)]
