#!/usr/bin/env bash
# Static quantisation to int8 with ONNX Runtime's defaults, on x86-64: six convolutions, each followed by SiLU.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$python" - <<'PYTHON'
import logging
import platform
import sys
from collections import Counter

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

if platform.machine().lower() not in ("x86_64", "amd64"):
    sys.exit("this is about x86-64 processors")
logging.disable(logging.WARNING)
random = np.random.default_rng(0)
SHAPE = [1, 8, 16, 16]


class Images(CalibrationDataReader):
    def __init__(self):
        self.images = iter([{"x0": random.standard_normal(SHAPE).astype(np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self.images, None)


nodes, weights = [], []
for i in range(6):
    weights.append(numpy_helper.from_array(random.standard_normal((8, 8, 3, 3)).astype(np.float32) / 9, f"w{i}"))
    nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"c{i}"], pads=[1] * 4))
    nodes.append(helper.make_node("Sigmoid", [f"c{i}"], [f"s{i}"]))
    nodes.append(helper.make_node("Mul", [f"c{i}", f"s{i}"], [f"x{i + 1}"]))
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("x0", "x6")]
graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), "float.onnx")


def kinds(**settings):
    """How the convolutions run once the session has optimised the quantised file."""
    quantize_static("float.onnx", "int8.onnx", Images(), **settings)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = "run.onnx", 3
    onnxruntime.InferenceSession("int8.onnx", options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load("run.onnx").graph.node if node.op_type.endswith("Conv"))


default, unsigned = kinds(), kinds(activation_type=QuantType.QUInt8)
print("a good guess: six integer convolutions (QLinearConv)")
print("with the defaults:", dict(default), "- in float, between quantising and dequantising")
print("with activation_type=QUInt8:", dict(unsigned))
sys.exit(None if (default, unsigned) == ({"Conv": 6}, {"QLinearConv": 6}) else "the behaviour has changed")
PYTHON
