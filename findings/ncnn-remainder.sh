#!/usr/bin/env bash
# A remainder, converted by pnnx and computed by ncnn.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages pnnx==20261020 ncnn==1.0.20261020 torch==2.14.1 numpy==2.4.6
PYTHONPATH=$findings "$python" -B - <<'PYTHON'
import sys

import torch
from in_ncnn import in_ncnn
from torch import nn


class Remainder(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Conv2d(1, 1, 1, bias=False)
        self.scale.weight.data.fill_(1.0)

    def forward(self, x):
        return torch.remainder(self.scale(x), 1.5)


x = torch.tensor([0.5, 1.0, 2.0, 2.5, -0.5, -1.0]).reshape(1, 1, 1, 6)
remainders = in_ncnn(Remainder().eval(), x).ravel().tolist()
print(f"a good guess: {torch.remainder(x, 1.5).ravel().tolist()}, of the sign of 1.5, as torch has it")
print(f"ncnn: {remainders}, what is left after the nearest multiple of 1.5, as remainder() of C has it")
sys.exit(None if remainders == [0.5, -0.5, 0.5, -0.5, -0.5, 0.5] else "the behaviour has changed")
PYTHON
