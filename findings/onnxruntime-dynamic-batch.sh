#!/usr/bin/env bash
# A layer quantised dynamically by ONNX Runtime, given a row by itself, and in a batch whose other row is 100 times as large.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$python" - <<'PYTHON'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.WARNING)
weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xy")
graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, "float.onnx")
quantize_dynamic("float.onnx", "int8.onnx")
session = onnxruntime.InferenceSession("int8.onnx", providers=["CPUExecutionProvider"])


def first_row(*rows):
    return session.run(None, {"x": np.array(rows, np.float32)})[0][0].astype(float).round(2).tolist()


row = [0.1, 0.2, 0.4, 1]
single, batch = first_row(row), first_row(row, [100, 0, 0, 0])
print("a good guess: the result of a row (the weight is the identity) does not depend on the rest of the batch:", row)
print("by itself:", single)
print("in a batch:", batch, "- one scale serves the whole tensor, and it comes from the largest value in it")
same = np.allclose(single, row, atol=0.01) and np.allclose(batch, [0, 0.39, 0.39, 1.18], atol=0.02)
sys.exit(None if same else "the behaviour has changed")
PYTHON
