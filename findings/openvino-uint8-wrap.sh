#!/usr/bin/env bash
# Sums and differences of bytes that leave their range, as in an image's preprocessing: 100 + 200 and 1 − 3.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

x, other = np.array([100, 1], np.uint8), np.array([200, 3], np.uint8)
core = openvino.Core()
results = {}
for kind, exact in (("Add", np.add(x, other)), ("Sub", np.subtract(x, other)), ("Mul", np.multiply(x, other))):
    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, [2]) for name in "abc"]
    graph = helper.make_graph([helper.make_node(kind, ["a", "b"], ["c"])], "g", ends[:2], ends[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    data, feed = model.SerializeToString(), {"a": x, "b": other}
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    compiled = core.compile_model(core.read_model(data), "CPU")
    results[kind] = exact.tolist(), session.run(None, feed)[0].tolist(), compiled(feed)[0].tolist()
print("a good guess: bytes wrap around modulo 256, as in numpy and torch")
for kind, (exact, runtime, result) in results.items():
    print(f"{kind} of {x.tolist()} and {other.tolist()}: numpy {exact}, ONNX Runtime {runtime}, OpenVINO {result}")
same = results["Add"] == ([44, 4], [44, 4], [255, 4]) and results["Sub"] == ([156, 254], [156, 254], [0, 0])
sys.exit(None if same else "the behaviour has changed")
PYTHON
