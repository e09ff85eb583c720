#!/usr/bin/env bash
# A bilinear and a cubic Resize that place or weigh their samples otherwise than torch does, converted to torch: 1, 2, 4 at twice the width.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages onnx2torch==1.5.15 torch==2.14.1 torchvision==0.29.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnx2torch
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

x = np.array([[[[1, 2, 4]]]], np.float32)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, width]) for name, width in (("x", 3), ("y", 6))]
scales = numpy_helper.from_array(np.array([1, 1, 1, 2], np.float32), "scales")


def run(**attributes):
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], **attributes)
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [scales]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, {"x": x})[0], onnx2torch.convert(model)(torch.from_numpy(x)).numpy()
    return [y.ravel().astype(float).round(3).tolist() for y in results]


print("a good guess: the same result, or an exception: torch has neither")
differ = []
for attributes in (
    {"mode": "linear"},
    {"mode": "linear", "coordinate_transformation_mode": "asymmetric"},
    {"mode": "cubic", "cubic_coeff_a": -0.5},
):
    runtime, converted = run(**attributes)
    differ.append(not np.allclose(runtime, converted, atol=0.01))
    print(attributes, "\n  ONNX Runtime", runtime, "\n  onnx2torch  ", converted)
sys.exit(None if differ == [False, True, True] else "the behaviour has changed")
PYTHON
