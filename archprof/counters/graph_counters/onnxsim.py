"""onnxsim, whose table of a model before and after it was simplified has multiply-accumulates."""

from __future__ import annotations

from archprof.counters.graph_counters import GRAPH_COUNTERS, GraphCounter, NodeFigure


class OnnxSim(GraphCounter):
    """See https://github.com/onnxsim/onnxsim; nodes whose shapes it does not find have none."""

    name = "onnxsim"
    distribution = "onnxsim"
    package = "onnxsim"

    def count(self, path: str, shapes: dict[str, tuple[str, tuple[int, ...]]]) -> tuple[int, list[NodeFigure]]:
        """What it writes into the metadata of a model and its nodes, at fixed sizes of the inputs."""
        import onnx
        from onnxsim.model_info import METADATA_PREFIX, annotate_metadata

        model = onnx.load(path, load_external_data=False)
        for info in model.graph.input:
            for dim, size in zip(info.type.tensor_type.shape.dim, shapes.get(info.name, ("", ()))[1], strict=False):
                dim.dim_value = size
        # Sizes that the file wrote down with letters would stay letters.
        del model.graph.value_info[:]
        for info in model.graph.output:
            info.type.tensor_type.ClearField("shape")
        model = annotate_metadata(model)
        key = f"{METADATA_PREFIX}macs"
        (total,) = (entry.value for entry in model.metadata_props if entry.key == key)
        if not total.isdecimal():
            raise ValueError("it does not find all shapes, so that its figure is a formula")
        nodes = [
            NodeFigure(name=node.name, operator=node.op_type, macs=int(entry.value))
            for node in model.graph.node
            for entry in node.metadata_props
            if entry.key == key and int(entry.value)
        ]
        return int(total), nodes


GRAPH_COUNTERS.register("onnxsim", OnnxSim())
