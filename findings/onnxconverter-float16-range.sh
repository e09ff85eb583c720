#!/usr/bin/env bash
# A file's weights are made half precision, whose largest number is 65504, and whose smallest above zero is 6e-8.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnxconverter-common==1.16.0 onnx==1.23.2 numpy==2.4.6
"$python" - <<'PYTHON'
import logging
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common import float16

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
values = np.array([2, 12000, 40000, 1e6, -3e38, 1e-9], np.float32)
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [6]) for name in "xy")
graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"], name="mul")], "g", [x], [y], [numpy_helper.from_array(values, "w")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model, full_check=True)
half = numpy_helper.to_array(float16.convert_float_to_float16(model).graph.initializer[0])
with np.errstate(over="ignore"):
    cast = values.astype(np.float16)
print("float32:          ", values.tolist())
print("a good guess: what fits stays, the rest is 65504 or infinite, or 0:", cast.tolist())
print("onnxconverter-common:", half.tolist(), "- 12000 and 40000 fit in half precision")
same = half.dtype == np.float16 and np.allclose(half[:5].astype(float), [2, 1e4, 1e4, 1e4, -1e4]) and half[5] > 0
sys.exit(None if same else "the behaviour has changed")
PYTHON
