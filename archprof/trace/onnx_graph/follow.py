"""Walks a graph as a run would, with shapes in the place of values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from archprof.errors import LimitError, in_one_line
from archprof.trace.onnx_graph import control, sequences
from archprof.trace.onnx_graph.real_run import RealRun, Replay
from archprof.trace.onnx_graph.record import MALFORMED, Form, Operation, ShapeUnknownError, Tensor, Trace, dtype_name
from archprof.trace.onnx_graph.shape_rules.registry import OF_SHAPES
from archprof.trace.onnx_graph.shapes import VIEWS, ShapeRules
from archprof.trace.onnx_graph.small_tensors import ELEMENTS
from archprof.trace.onnx_graph.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Hashable

    from archprof.trace.onnx_graph.graph import Graph, Node
    from archprof.trace.onnx_graph.inputs import SizedInputs
    from archprof.trace.onnx_graph.reader import OnnxFile
    from archprof.trace.onnx_graph.small_tensors import Array

RUNS = 20_000
"""So many nodes within loops and branches are followed, those of loops each time."""


def follow(file: OnnxFile, inputs: SizedInputs, ran: RealRun | None = None) -> Trace:
    """What a file runs on inputs of these sizes.

    Args:
        file: The file.
        inputs: What it is given.
        ran: What a real run did, used where nothing else tells shapes and trips of loops.

    Returns:
        Every operation in order. One that cannot run has a ``failure``, and what it would give no shape.

    Raises:
        LimitError: Where its loops run too long to be followed.
    """
    trace = Trace(file, inputs)
    walk = Walk(trace, Replay(ran or RealRun()))
    scope = {tensor.name: tensor for tensor in inputs.tensors}
    scope.update(file.graph.constants)
    with np.errstate(all="ignore"):
        trace.operations = walk.graph(file.graph, scope)
    trace.outputs = [scope[name] for name in file.graph.outputs]
    trace.remarks += [f"{node}: {text}" for node, text in walk.rules.differences.items()]
    return trace


def _only_value(operation: Operation) -> Array | None:
    """The value of an operation's output, where it is known and small."""
    values = evaluate(operation)
    return values[0] if values else None


