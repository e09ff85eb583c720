"""Walks a graph as a run would, with shapes in the place of values."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from archprof.errors import LimitError, in_one_line
from archprof.trace.onnx_graph import control, sequences
from archprof.trace.onnx_graph.record import MALFORMED, Operation, ShapeUnknownError, Tensor, Trace, dtype_name
from archprof.trace.onnx_graph.shapes import VIEWS, ShapeRules
from archprof.trace.onnx_graph.small_tensors import ELEMENTS
from archprof.trace.onnx_graph.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable

    import onnx

    from archprof.trace.onnx_graph.graph import Graph, Node
    from archprof.trace.onnx_graph.inputs import SizedInputs
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.record import Shape

RUNS = 20_000
"""So many nodes within loops and branches are followed, those of loops each time."""

RunShapes = Mapping[str, Sequence[Sequence["Shape | None"]]]
"""Node's key -> for each time that it ran, the shapes of what it gave."""


def follow(file: OnnxFile, inputs: SizedInputs, ran: RunShapes | None = None) -> Trace:
    """What a file runs on inputs of these sizes.

    Args:
        file: The file.
        inputs: What it is given.
        ran: The shapes that a real run had, used where nothing else tells them.

    Returns:
        Every operation in order. One that cannot run has a ``failure``, and what it would give no shape.

    Raises:
        LimitError: Where its loops run too long to be followed.
    """
    trace = Trace(file, inputs)
    walk = Walk(trace, ran or {})
    scope = {tensor.name: tensor for tensor in inputs.tensors}
    walk.enter_constants(file.graph, scope)
    with np.errstate(all="ignore"):
        trace.operations = walk.graph(file.graph, scope)
    trace.outputs = [scope[name] for name in file.graph.outputs]
    trace.remarks += [f"{node}: {text}" for node, text in walk.rules.differences.items()]
    return trace


class Walk:
    """One walk over a file's graph."""

    def __init__(self, trace: Trace, ran: RunShapes) -> None:
        self.trace = trace
        self.rules = ShapeRules(trace.file.opsets, trace.file.ir_version)
        self.ran = {key: deque(shapes) for key, shapes in ran.items()}
        self.runs = 0
        self.constants: dict[str, dict[str, Tensor]] = {}

    def enter_constants(self, graph: Graph, scope: dict[str, Tensor], key: str = "") -> None:
        """Put a graph's initializers into its scope, the same tensors however often it runs."""
        if key not in self.constants:
            self.constants[key] = {name: self.constant(name, proto) for name, proto in graph.initializers.items()}
        scope.update(self.constants[key])

    def constant(self, name: str, proto: onnx.TensorProto) -> Tensor:
        """A tensor that the file holds."""
        tensor = Tensor(name, tuple(proto.dims), dtype_name(proto.data_type), stored=proto)
        tensor.sources = (tensor,)
        self.trace.constants.append(tensor)
        return tensor

    def graph(self, graph: Graph, scope: dict[str, Tensor]) -> list[Operation]:
        """What a graph runs; what it makes is entered in the scope.

        Raises:
            LimitError: Where its loops run too long to be followed.
        """
        operations: list[Operation] = []
        for node in graph.nodes:
            operations += self.node(node, scope)
        return operations

    def node(self, node: Node, scope: dict[str, Tensor]) -> Iterable[Operation]:
        """What a node runs: itself, and what the graphs within it do."""
        self.runs += "." in node.key
        if self.runs > RUNS:
            raise LimitError(f"its loops run more than {RUNS:,} operations", path=self.trace.file.path)
        operation = Operation(
            node,
            self.trace.file.opsets.get(node.domain, 1),
            tuple([scope[name] if name else None for name in node.inputs]),
            tuple([Tensor(name) if name else None for name in node.outputs]),
        )
        inner: list[Operation] = []
        if node.graphs and not node.domain and (follow_graphs := control.RULES.get(node.type)):
            inner = self.graphs(follow_graphs, operation, scope)
        else:
            self.resolve(operation)
        if self.ran:
            self.enter_run(operation)
        for tensor in operation.outputs:
            if tensor is not None:
                scope[tensor.name] = tensor
        return [operation, *inner]

    def graphs(self, rule: control.Rule, operation: Operation, scope: dict[str, Tensor]) -> list[Operation]:
        """What the graphs within an operation run; nothing where it has not the graphs or inputs that it needs."""
        try:
            return rule(self, operation, scope)
        except ShapeUnknownError as error:
            operation.failure = f"{error} is missing"
        except MALFORMED as error:
            operation.failure = in_one_line(error)
        return []

    def resolve(self, operation: Operation) -> None:
        """Enter what is known of the outputs of an operation without graphs."""
        try:
            if operation.node.type == "Constant" and not operation.node.domain:
                self.resolve_constant(operation)
                return
            if not sequences.resolve(operation):
                self.resolve_tensors(operation)
        except (ShapeUnknownError, *MALFORMED):
            return

    def resolve_tensors(self, operation: Operation) -> None:
        """Enter shapes, values and what they were made of."""
        node = operation.node
        first = operation.tensor(0)
        if node.type in ("Identity", "Optional", "OptionalGetElement") and first is not None and first.sequence:
            made = operation.made[0]
            made.sequence, made.elements, made.dtype = True, first.elements, first.dtype
            return
        self.rules.resolve(operation)
        values = evaluate(operation)
        for tensor, value in zip(operation.outputs, values or (), strict=False):
            if tensor is not None:
                tensor.value, tensor.shape = value, value.shape
        if (first is None or first.sources) and node.inputs and all(tensor.sources for tensor in operation.read):
            # Scales and zero points say how a weight is stored.
            read = operation.read[:1] if node.type == "DequantizeLinear" else operation.read
            sources = tuple(dict.fromkeys(source for tensor in read for source in tensor.sources))
            for tensor in operation.made:
                # One value in every element: a weight in short, of which the file holds the shape alone.
                tensor.sources = (tensor,) if node.type == "ConstantOfShape" else sources
        if node.type in VIEWS and not node.domain and first is not None and operation.made:
            operation.made[0].view = first

    def resolve_constant(self, operation: Operation) -> None:
        """Enter a Constant node's value, which is a constant of the file like an initializer."""
        attributes, made = operation.attributes, operation.made[0]
        known = self.constants.setdefault(operation.node.key, {})
        if made.name in known:
            operation.outputs, operation.made = (known[made.name],), [known[made.name]]
            return
        if "value" in attributes:
            proto = attributes["value"]
            made.shape, made.dtype, made.stored = tuple(proto.dims), dtype_name(proto.data_type), proto
        elif "sparse_value" in attributes:
            sparse = attributes["sparse_value"]
            made.shape, made.dtype = tuple(sparse.dims), dtype_name(sparse.values.data_type)
        else:
            self.rules.resolve(operation)
            values = evaluate(operation)
            made.value = values[0] if values and values[0].size <= ELEMENTS else None
        made.sources = (made,)
        known[made.name] = made
        self.trace.constants.append(made)

    def enter_run(self, operation: Operation) -> None:
        """Enter the shapes that a real run had, where nothing else tells them."""
        shapes = self.ran.get(operation.node.key)
        if not shapes:
            return
        # Inside loops, every run has an entry, whether it is needed or not.
        for tensor, shape in zip(operation.made, shapes.popleft(), strict=False):
            if tensor.shape is None and shape is not None and not tensor.sequence:
                tensor.shape = shape
        operation.failure = None
