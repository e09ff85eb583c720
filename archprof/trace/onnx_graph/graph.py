"""The graph of a file as plain objects: nodes in an order in which they can run, graphs within them, constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.trace.onnx_graph.record import Tensor

_GRAPH, _GRAPHS = onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS
DEFAULT_DOMAIN = "ai.onnx"
"""The name of the domain that files leave empty."""


@dataclass(eq=False, slots=True)
class Operator:
    """An operator with its attributes, which all nodes share that have the same.

    Attributes:
        protos: The attributes as they stand in the file.
        domain: The operator's domain, empty for ONNX's own.
        type: Its name.
        name: Its name with its domain, where that is not ONNX's own.
        signature: The attributes as bytes: equal for nodes that have the same.
        attribute_types: Name and type, as ONNX numbers them, of each attribute; graphs too.
        has_graphs: Whether there are graphs among them.
    """

    protos: Sequence[onnx.AttributeProto]
    domain: str
    type: str
    name: str
    signature: tuple[bytes, ...]
    attribute_types: tuple[tuple[str, int], ...]
    has_graphs: bool
    _attributes: dict[str, Any] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name; text as str, graphs left out."""
        if self._attributes is None:
            self._attributes = {
                attribute.name: _value(attribute)
                for attribute in self.protos
                if attribute.type not in (_GRAPH, _GRAPHS)
            }
        return self._attributes

    def tensors(self) -> Iterator[onnx.TensorProto]:
        """The tensors that its attributes hold, outside graphs."""
        for attribute in self.protos:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            elif attribute.type == onnx.AttributeProto.TENSORS:
                yield from attribute.tensors
            elif attribute.type == onnx.AttributeProto.SPARSE_TENSOR:
                yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)


@dataclass(eq=False, slots=True)
class Node:
    """One node of a graph.

    Attributes:
        proto: As it stands in the file.
        key: Its number in its graph, with those of the nodes that the graph lies in before it; no two are equal.
        operator: What it does.
        domain: The operator's domain, empty for ONNX's own.
        type: The operator's name.
        name: The node's own name; empty where it has none.
        module: The path of the module that it was exported from; empty where the file does not tell.
        inputs: Names of what it reads, empty for an input that it is not given.
        outputs: Names of what it makes, empty for one that it does not give.
        graphs: The graphs that are its attributes, by name.
        constant: What a Constant node makes, where that is a tensor of the file.
    """

    proto: onnx.NodeProto
    key: str
    operator: Operator
    domain: str
    type: str
    name: str
    module: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graphs: Mapping[str, Graph]
    constant: Tensor | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name; text as str, graphs left out."""
        return self.operator.attributes

    @property
    def text(self) -> str:
        """How a message names it."""
        return f"{self.type} {self.name or next(filter(None, self.outputs), '')!r}"

    def reads(self) -> Sequence[str]:
        """Every name that it, or a graph within it, reads of what is around it."""
        own = [name for name in self.inputs if name] if "" in self.inputs else self.inputs
        return [*own, *(name for graph in self.graphs.values() for name in graph.outer)] if self.graphs else own


@dataclass(eq=False)
class Graph:
    """A graph whose nodes are in an order in which they can run.

    Attributes:
        proto: As it stands in the file.
        nodes: Its nodes.
        constants: Its initializers by name.
        inputs: What it is given, without those of its constants that old files list too.
        outputs: Names of what it gives.
        outer: Names that it reads of the graph that it lies in.
    """

    proto: onnx.GraphProto
    nodes: list[Node]
    constants: dict[str, Tensor]
    inputs: list[onnx.ValueInfoProto]
    outputs: tuple[str, ...]
    outer: tuple[str, ...]

    def walk(self) -> Iterator[Node]:
        """Its nodes, and those of the graphs within them."""
        for node in self.nodes:
            yield node
            for graph in node.graphs.values():
                yield from graph.walk()

    def tensors(self) -> Iterator[onnx.TensorProto]:
        """Its initializers and those of the graphs within it, as they stand in the file."""
        yield from self.proto.initializer
        for sparse in self.proto.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in self.nodes:
            for graph in node.graphs.values():
                yield from graph.tensors()


_VALUES: dict[int, Callable[[onnx.AttributeProto], Any]] = {
    onnx.AttributeProto.INT: lambda attribute: attribute.i,
    onnx.AttributeProto.INTS: lambda attribute: list(attribute.ints),
    onnx.AttributeProto.FLOAT: lambda attribute: attribute.f,
    onnx.AttributeProto.FLOATS: lambda attribute: list(attribute.floats),
    onnx.AttributeProto.STRING: lambda attribute: attribute.s.decode(errors="replace"),
    onnx.AttributeProto.STRINGS: lambda attribute: [item.decode(errors="replace") for item in attribute.strings],
    onnx.AttributeProto.TENSOR: lambda attribute: attribute.t,
}


def _value(attribute: onnx.AttributeProto) -> Any:
    read = _VALUES.get(attribute.type)
    return onnx.helper.get_attribute_value(attribute) if read is None or attribute.ref_attr_name else read(attribute)
