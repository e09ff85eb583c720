"""The tree of modules of an ONNX file, by the scopes that its exporter wrote, or by its nodes where it wrote none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.records.profile import Module
from archprof.trace.onnx_graph.scopes import weight_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archprof.count.memory import Memory, Traffic
    from archprof.count.onnx_operators.ledger import Entry, Ledger
    from archprof.count.onnx_operators.parameters import Parameters
    from archprof.trace.onnx_graph.record import Operation, Tensor

_CONVERSIONS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})
"""Operators that only convert numbers, as a quantiser puts them in anywhere."""


@dataclass(slots=True, eq=False)
class _Scope:
    """One module while it is put together: what it runs itself, without its children.

    Attributes:
        above: The modules that it lies in, from the inside out, itself first and the graph left out.
        calls: How often it runs.
        parameters: Its own.
        macs: What its own operations cost, as are the next three.
        elementwise_flops: FLOPs of everything else.
        bytes_read: Memory traffic.
        bytes_written: Memory traffic.
        largest: The cost of the most expensive of its operations.
        type: The operator of that.
        last: What ran last in it, or below it.
    """

    above: tuple[_Scope, ...]
    calls: int = 0
    parameters: int = 0
    macs: int = 0
    elementwise_flops: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    largest: int = -1
    type: str = ""
    last: Operation | None = None

    def add(self, entry: Entry, moved: Traffic) -> None:
        """Take in an operation."""
        operation, (macs, elementwise), (bytes_read, bytes_written) = entry.operation, entry.count, moved
        self.calls = max(self.calls, operation.repeats)
        self.macs += macs
        self.elementwise_flops += elementwise
        self.bytes_read += bytes_read
        self.bytes_written += bytes_written
        if operation.node.type in _CONVERSIONS:
            return
        cost = 2 * macs + elementwise
        if cost > self.largest:
            self.largest, self.type = cost, entry.label
        if operation.read:
            for scope in self.above:
                scope.last = operation


def _shapes(tensors: Iterable[Tensor]) -> list[list[int]]:
    return [list(tensor.shape) for tensor in tensors if tensor.shape is not None]


def module_paths(ledger: Ledger) -> list[str]:
    """The path of the module of each operation: its scope, or that of the weight that it reads.

    In a file with neither each operation is a module of its own, and those that compute nothing belong to the graph.
    """
    operations = [entry.operation for entry in ledger.entries]
    paths = [operation.node.module for operation in operations]
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
    scopes = {"": _Scope(())}
    owners: dict[str, _Scope] = {}
    # A file's constants stand where they please.
    for entry, path in zip(ledger.entries, paths, strict=True):
        if path not in scopes and entry.state != "free" and entry.operation.node.type not in _CONVERSIONS:
            _enter(scopes, path)
    for entry, path, moved in zip(ledger.entries, paths, memory.traffic, strict=True):
        scope = scopes.get(path) or _enter(scopes, path)
        scope.add(entry, moved)
        if path:  # a weight that a node outside all modules converts is that of the module that reads it then
            for tensor in entry.operation.read:
                for source in tensor.sources:
                    owners.setdefault(source.name, scope)
    for name, elements in weights.by_name.items():
        owners.get(name, scopes[""]).parameters += elements
    return _entries(scopes, _shapes(ledger.trace.outputs))


def _label(entry: Entry) -> str:
    """A name for a node without a scope; a dot in it would mean a parent."""
    node = entry.operation.node
    return (node.name or f"{node.type}_{node.key}").replace(".", "_").replace("/", "_").strip("_")


def _enter(scopes: dict[str, _Scope], path: str) -> _Scope:
    """Enter the module of a path, and its parents where they are new."""
    parent_path = path.rpartition(".")[0]
    parent = scopes.get(parent_path) or _enter(scopes, parent_path)
    scope = scopes[path] = _Scope(())
    scope.above = (scope, *parent.above)
    return scope


def _entries(scopes: dict[str, _Scope], outputs: list[list[int]]) -> list[Module]:
    children: dict[str, list[str]] = {}
    for path in scopes:
        if path:
            children.setdefault(path.rpartition(".")[0], []).append(path)
    modules: list[Module] = []
    _add_tree(modules, "", scopes, children, outputs)
    return modules


def _add_tree(
    modules: list[Module],
    path: str,
    scopes: dict[str, _Scope],
    children: dict[str, list[str]],
    shapes: list[list[int]],
) -> Module:
    """Add the record of a module, which gives tensors of these shapes, and those of all that is in it."""
    scope, index = scopes[path], len(modules)
    below = [
        _add_tree(modules, child, scopes, children, _shapes(last.made) if (last := scopes[child].last) else [])
        for child in children.get(path, ())
    ]
    module = Module(
        path=path,
        type=scope.type if path else "Graph",
        depth=path.count(".") + 1 if path else 0,
        calls=scope.calls if path else 1,
        parameters=scope.parameters + sum([child.parameters for child in below]),
        own_parameters=scope.parameters,
        macs=scope.macs + sum([child.macs for child in below]),
        own_macs=scope.macs,
        elementwise_flops=scope.elementwise_flops + sum([child.elementwise_flops for child in below]),
        own_elementwise_flops=scope.elementwise_flops,
        bytes_read=scope.bytes_read + sum([child.bytes_read for child in below]),
        own_bytes_read=scope.bytes_read,
        bytes_written=scope.bytes_written + sum([child.bytes_written for child in below]),
        own_bytes_written=scope.bytes_written,
        output_shapes=shapes or (below[-1].output_shapes if below else []),
    )
    modules.insert(index, module)
    return module
