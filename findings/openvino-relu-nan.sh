#!/usr/bin/env bash
# A value that is no number, as an overflow leaves it, meets four activations; OpenVINO on a processor, in float32.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in "xy"]
x = np.full((1, 8), np.nan, np.float32)
core = openvino.Core()
results = {}
for kind in ("Relu", "HardSigmoid", "Celu", "LeakyRelu"):
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results[kind] = [str(y.ravel()[0]) for y in (session.run(None, {"x": x})[0], compiled(x)[0])]
print("a good guess: what comes after it is no number either, so that it is seen at the end")
for kind, (runtime, other) in results.items():
    print(f"{kind}: ONNX Runtime {runtime}, OpenVINO {other}")
expected = {"Relu": "0.0", "HardSigmoid": "1.0", "Celu": "0.0", "LeakyRelu": "nan"}
sys.exit(None if results == {kind: ["nan", y] for kind, y in expected.items()} else "the behaviour has changed")
PYTHON