class Walk:
    """One walk over a file's graph."""

    def __init__(self, trace: Trace, replay: Replay) -> None:
        self.trace = trace
        self.rules = ShapeRules(trace.file.opsets, trace.file.ir_version)
        self.replay = replay
        self.opsets = trace.file.opsets
        self.runs = 0
        self.forms: dict[Hashable, Form] = {}
        self.constants: dict[str, Tensor] = {}  # of Constant nodes whose values are no tensors of the file, by key

    def graph(self, graph: Graph, scope: dict[str, Tensor]) -> list[Operation]:
        """What a graph runs; what it makes is entered in the scope.

        Raises:
            LimitError: Where its loops run too long to be followed.
        """
        operations: list[Operation] = []
        for node in graph.nodes:
            self.runs += "." in node.key
            if self.runs > RUNS:
                raise LimitError(f"its loops run more than {RUNS:,} operations", path=self.trace.file.path)
            if node.constant is not None:
                operations.append(Operation(node, self.opsets.get("", 1), (), (node.constant,)))
                scope[node.constant.name] = node.constant
                continue
            inputs = tuple([scope[name] if name else None for name in node.inputs])
            key = self.form_key(node, inputs)
            form = self.forms.get(key) if key is not None else None
            if form is not None:
                outputs = tuple([Tensor(name, *known) for name, known in zip(node.outputs, form.outputs, strict=True)])
                operation = Operation(node, self.opsets.get(node.domain, 1), inputs, outputs, form)
                self.enter_sources(operation)
                operations.append(operation)
            else:
                operation, inner = self.node(node, inputs, scope)
                operations.append(operation)
                operations += inner
                if key is not None:
                    self.keep_form(key, operation)
            for tensor in operation.made:
                scope[tensor.name] = tensor
        return operations

    def form_key(self, node: Node, inputs: tuple[Tensor | None, ...]) -> Hashable | None:
        """What tells the form of an operation; None where more than shapes decides, or may decide, what it gives."""
        if node.type not in OF_SHAPES or node.domain or self.replay:
            return None
        key: list[Hashable] = [node.operator, len(node.outputs)]
        is_open = False
        for tensor in inputs:
            if tensor is None:
                key.append(None)
            elif tensor.shape is None or tensor.sequence:
                return None
            else:
                key += (tensor.shape, tensor.dtype)
                is_open = is_open or tensor.is_open
        return tuple(key) if is_open else None

    def keep_form(self, key: Hashable, operation: Operation) -> None:
        """Remember what an operation gave for others of the same form."""
        differences = self.rules.differences
        if operation.failure or (differences and operation.node.text in differences):
            return
        outputs = [
            (tensor.shape, tensor.dtype)
            for tensor in operation.made
            if tensor.shape is not None and tensor.is_open and not tensor.sequence
        ]
        if len(outputs) == len(operation.outputs):
            operation.form = self.forms[key] = Form(tuple(outputs))

    def node(
        self, node: Node, inputs: tuple[Tensor | None, ...], scope: dict[str, Tensor]
    ) -> tuple[Operation, list[Operation]]:
        """What a node runs: itself, and what the graphs within it do."""
        outputs = tuple([Tensor(name) if name else None for name in node.outputs])
        operation = Operation(node, self.opsets.get(node.domain, 1), inputs, outputs)
        inner: list[Operation] = []
        if node.graphs and not node.domain and (follow_graphs := control.RULES.get(node.type)):
            inner = self.graphs(follow_graphs, operation, scope)
        else:
            self.resolve(operation)
        if self.replay:
            self.enter_run(operation)
        return operation, inner

    def graphs(self, rule: control.Rule, operation: Operation, scope: dict[str, Tensor]) -> list[Operation]:
        """What the graphs within an operation run; nothing where it has not the graphs or inputs that it needs."""
        with self.replay.graphs(operation.node.key):
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
        if node.type == "ConstantOfShape" and operation.made[0].shape is not None:
            # A weight in short, as a rule, whose elements nobody asks for.
            operation.made[0].stored = partial(_only_value, operation)
        else:
            for tensor, value in zip(operation.outputs, evaluate(operation) or (), strict=False):
                if tensor is not None:
                    tensor.value, tensor.shape = value, value.shape
        self.enter_sources(operation)
        if node.type in VIEWS and not node.domain and first is not None and operation.made:
            operation.made[0].view = first

    def enter_sources(self, operation: Operation) -> None:
        """Enter the constants that its results are made of, where it reads nothing else."""
        read = operation.read
        for tensor in read:
            if not tensor.sources:
                return
        if not read:
            return
        # Scales and zero points say how a weight is stored.
        if operation.node.type == "DequantizeLinear":
            read = read[:1]
        sources = tuple(dict.fromkeys(source for tensor in read for source in tensor.sources))
        for tensor in operation.made:
            # One value in every element: a weight in short, of which the file holds the shape alone.
            tensor.sources = (tensor,) if operation.node.type == "ConstantOfShape" else sources

    def resolve_constant(self, operation: Operation) -> None:
        """Enter a Constant node's value, which is a constant of the file like an initializer."""
        key, attributes, made = operation.node.key, operation.attributes, operation.made[0]
        if key in self.constants:
            operation.outputs = operation.made = (self.constants[key],)
            return
        if "sparse_value" in attributes:
            sparse = attributes["sparse_value"]
            made.shape, made.dtype = tuple(sparse.dims), dtype_name(sparse.values.data_type)
        else:
            self.rules.resolve(operation)
            values = evaluate(operation)
            made.value = values[0] if values and values[0].size <= ELEMENTS else None
        made.sources, made.is_constant = (made,), True
        self.constants[key] = made

    def enter_run(self, operation: Operation) -> None:
        """Enter the shapes that a real run had, where nothing else tells them."""
        shapes = self.replay.shapes(operation.node.key)
        if shapes is None:
            return
        for tensor, shape in zip(operation.made, shapes, strict=False):
            if tensor.shape is None and shape is not None and not tensor.sequence:
                tensor.shape = shape
        operation.failure = None
