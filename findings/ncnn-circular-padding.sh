#!/usr/bin/env bash
# A convolution with circular padding, of panoramas for example, converted by pnnx and computed by ncnn.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages pnnx==20261020 ncnn==1.0.20261020 torch==2.14.1 numpy==2.4.6
PYTHONPATH=$findings "$python" -B - <<'PYTHON'
import sys

import torch
from in_ncnn import in_ncnn
from torch import nn


convolution = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), padding_mode="circular", bias=False).eval()
convolution.weight.data.fill_(1.0)
x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
sums = in_ncnn(convolution, x).ravel().tolist()
with torch.no_grad():
    print(f"a good guess: sums of three around a ring, {convolution(x).ravel().tolist()}, or an error")
print(f"ncnn: {sums}, padded with zeros, and neither of the two says so")
sys.exit(None if sums == [3.0, 6.0, 9.0, 7.0] else "the behaviour has changed")
PYTHON
