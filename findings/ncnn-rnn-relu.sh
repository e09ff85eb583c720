#!/usr/bin/env bash
# A recurrent layer with ReLU, converted by pnnx and computed by ncnn.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages pnnx==20261020 ncnn==1.0.20261020 torch==2.14.1 numpy==2.4.6
PYTHONPATH=$findings "$python" -B - <<'PYTHON'
import sys

import numpy
import torch
from in_ncnn import in_ncnn
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.RNN(1, 1, nonlinearity="relu", bias=False, batch_first=True)
        self.layer.weight_ih_l0.data.fill_(1.0)
        self.layer.weight_hh_l0.data.fill_(1.0)

    def forward(self, x):
        return self.layer(x)[0]


states = in_ncnn(Net().eval(), torch.ones(1, 3, 1)).ravel().tolist()
print("a good guess: [1.0, 2.0, 3.0], each state one more than the last, as torch has it, or an error")
expected = [numpy.tanh(1)]
for _ in range(2):
    expected.append(numpy.tanh(1 + expected[-1]))
print(f"ncnn: {[round(state, 3) for state in states]}; with tanh: {[round(float(state), 3) for state in expected]}")
sys.exit(None if abs(numpy.array(states) - expected).max() < 0.01 else "the behaviour has changed")
PYTHON
