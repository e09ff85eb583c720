#!/usr/bin/env bash
# Attention in which one query may look at nothing, exported to ONNX at the default opset.
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


class Attention(torch.nn.Module):
    def forward(self, x, mask):
        return torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


x = torch.arange(6.0).reshape(1, 1, 3, 2)  # the values of the three keys: (0, 1), (2, 3), (4, 5)
mask = torch.tensor([[True, True, False], [False, False, False], [False, True, True]]).reshape(1, 1, 3, 3)


def exported_row(**settings):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(Attention().eval(), (x, mask), "a.onnx", dynamo=True, input_names=["x", "mask"], **settings)
    session = onnxruntime.InferenceSession("a.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x.numpy(), "mask": mask.numpy()})[0][0, 0, 1].tolist()


torch_says, default, newer = Attention()(x, mask)[0, 0, 1].tolist(), exported_row(), exported_row(opset_version=23)
print("a good guess: the masked row is the same in the file:", torch_says)
print("at the default opset:", default, "(the mean of all values)")
print("at opset 23, which has an Attention operator:", newer)
sys.exit(None if (torch_says, default, newer) == ([0, 0], [2, 3], [0, 0]) else "the behaviour has changed")
PYTHON
