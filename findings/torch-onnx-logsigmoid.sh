#!/usr/bin/env bash
# The logarithm of a sigmoid, which torch computes in one step so that it stays finite, exported to ONNX.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import contextlib
import io
import sys
import warnings

import onnx
import onnxruntime
import torch

warnings.simplefilter("ignore")
model, logits = torch.nn.LogSigmoid(), torch.tensor([-50.0, -17.0, -1.0])


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(model, (logits,), "model.onnx", input_names=["x"], **settings)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    nodes = [node.op_type for node in onnx.load("model.onnx").graph.node]
    return nodes, session.run(None, {"x": logits.numpy()})[0].tolist()


torch_says = model(logits).tolist()
files = [exported(dynamo=True), exported(dynamo=False)]
print("a good guess: the files give what torch gives, -x for large x:", torch_says)
for nodes, result in files:
    print(f"the file has {' and '.join(nodes)}, and gives", result)
same = [round(value) for value in torch_says] == [-50, -17, -1] and all(
    nodes == ["Sigmoid", "Log"] and result[0] == float("-inf") and abs(result[2] - torch_says[2]) < 1e-5
    for nodes, result in files
)
sys.exit(None if same else "the behaviour has changed")
PYTHON
