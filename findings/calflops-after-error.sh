#!/usr/bin/env bash
# calflops counts a convolution; then it is given an image without a batch, which the layer takes and calflops refuses;
# then it counts the same convolution again.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages calflops==0.3.2 transformers==5.24.0 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from calflops import calculate_flops
from torch import nn

layer = nn.Conv2d(4, 8, 3, bias=False)


def macs(*shape):
    return calculate_flops(layer, args=[torch.ones(shape)], print_results=False, output_as_string=False)[1]


counts, errors = [macs(1, 4, 6, 6)], []
for _ in range(2):
    try:
        macs(4, 6, 6)
    except AssertionError as error:
        errors.append(type(error).__name__)
    counts.append(macs(1, 4, 6, 6))
print(f"a good guess: {4 * 4 * 8 * 4 * 3 * 3:,} MACs each time; what failed leaves nothing behind")
print(f"calflops: {counts[0]:,}; after the error {counts[1]:,}, after another one {counts[2]:,}")
print("torch.nn.functional.conv2d is now", torch.nn.functional.conv2d.__qualname__)
same = errors == ["AssertionError"] * 2 and counts == [4608, 2 * 4608, 3 * 4608]
sys.exit(None if same else "the behaviour has changed")
PYTHON
