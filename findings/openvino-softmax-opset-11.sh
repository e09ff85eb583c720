#!/usr/bin/env bash
# Until opset 12 Softmax flattens what comes from its axis on: softmax over all four values of a 1×2×2 tensor at axis 1.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper


def tensor(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 2])



def run(model, x):
    """What ONNX Runtime makes of it without its optimisations, and what OpenVINO does in float32."""
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": x})[0], compiled(x)[0]


def softmax(opset):
    graph = helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=1)], "g", [tensor("x")], [tensor("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    return [y.ravel().tolist() for y in run(model, np.zeros((1, 2, 2), np.float32))]


print("a good guess: at opset 11 both give 1/4 four times, at opset 13 both 1/2")
for opset in (11, 13):
    print(f"opset {opset}: ONNX Runtime {softmax(opset)[0]}, OpenVINO {softmax(opset)[1]}")
same = softmax(11) == [[0.25] * 4, [0.5] * 4] and softmax(13) == [[0.5] * 4, [0.5] * 4]
sys.exit(None if same else "the behaviour has changed")
PYTHON
