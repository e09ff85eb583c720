#!/usr/bin/env bash
# Sums by index, where an index comes twice, as torch adds them up, exported to ONNX.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
"$python" - <<'PYTHON'
import contextlib
import io
import sys
import warnings

import onnxruntime
import torch

warnings.simplefilter("ignore")
table = torch.tensor([1.0, 2.0, 3.0])


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(3).index_add(0, torch.tensor([0, 0, 1]), x)


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(Net(), (table,), "model.onnx", input_names=["x"], **settings)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": table.numpy()})[0].tolist()


torch_says, newer, older = Net()(table).tolist(), exported(dynamo=True), exported(dynamo=False)
print("a good guess: both exporters' files give what torch gives:", torch_says)
print("the exporter of torch.export:", newer)
print("the exporter that traces, which keeps one of the two:", older)
same = torch_says == newer == [3, 3, 0] and older == [2, 3, 0]
sys.exit(None if same else "the behaviour has changed")
PYTHON
