#!/usr/bin/env bash
# A module with a 2-D and a 3-D convolution is given the channels-last format, which is one of 4-D tensors.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch import nn


def result(*modules):
    try:
        nn.Sequential(*modules).to(memory_format=torch.channels_last)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return "converted"


print("a good guess: 4-D weights are converted, and others stay as they are, as a Linear's do")
print("Conv2d and Linear:", result(nn.Conv2d(3, 4, 1), nn.Linear(4, 4)))
print("Conv2d and Conv3d:", result(nn.Conv2d(3, 4, 1), nn.Conv3d(3, 4, 1)))
same = result(nn.Conv2d(3, 4, 1), nn.Linear(4, 4)) == "converted" and result(nn.Conv3d(3, 4, 1)).startswith("RuntimeError")
sys.exit(None if same else "the behaviour has changed")
PYTHON
