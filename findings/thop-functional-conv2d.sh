#!/usr/bin/env bash
# thop counts matrix products that a forward calls as functions, and convolutions that it calls so.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ultralytics-thop==2.2.3 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import thop
import torch
from torch import nn
from torch.nn import functional as F


class Called(nn.Module):
    """A layer whose weights are computed or chosen before it runs, as those of a dynamic convolution."""

    def __init__(self, function, shape):
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.ones(shape))

    def forward(self, x):
        return self.function(x, self.weight)


layers = {
    "F.linear": (Called(F.linear, (8, 4)), torch.ones(2, 4), 2 * 4 * 8),
    "torch.matmul": (Called(torch.matmul, (4, 8)), torch.ones(2, 4), 2 * 4 * 8),
    "F.conv2d": (Called(F.conv2d, (8, 4, 3, 3)), torch.ones(1, 4, 6, 6), 4 * 4 * 8 * 4 * 3 * 3),
    "nn.Conv2d": (nn.Conv2d(4, 8, 3, bias=False), torch.ones(1, 4, 6, 6), 4 * 4 * 8 * 4 * 3 * 3),
}
print("a good guess: what thop does for a product that is called as a function it does for a convolution, too")
counts = {}
for name, (layer, x, macs) in layers.items():
    counts[name] = int(thop.profile(layer, inputs=(x,), verbose=False)[0])
    print(f"{name}: {macs:,} multiply-accumulates run, thop gives {counts[name]:,}")
same = counts == {"F.linear": 64, "torch.matmul": 64, "F.conv2d": 0, "nn.Conv2d": 4608}
sys.exit(None if same else "the behaviour has changed")
PYTHON
