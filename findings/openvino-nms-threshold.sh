#!/usr/bin/env bash
# Non-maximum suppression of two boxes, one the lower half of the other, so that their overlap (IoU) is 1/2, the threshold.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

boxes = np.array([[[0, 0, 2, 2], [0, 0, 1, 2]]], np.float32)
scores = np.array([[[0.9, 0.8]]], np.float32)
core = openvino.Core()


def run(threshold):
    """The indices of the boxes that remain, with ONNX Runtime and with OpenVINO."""
    constants = {"limit": np.array([2]), "iou": np.array([threshold], np.float32)}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name, x in (("boxes", boxes), ("scores", scores))]
    output = helper.make_tensor_value_info("y", TensorProto.INT64, ["boxes", 3])
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", *constants], ["y"])
    graph = helper.make_graph([node], "g", inputs, [output], [numpy_helper.from_array(x, name) for name, x in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data, feed = model.SerializeToString(), {"boxes": boxes, "scores": scores}
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [y[:, 2].tolist() for y in (session.run(None, feed)[0], compiled(feed)[0])]


print("a good guess: a box is dropped where its overlap is greater than the threshold, as in torchvision; with 1/2 both stay")
results = {threshold: run(threshold) for threshold in (0.49, 0.5, 0.51)}
for threshold, (runtime, result) in results.items():
    print(f"threshold {threshold}: ONNX Runtime keeps {runtime}, OpenVINO {result}")
expected = {0.49: [[0], [0]], 0.5: [[0, 1], [0]], 0.51: [[0, 1], [0, 1]]}
sys.exit(None if results == expected else "the behaviour has changed")
PYTHON
