#!/usr/bin/env bash
# Whole numbers divided with `//`, which rounds down in Python and torch, exported to ONNX.
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
numbers = torch.tensor([-7, -3, -1, 0, 1, 7])


class Net(torch.nn.Module):
    def forward(self, x):
        return x // 2


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(Net(), (numbers,), "model.onnx", input_names=["x"], **settings)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": numbers.numpy()})[0].tolist()


torch_says, newer, older = Net()(numbers).tolist(), exported(dynamo=True), exported(dynamo=False)
print("a good guess: both exporters' files round down, as torch does:", torch_says)
print("the exporter of torch.export:", newer)
print("the exporter that traces, which rounds to zero:", older)
same = torch_says == newer == [-4, -2, -1, 0, 0, 3] and older == [-3, -1, 0, 0, 0, 3]
sys.exit(None if same else "the behaviour has changed")
PYTHON
