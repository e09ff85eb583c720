"""The graph of a file as plain objects: nodes in an order in which they can run, graphs within them, constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import onnx

from archprof.sources.input_axes import LARGEST
from archprof.sources.onnx_file.error import OnnxFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_GRAPH, _GRAPHS = onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS

DEFAULT_DOMAIN = "ai.onnx"
"""The name of the domain that files leave empty."""


@dataclass(eq=False)
class Node:
    """One node of a graph.

    Attributes:
        proto: As it stands in the file.
        key: Its number in its graph, with those of the nodes that the graph lies in before it; no two are equal.
        domain: The operator's domain, empty for ONNX's own.
        type: The operator.
        graphs: The graphs that are its attributes, by name.
    """

    proto: onnx.NodeProto
    key: str
    domain: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graphs: dict[str, Graph] = field(default_factory=dict)
    _attributes: dict[str, Any] | None = None
    _attribute_types: tuple[tuple[str, int], ...] | None = None

    # No cached_property, whose lock takes longer than most attributes do.
    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name; text as str, graphs left out."""
        if self._attributes is None:
            self._attributes = {
                attribute.name: _value(attribute)
                for attribute in self.proto.attribute
                if attribute.type not in (_GRAPH, _GRAPHS)
            }
        return self._attributes

    @property
    def attribute_types(self) -> tuple[tuple[str, int], ...]:
        """Name and type, as ONNX numbers them, of each attribute; graphs too."""
        if self._attribute_types is None:
            self._attribute_types = tuple([(attribute.name, attribute.type) for attribute in self.proto.attribute])
        return self._attribute_types

    @cached_property
    def signature(self) -> bytes:
        """Its attributes as bytes: equal for nodes that have the same."""
        return b"".join([attribute.SerializeToString(deterministic=True) for attribute in self.proto.attribute])

    @property
    def text(self) -> str:
        """How a message names it."""
        return f"{self.type} {self.proto.name or next(filter(None, self.outputs), '')!r}"

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
        initializers: Its constants by name.
        inputs: What it is given, without those of its constants that old files list too.
        outputs: Names of what it gives.
        outer: Names that it reads of the graph that it lies in.
    """

    proto: onnx.GraphProto
    nodes: list[Node]
    initializers: dict[str, onnx.TensorProto]
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
        """Its initializers and those of the graphs within it."""
        yield from self.initializers.values()
        for node in self.nodes:
            for graph in node.graphs.values():
                yield from graph.tensors()


def read_graph(proto: onnx.GraphProto, path: Path, *, prefix: str = "", within: bool = False) -> Graph:
    """A graph with its nodes in an order in which they can run.

    Args:
        proto: The graph as it stands in the file.
        path: The file, for messages.
        prefix: What the keys of its nodes begin with.
        within: Whether it lies in a node, so that it may read what is around it.

    Raises:
        OnnxFileError: Where it is cyclic, gives a name twice, or reads what nothing makes.
    """
    initializers = {tensor.name: tensor for tensor in proto.initializer}
    for sparse in proto.sparse_initializer:
        dense = onnx.TensorProto(name=sparse.values.name, data_type=sparse.values.data_type, dims=sparse.dims)
        initializers[dense.name] = dense
    for tensor in initializers.values():
        if min(tensor.dims, default=0) < 0 or prod(tensor.dims) > LARGEST:
            sizes = "×".join(map(str, tensor.dims))
            raise OnnxFileError(f"the tensor {tensor.name!r} cannot be of {sizes} elements", path=path)
    nodes = [_node(node, f"{prefix}{index}", path) for index, node in enumerate(proto.node)]
    given = {info.name for info in proto.input} | initializers.keys()
    ordered = _ordered(nodes, given, path, within=within)
    made = given.union(*(node.outputs for node in nodes))
    outputs = tuple(info.name for info in proto.output)
    outer = dict.fromkeys([name for node in nodes for name in node.reads() if name not in made])
    outer.update(dict.fromkeys(name for name in outputs if name not in made))
    if outer and not within:
        raise OnnxFileError(f"nothing makes {next(iter(outer))!r}, which the graph reads or gives", path=path)
    inputs = [info for info in proto.input if info.name not in initializers]
    return Graph(proto, ordered, initializers, inputs, outputs, tuple(outer))


def _node(proto: onnx.NodeProto, key: str, path: Path) -> Node:
    domain = "" if proto.domain == DEFAULT_DOMAIN else proto.domain
    node = Node(proto, key, domain, proto.op_type, tuple(proto.input), tuple(proto.output))
    for attribute in proto.attribute:
        if attribute.type == _GRAPH:
            prefix = f"{key}.{attribute.name}."
            node.graphs[attribute.name] = read_graph(attribute.g, path, prefix=prefix, within=True)
    return node


def _ordered(nodes: list[Node], given: Iterable[str], path: Path, *, within: bool) -> list[Node]:
    """The same nodes, each behind those that make what it reads."""
    producers: dict[str, Node] = {}
    for node in nodes:
        for name in node.outputs:
            if not name:
                continue
            if name in producers or name in given:
                raise OnnxFileError(f"{node.text} gives {name!r}, which is there already", path=path)
            producers[name] = node
    known = set(given)
    for node in nodes:
        for name in node.reads():
            if name not in known and name in producers:
                return _sorted(nodes, producers, path)
        known.update(node.outputs)
    return nodes


def _sorted(nodes: list[Node], producers: dict[str, Node], path: Path) -> list[Node]:
    """Kahn's algorithm: a node goes when all that it waits for have gone."""
    waits = {node.key: {producers[name].key for name in node.reads() if name in producers} for node in nodes}
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for key in waits[node.key]:
            readers.setdefault(key, []).append(node)
    ready = [node for node in reversed(nodes) if not waits[node.key]]
    ordered: list[Node] = []
    while ready:
        node = ready.pop()
        ordered.append(node)
        for reader in readers.get(node.key, ()):
            waits[reader.key].discard(node.key)
            if not waits[reader.key]:
                ready.append(reader)
    if len(ordered) < len(nodes):
        gone = {node.key for node in ordered}
        node = next(node for node in nodes if node.key not in gone)
        raise OnnxFileError(f"the graph is cyclic: {node.text} waits for its own result", path=path)
    return ordered


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
