"""What an exported program's JSON says, as far as it is looked at: torch's schema, version 8.

The names are those of ``torch/_export/serde/schema.py``. An argument is an object with one key that says its kind:
``{"as_tensor": {"name": "x"}}``, ``{"as_ints": [1, 1]}``.
"""

from __future__ import annotations

from typing import Any

import msgspec

MAJOR_VERSION = 8
"""The version of the format that is read; its minor versions add what may be left out."""

Argument = dict[str, Any]


class TensorMeta(msgspec.Struct, frozen=True):
    """A tensor: torch's number of its type, and its sizes as integers or expressions of symbols."""

    dtype: int
    sizes: list[dict[str, Any]]
    requires_grad: bool = False
    strides: list[dict[str, Any]] = msgspec.field(default_factory=list)
    storage_offset: dict[str, Any] = msgspec.field(default_factory=dict)


class NamedArgument(msgspec.Struct, frozen=True):
    """An argument by its name in the operator's schema, empty where there is none; kind 2 is given by keyword."""

    name: str
    arg: Argument
    kind: int | None = None


class NodeMetadata(msgspec.Struct, frozen=True):
    """What is known of where a node is from: ``key,path,class`` of each module call around it, between semicolons."""

    nn_module_stack: str = ""


class Node(msgspec.Struct, frozen=True):
    """One call of an operator."""

    target: str
    inputs: list[NamedArgument]
    outputs: list[Argument]
    metadata: NodeMetadata = msgspec.field(default_factory=NodeMetadata)
    is_hop_single_tensor_return: bool | None = None


class Graph(msgspec.Struct, frozen=True):
    """Nodes in the order in which they run, and what is known of the values that they make, by name."""

    inputs: list[Argument]
    outputs: list[Argument]
    nodes: list[Node]
    tensor_values: dict[str, TensorMeta]
    sym_int_values: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    is_single_tensor_return: bool = False


class Signature(msgspec.Struct, frozen=True):
    """What each input and output of the graph is: objects with one key, as ``{"parameter": {...}}``."""

    input_specs: list[dict[str, Any]]
    output_specs: list[dict[str, Any]]


class ModuleCallEntry(msgspec.Struct, frozen=True):
    """A module that the exporter met."""

    fqn: str


class GraphModule(msgspec.Struct, frozen=True):
    """The graph, with what its inputs and outputs are and the modules that it came from."""

    graph: Graph
    signature: Signature
    module_call_graph: list[ModuleCallEntry] = msgspec.field(default_factory=list)
    metadata: dict[str, str] = msgspec.field(default_factory=dict)


class RangeConstraint(msgspec.Struct, frozen=True):
    """Which values a symbol may have."""

    min_val: int | None = None
    max_val: int | None = None


class SchemaVersion(msgspec.Struct, frozen=True):
    """The version of the format."""

    major: int
    minor: int = 0


class Header(msgspec.Struct, frozen=True):
    """What is read of a program before the rest, which another version may have otherwise."""

    schema_version: SchemaVersion
    torch_version: str = "<=2.4"


class Program(msgspec.Struct, frozen=True):
    """An exported program."""

    graph_module: GraphModule
    opset_version: dict[str, int] = msgspec.field(default_factory=dict)
    range_constraints: dict[str, RangeConstraint] = msgspec.field(default_factory=dict)


class PayloadMeta(msgspec.Struct, frozen=True):
    """Where the bytes of a tensor are in the archive: raw, or a pickle, which is never opened."""

    path_name: str
    use_pickle: bool = False
    tensor_meta: TensorMeta | None = None


class PayloadConfig(msgspec.Struct, frozen=True):
    """The tensors of a folder of the archive, by the names of parameters, buffers and constants."""

    config: dict[str, PayloadMeta] = msgspec.field(default_factory=dict)
