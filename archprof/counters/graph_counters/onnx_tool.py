"""onnx-tool, which counts elementwise functions and biases as multiply-accumulates, too."""

from __future__ import annotations

from archprof.counters.graph_counters import GRAPH_COUNTERS, GraphCounter, NodeFigure


class OnnxTool(GraphCounter):
    """See https://github.com/ThanatosShinji/onnx-tool."""

    name = "onnx_tool"
    distribution = "onnx-tool"
    package = "onnx_tool"

    def count(self, path: str, shapes: dict[str, tuple[str, tuple[int, ...]]]) -> tuple[int, list[NodeFigure]]:
        """Its own shape inference and profile."""
        import numpy as np
        import onnx_tool

        graph = onnx_tool.Model(path).graph
        graph.shape_infer({name: np.zeros(shape, dtype) for name, (dtype, shape) in shapes.items()})
        graph.profile()
        nodes = [
            NodeFigure(name=node.name, operator=node.op_type, macs=int(np.ravel(node.macs)[0]))
            for node in graph.nodemap.values()
        ]
        return int(np.ravel(graph.macs)[0]), nodes


GRAPH_COUNTERS.register("onnx_tool", OnnxTool())
