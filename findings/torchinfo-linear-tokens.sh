#!/usr/bin/env bash
# torchinfo's multiply-adds of one linear layer, given 2 images of 50 tokens: in three dimensions, or in two.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torchinfo==1.8.0 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
import torchinfo
from torch import nn

layer = nn.Linear(8, 16, bias=False)
shapes = [(2, 50, 8), (100, 8)]
counts = [torchinfo.summary(layer, input_data=torch.ones(shape), verbose=0).total_mult_adds for shape in shapes]
print(f"a good guess: {100 * 8 * 16:,} for both (100 tokens × 8 × 16)")
for shape, count in zip(shapes, counts, strict=True):
    print(f"torchinfo, input {shape}: {count:,}")
sys.exit(None if counts == [2 * 8 * 16, 100 * 8 * 16] else "the behaviour has changed")
PYTHON
