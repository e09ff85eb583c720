#!/usr/bin/env bash
# A convolution with a bias of the wrong length, on the CPU and on the meta device, which computes shapes only.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import conv2d


def result(device):
    image, weight, bias = (torch.zeros(size, device=device) for size in ((1, 2, 4, 4), (3, 2, 1, 1), 5))
    try:
        return f"a tensor of {list(conv2d(image, weight, bias).shape)}"
    except RuntimeError:
        return "RuntimeError"


print("a good guess: what the CPU refuses, the meta device refuses: three channels out, five biases")
print("cpu:", result("cpu"))
print("meta:", result("meta"))
same = (result("cpu"), result("meta")) == ("RuntimeError", "a tensor of [1, 3, 4, 4]")
sys.exit(None if same else "the behaviour has changed")
PYTHON
