"""From the protobuf of an ONNX graph to plain objects."""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

import onnx

from archprof.sources.input_axes import LARGEST
from archprof.sources.onnx_file.error import OnnxFileError
from archprof.trace.onnx_graph.graph import DEFAULT_DOMAIN, Graph, Node, Operator
from archprof.trace.onnx_graph.record import Tensor
from archprof.trace.onnx_graph.scopes import module_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GRAPH = onnx.AttributeProto.GRAPH
_VALUE = ("value", onnx.AttributeProto.TENSOR)
_NO_GRAPHS: Mapping[str, Graph] = MappingProxyType({})


class GraphReader:
    """Reads the graphs of one file.

    Reading a field of a protobuf takes as long as much else does for a node, so that each is read once, and attributes
    once for all nodes that have the same.

    Args:
        path: The file, for messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.operators: dict[tuple[str, str, tuple[bytes, ...]], Operator] = {}

    def graph(self, proto: onnx.GraphProto, *, prefix: str = "", within: bool = False) -> Graph:
        """A graph with its nodes in an order in which they can run.

        Args:
            proto: The graph as it stands in the file.
            prefix: What the keys of its nodes begin with.
            within: Whether it lies in a node, so that it may read what is around it.

        Raises:
            OnnxFileError: Where it is cyclic, gives a name twice, or reads what nothing makes.
            TypeError: Where a name in it is no text.
        """
        _check_texts(proto)
        constants = self.constants(proto)
        nodes = [self.node(node, f"{prefix}{index}") for index, node in enumerate(proto.node)]
        given = {info.name for info in proto.input} | constants.keys()
        ordered, made = _ordered(nodes, given, self.path)
        outputs = tuple([info.name for info in proto.output])
        outer = dict.fromkeys([name for node in nodes for name in node.reads() if name not in made])
        outer.update(dict.fromkeys(name for name in outputs if name not in made))
        if outer and not within:
            raise OnnxFileError(f"nothing makes {next(iter(outer))!r}, which the graph reads or gives", path=self.path)
        inputs = [info for info in proto.input if info.name not in constants]
        return Graph(proto, ordered, constants, inputs, outputs, tuple(outer))

    def constants(self, proto: onnx.GraphProto) -> dict[str, Tensor]:
        """A graph's initializers by name."""
        protos = {tensor.name: tensor for tensor in proto.initializer}
        for sparse in proto.sparse_initializer:
            dense = onnx.TensorProto(name=sparse.values.name, data_type=sparse.values.data_type, dims=sparse.dims)
            protos[dense.name] = dense
        constants = {name: Tensor.constant(name, tensor) for name, tensor in protos.items()}
        for name, constant in constants.items():
            if min(constant.sizes, default=0) < 0 or prod(constant.sizes) > LARGEST:
                sizes = "×".join(map(str, constant.sizes))
                raise OnnxFileError(f"the tensor {name!r} cannot be of {sizes} elements", path=self.path)
        return constants

    def node(self, proto: onnx.NodeProto, key: str) -> Node:
        """A node."""
        attributes = proto.attribute
        signature = tuple([attribute.SerializeToString() for attribute in attributes])
        domain, type_ = proto.domain, proto.op_type
        operator = self.operators.get((domain, type_, signature))
        if operator is None:
            operator = self.operators[domain, type_, signature] = _operator(proto, signature)
        name, inputs, outputs = proto.name, tuple(proto.input), tuple(proto.output)
        notes = proto.metadata_props
        "".join((name, *inputs, *outputs, *[text for entry in notes for text in (entry.key, entry.value)]))
        graphs = _NO_GRAPHS
        if operator.has_graphs:
            graphs = {
                attribute.name: self.graph(attribute.g, prefix=f"{key}.{attribute.name}.", within=True)
                for attribute in attributes
                if attribute.type == _GRAPH
            }
        module = module_path(name, notes)
        constant = None
        if type_ == "Constant" and _VALUE in operator.attribute_types and not operator.domain and any(outputs[:1]):
            constant = Tensor.constant(outputs[0], operator.attributes["value"])
        return Node(proto, key, operator, operator.domain, type_, name, module, inputs, outputs, graphs, constant)


def _operator(proto: onnx.NodeProto, signature: tuple[bytes, ...]) -> Operator:
    """The operator of a node, with its attributes."""
    domain, attributes = proto.domain, tuple(proto.attribute)
    "".join((domain, proto.op_type, *[text for entry in attributes for text in (entry.name, entry.ref_attr_name)]))
    types = tuple([(attribute.name, attribute.type) for attribute in attributes])
    has_graphs = any(kind == _GRAPH for _, kind in types)
    domain = "" if domain == DEFAULT_DOMAIN else domain
    name = f"{domain}.{proto.op_type}" if domain else proto.op_type
    return Operator(attributes, domain, proto.op_type, name, signature, types, has_graphs)


def _check_texts(graph: onnx.GraphProto) -> None:
    """Look at what is not looked at node by node: what is no UTF-8 comes out of the protobuf as bytes.

    Raises:
        TypeError: Where a name is bytes, as joining them does.
    """
    for infos in (graph.input, graph.output, graph.value_info):
        for info in infos:
            "".join([info.name, *[dim.dim_param for dim in info.type.tensor_type.shape.dim]])
    "".join([tensor.name for tensor in graph.initializer])
    "".join([sparse.values.name for sparse in graph.sparse_initializer])


def _ordered(nodes: list[Node], given: set[str], path: Path) -> tuple[list[Node], set[str]]:
    """The same nodes, each behind those that make what it reads, and the names of all that is there."""
    producers: dict[str, Node] = {}
    for node in nodes:
        for name in node.outputs:
            if not name:
                continue
            if name in producers or name in given:
                raise OnnxFileError(f"{node.text} gives {name!r}, a name that exists already", path=path)
            producers[name] = node
    known = {*given, ""}
    for node in nodes:
        # Most graphs are in order, and have no names of what is around them.
        if not known.issuperset(node.inputs) or node.graphs:
            for name in node.reads():
                if name not in known and name in producers:
                    return _sorted(nodes, producers, path), given | producers.keys()
        known.update(node.outputs)
    return nodes, given | producers.keys()


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
