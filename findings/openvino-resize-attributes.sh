#!/usr/bin/env bash
# Resize has attributes that OpenVINO reads past: antialias, exclude_outside and keep_aspect_ratio_policy.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

from onnx import numpy_helper



def run(model, x):
    """What ONNX Runtime makes of it without its optimisations, and what OpenVINO does in float32."""
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": x})[0], compiled(x)[0]


def resize(size, attributes, **inputs):
    """A model of one Resize; `scales` or `sizes` is a constant input of it."""
    names = [name if name in inputs else "" for name in ("roi", "scales", "sizes")]
    node = helper.make_node("Resize", ["x", *names], ["y"], **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, size)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, "height", "width"])
    constants = [numpy_helper.from_array(value, name) for name, value in inputs.items()]
    graph = helper.make_graph([node], "g", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def scales(factor):
    return np.array([1, 1, 1, factor], np.float32)


row = np.array([0, 1, 0, 0, 0, 1, 0, 0], np.float32).reshape(1, 1, 1, 8)
image = np.arange(32, dtype=np.float32).reshape(1, 1, 4, 8)
fit = {"mode": "nearest", "keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]}
cases = {
    "antialias=1": (resize(row.shape, {"mode": "linear", "antialias": 1}, scales=scales(0.5)), row),
    "exclude_outside=1": (resize(row.shape, {"mode": "cubic", "exclude_outside": 1}, scales=scales(2)), row),
    "not_larger, 4×8 into 4×4": (resize(image.shape, fit, sizes=np.array([4, 4], np.int64)), image),
}
print("a good guess: both runtimes do the same, or OpenVINO refuses what it does not implement")
same = True
for name, (model, x) in cases.items():
    runtime, other = run(model, x)
    print(f"{name}: ONNX Runtime {runtime.shape[2:]} {runtime.ravel()[:4]}, OpenVINO {other.shape[2:]} {other.ravel()[:4]}")
    same &= runtime.shape != other.shape or float(abs(runtime - other).max()) > 0.01
sys.exit(None if same else "the behaviour has changed")
PYTHON
