#!/usr/bin/env bash
# thop's `stride` profiles a small image in place of a large one; part of the network does not depend on the image.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ultralytics-thop==2.2.3 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import thop
import torch
from torch import nn


class WithQueries(nn.Module):
    """A convolution of the image, and one of a learned map of 8 by 8, as a head with queries has it."""

    def __init__(self):
        super().__init__()
        self.image = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.queries = nn.Parameter(torch.ones(1, 8, 8, 8))
        self.mix = nn.Conv2d(8, 8, 1, bias=False)

    def forward(self, x):
        return self.image(x).mean((2, 3), keepdim=True) + self.mix(self.queries)


image = torch.ones(1, 3, 256, 256)
model = WithQueries()
run = 256 * 256 * 8 * 3 * 9 + 8 * 8 * 8 * 8  # the second does not grow with the image
direct = int(thop.profile(model, inputs=(image,), verbose=False)[0])
small = int(thop.profile(model, inputs=(image,), stride=32, verbose=False)[0])
print("a good guess: with `stride`, which is there to save time, thop gives the same")
print(f"multiply-accumulates that run: {run:,}")
print(f"without stride: {direct:,}; with stride=32: {small:,}, which is {small - direct:,} more")
print("the convolution of the learned map is taken", (small - direct) // (8 * 8 * 8 * 8) + 1, "times")
sys.exit(None if direct == run and small - direct == 63 * 4096 else "the behaviour has changed")
PYTHON
