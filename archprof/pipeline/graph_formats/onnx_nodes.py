"""What each node of an ONNX file costs, under its name in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.count.onnx_operators.ledger import count
from archprof.pipeline.graph_formats.onnx_run import trace_file
from archprof.pipeline.graph_formats.options import sizes_of
from archprof.trace.onnx_graph.reader import read

if TYPE_CHECKING:
    from archprof.pipeline.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCost:
    """One node, with the cost of all its runs.

    Attributes:
        name: Its name in the file; empty where it has none.
        operator: Its operator.
        macs: Its multiply-accumulates.
        elementwise_flops: Its elementwise FLOPs.
        elements: Elements of its first result.
    """

    name: str
    operator: str
    macs: int
    elementwise_flops: int
    elements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The nodes of a file, and the type and the shape of each of its inputs."""

    nodes: list[NodeCost]
    inputs: dict[str, tuple[str, tuple[int, ...]]]


def nodes(request: Request) -> Nodes:
    """What each node costs.

    Raises:
        ArchprofError: Where the file cannot be counted.
    """
    assert request.spec.path is not None
    trace, _ = trace_file(read(request.spec.path), sizes_of(request.build))
    costs = []
    for entry in count(trace).entries:
        made = entry.operation.made
        costs.append(
            NodeCost(
                name=entry.operation.node.name,
                operator=entry.operation.name,
                macs=entry.count.macs,
                elementwise_flops=entry.count.elementwise_flops,
                elements=made[0].numel if made and made[0].shape is not None else 0,
            )
        )
    return Nodes(nodes=costs, inputs={tensor.name: (tensor.dtype, tensor.sizes) for tensor in trace.inputs.tensors})
