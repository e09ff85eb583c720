#!/usr/bin/env bash
# timm's ResNet-18 as it is made, exported to ONNX, and the same with the last scale of each block at one.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages timm==1.0.31 onnx==1.23.2 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import io
import math
import sys
import warnings

import onnx
import timm
import torch

warnings.simplefilter("ignore")


def weights(**options):
    """Of the model itself, and of the file that is exported from it."""
    model, file = timm.create_model("resnet18", **options).eval(), io.BytesIO()
    torch.onnx.export(model, torch.zeros(1, 3, 64, 64), file, dynamo=False)
    held = onnx.load_from_string(file.getvalue()).graph.initializer
    return sum(value.numel() for value in model.parameters()), sum(math.prod(tensor.dims) for tensor in held)


made, ones = weights(), weights(zero_init_last=False)
print("a good guess: both files hold every weight but those of the normalisations, 11.68 of 11.69 million")
print(f"as timm makes it, the file holds {made[1]:,} of {made[0]:,}; with scales of one {ones[1]:,}")
print("(a scale of zero folds its convolution to zeros, and equal tensors are kept once)")
same = made == (11_689_512, 8_547_432) and ones == (11_689_512, 11_680_872)
sys.exit(None if same else "the behaviour has changed")
PYTHON
