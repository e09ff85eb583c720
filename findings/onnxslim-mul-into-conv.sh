#!/usr/bin/env bash
# A convolution, then a factor for each *column* of its output. There are four columns, and four channels.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

columns = np.array([1, 2, 3, 4], np.float32)  # broadcast along the last axis
weight = np.ones((4, 1, 1, 1), np.float32)
x = np.ones((1, 1, 4, 4), np.float32)
nodes = [helper.make_node("Conv", ["x", "weight"], ["c"]), helper.make_node("Mul", ["c", "columns"], ["y"])]
constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(columns, "columns")]
ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])]
ends += [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 4, 4])]
graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model)


def first_rows(model):
    """The first row of each channel."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0][0, :, 0].tolist()


before = first_rows(model)
slim = onnxslim.slim(onnx.ModelProto.FromString(model.SerializeToString()))
after = first_rows(slim)
print("a good guess: the smaller model gives the same, [1, 2, 3, 4] along each row")
print("before:", before)
print("after:", after, [node.op_type for node in slim.graph.node])
same = before == [[1, 2, 3, 4]] * 4 and after == [[1] * 4, [2] * 4, [3] * 4, [4] * 4]
sys.exit(None if same else "the behaviour has changed")
PYTHON
