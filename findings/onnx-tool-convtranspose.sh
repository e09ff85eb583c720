#!/usr/bin/env bash
# The multiply-accumulates of a transposed convolution: each cell of the input meets the whole kernel once.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx-tool==1.0.1 onnx==1.23.2 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnx_tool
from onnx import TensorProto, helper, numpy_helper

CHANNELS, SIDE, KERNEL, STRIDE = 8, 4, 2, 2
weight = np.ones((CHANNELS, CHANNELS, KERNEL, KERNEL), np.float32)
node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[STRIDE] * 2, kernel_shape=[KERNEL] * 2)
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, SIDE, SIDE])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, SIDE * STRIDE, SIDE * STRIDE])
graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(weight, "w")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model)
onnx.save(model, "model.onnx")

counted = onnx_tool.Model("model.onnx").graph
counted.shape_infer({"x": np.zeros((1, CHANNELS, SIDE, SIDE), np.float32)})
counted.profile()
macs = int(np.ravel(counted.macs)[0])
expected = SIDE**2 * weight.size  # 16 cells · 8 · 8 · 2 · 2
print(f"a good guess: {SIDE}² cells × {CHANNELS} × {CHANNELS} × {KERNEL}² = {expected} MACs")
print(f"onnx-tool: {macs}, {macs / expected:g} times as many (the stride squared: it takes the output's cells)")
sys.exit(None if macs == expected * STRIDE**2 else "the behaviour has changed")
PYTHON
