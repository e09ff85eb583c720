#!/usr/bin/env bash
# Max pooling with padding and ceil_mode: width 5, kernel 2, stride 2, one cell of padding on each side.
# A fourth window would start behind the image, in the padding; torch and the ONNX operator leave such windows out.
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


node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 2], strides=[1, 2], pads=[0, 1, 0, 1], ceil_mode=1)
graph = helper.make_graph([node], "g", [tensor("x", [1, 1, 1, 5])], [tensor("y", [1, 1, 1, "width"])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
runtime, other = (y.ravel() for y in run(model, np.ones((1, 1, 1, 5), np.float32)))
print("a good guess: [1, 1, 1] from both")
print("ONNX Runtime:", runtime.tolist())
print("OpenVINO:", other.tolist())
same = runtime.tolist() == [1, 1, 1] and other.tolist() == [1, 1, 1, np.finfo(np.float32).min]
sys.exit(None if same else "the behaviour has changed")
PYTHON
