#!/usr/bin/env bash
# Local response normalisation of four channels by onnx's own reference implementation.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

x = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1, 1)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 1, 1]) for name in ("x", "y")]
node = helper.make_node("LRN", ["x"], ["y"], size=3, alpha=3.0, beta=1.0, bias=1.0)
graph = helper.make_graph([node], "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
checker.check_model(model)

session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
runtime = session.run(None, {"x": x})[0].ravel()
reference = ReferenceEvaluator(model).run(None, {"x": x})[0].ravel()
# y = x / (1 + 3/3 · the sum of the squares of the channel and its neighbours): 1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9) ...
expected = [1 / 6, 2 / 15, 3 / 30, 4 / 26]
print("a good guess: onnx.reference is what runtimes are to be compared with:", np.round(expected, 4).tolist())
print("ONNX Runtime:", runtime.round(4).tolist())
print("onnx.reference:", reference.round(4).tolist(), "(only the first channel is normalised)")
same = np.allclose(runtime, expected) and np.allclose(reference, [1 / 6, 2, 3, 4])
sys.exit(None if same else "the behaviour has changed")
PYTHON
