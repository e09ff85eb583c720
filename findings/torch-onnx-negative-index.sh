#!/usr/bin/env bash
# Elements by rows and columns, a column of them counted from the end, exported to ONNX.
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
table = torch.arange(12.0).reshape(3, 4)


class Net(torch.nn.Module):
    def forward(self, x):
        return x[torch.tensor([0, 2]), torch.tensor([1, -1])]


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(Net(), (table,), "model.onnx", input_names=["x"], **settings)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": table.numpy()})[0].tolist()


torch_says, newer, older = Net()(table).tolist(), exported(dynamo=True), exported(dynamo=False)
print("a good guess: both exporters' files give what torch gives:", torch_says)
print("the exporter of torch.export:", newer)
print("the exporter that traces, which takes the last of the row before:", older)
same = torch_says == newer == [1, 11] and older == [1, 7]
sys.exit(None if same else "the behaviour has changed")
PYTHON
