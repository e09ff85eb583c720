#!/usr/bin/env bash
# A cube of numbers that are not positive, converted by pnnx and computed by ncnn.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages pnnx==20261020 ncnn==1.0.20261020 torch==2.14.1 numpy==2.4.6
PYTHONPATH=$findings "$python" -B - <<'PYTHON'
import sys

import torch
from in_ncnn import in_ncnn
from torch import nn


class Cube(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Conv2d(1, 1, 1, bias=False)
        self.scale.weight.data.fill_(1.0)

    def forward(self, x):
        return self.scale(x) ** 3


x = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]).reshape(1, 1, 1, 6)
cubes = in_ncnn(Cube().eval(), x).ravel()
print(f"a good guess: {(x**3).ravel().tolist()}, as torch has it, and ncnn of x * x * x")
print(f"ncnn: {cubes.tolist()}")
wrong = ~(abs(cubes[:3] - [-8, -1, 0]) < 1)
sys.exit(None if wrong.all() and abs(cubes[3:] - [0.125, 1, 8]).max() < 1e-5 else "the behaviour has changed")
PYTHON
