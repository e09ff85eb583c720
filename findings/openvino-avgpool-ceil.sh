#!/usr/bin/env bash
# Average pooling of ones with ceil_mode, the padding counted: width 6, kernel 3, stride 2, one cell of padding on each side.
# The last window reaches one cell beyond the padding: of a one and a zero the mean is 1/2, as torch has it.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper


def tensor(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)



def run(model, x):
    """What ONNX Runtime makes of it without its optimisations, and what OpenVINO does in float32."""
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": x})[0], compiled(x)[0]


windows = {"kernel_shape": [1, 3], "strides": [1, 2], "pads": [0, 1, 0, 1], "ceil_mode": 1, "count_include_pad": 1}
node = helper.make_node("AveragePool", ["x"], ["y"], **windows)
graph = helper.make_graph([node], "g", [tensor("x", [1, 1, 1, 6])], [tensor("y", [1, 1, 1, "width"])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
runtime, other = (y.ravel().round(4).tolist() for y in run(model, np.ones((1, 1, 1, 6), np.float32)))
print("a good guess: both end with 1/2")
print("ONNX Runtime:", runtime)
print("OpenVINO:", other)
same = np.allclose(runtime, [2 / 3, 1, 1, 1 / 2], atol=1e-3) and np.allclose(other, [2 / 3, 1, 1, 1 / 3], atol=1e-3)
sys.exit(None if same else "the behaviour has changed")
PYTHON
