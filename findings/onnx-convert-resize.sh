#!/usr/bin/env bash
# onnx's version converter takes a bilinear Resize from opset 10 to 11: 1, 2, 3 at twice the width.
# Opset 10 has one way to place the samples, "asymmetric"; opset 11 has several, and another one is its default.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter


def run(model):
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([[[[1, 2, 3]]]], np.float32)})[0].ravel().tolist()


x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, width]) for name, width in (("x", 3), ("y", 6)))
scales = numpy_helper.from_array(np.array([1, 1, 1, 2], np.float32), "scales")
graph = helper.make_graph([helper.make_node("Resize", ["x", "scales"], ["y"], mode="linear")], "g", [x], [y], [scales])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=10)
converted = version_converter.convert_version(model, 11)
(resize,) = (node for node in converted.graph.node if node.op_type == "Resize")
attributes = [attribute.name for attribute in resize.attribute]
before, after = run(model), run(converted)
print("a good guess: the converted file computes the same, with coordinate_transformation_mode=asymmetric")
print("opset 10:", before)
print("opset 11:", after, "- the Resize has the attributes", *attributes)
expected = [1, 1.5, 2, 2.5, 3, 3], [1, 1.25, 1.75, 2.25, 2.75, 3]
same = "coordinate_transformation_mode" not in attributes and np.allclose([before, after], expected)
sys.exit(None if same else "the behaviour has changed")
PYTHON
