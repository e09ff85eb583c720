#!/usr/bin/env bash
# An average pooling that divides by 1 instead of 4, exported to ONNX with the check that the exporter offers.
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
model, image = torch.nn.AvgPool2d(2, divisor_override=1).eval(), torch.ones(1, 1, 4, 4)


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(model, (image,), "model.onnx", input_names=["x"], **settings)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": image.numpy()})[0].ravel().tolist()


torch_says = model(image).ravel().tolist()
files = [exported(dynamo=True, verify=True), exported(dynamo=False)]
print("a good guess: the file gives what torch gives, or the export raises:", torch_says)
print("exported with verify=True, which only logs the difference:", files[0])
print("by the exporter that traces:", files[1])
same = torch_says == [4] * 4 and files == [[1] * 4] * 2
sys.exit(None if same else "the behaviour has changed")
PYTHON
