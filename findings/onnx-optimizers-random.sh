#!/usr/bin/env bash
# Two tensors of random numbers, and their difference: onnxslim and onnxsim take two nodes for one computed twice.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxslim==0.1.98 onnxsim==0.8.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import onnxsim
import onnxslim
from onnx import TensorProto, helper

SHAPE = [1, 1000]
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
nodes = [helper.make_node("RandomNormalLike", ["x"], [name], name=name) for name in ("first", "second")]
nodes.append(helper.make_node("Sub", ["first", "second"], ["y"], name="difference"))
graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model, full_check=True)


def deviation(model):
    """The standard deviation of what comes out: √2 for two independent normal variables."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.zeros(SHAPE, np.float32)})[0].std())


onnx.save(model, "model.onnx")
simplified, checked = onnxsim.simplify("model.onnx")
results = [deviation(model), deviation(onnxslim.slim("model.onnx")), deviation(simplified)]
print("a good guess: the deviation of the difference is about 1.41 before and after")
print("before: {:.2f}, after onnxslim: {:.2f}, after onnxsim: {:.2f}".format(*results), f"(its own check: {checked})")
same = 1.2 < results[0] < 1.6 and results[1:] == [0, 0]
sys.exit(None if same else "the behaviour has changed")
PYTHON
