#!/usr/bin/env bash
# onnx's version converter takes a Softmax over axis 1 of 1 × 2 × 2 from opset 13 down to 11, and a Hardmax up.
# Up to opset 11 the softmax is over axis 1 and all that follow, from 13 on over that axis alone.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, version_converter


def run(model):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([[[0, 1], [3, 2]]], np.float32)})[0].ravel().astype(float).round(2).tolist()


def conversion(kind, before, after):
    """What the file gives before and after, and what kinds of nodes it has then."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"], axis=1)], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", before)], ir_version=10)
    converted = version_converter.convert_version(model, after)
    kinds = [node.op_type for node in converted.graph.node]
    print(f"{kind} from {before} to {after}: {run(model)} becomes {run(converted)}, by {', '.join(kinds)}")
    return run(model) == run(converted)


print("a good guess: the converter rewrites what computes something else in the other version, or refuses")
equal = [conversion("Softmax", 11, 13), conversion("Softmax", 13, 11), conversion("Hardmax", 11, 13)]
sys.exit(None if equal == [True, False, False] else "the behaviour has changed")
PYTHON
